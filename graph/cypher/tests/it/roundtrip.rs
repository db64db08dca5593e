//! What the printer writes, the parser reads back as the same tree.

use proptest::prelude::*;
use worldstore_cypher::{parse, parse_expression};

use crate::erase::Spans;
use crate::trees;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    fn expressions_read_back(expr in trees::expr()) {
        let printed = expr.to_string();
        let read = parse_expression(&printed).map_err(|error| TestCaseError::fail(error.render(&printed)))?;
        prop_assert_eq!(read.to_string(), printed);
        prop_assert_eq!(read.erased(), expr);
    }

    fn expressions_over_patterns_read_back(expr in trees::over_patterns()) {
        let printed = expr.to_string();
        let read = parse_expression(&printed).map_err(|error| TestCaseError::fail(error.render(&printed)))?;
        prop_assert_eq!(read.erased(), expr, "{}", printed);
    }

    fn expressions_need_their_brackets(expr in trees::plain_expr()) {
        // Canonical text has no pair of round brackets that could go: without any one of them the text is broken, or
        // means something else.
        let printed = expr.to_string();
        for shorter in without_each_pair(&printed) {
            if let Ok(read) = parse_expression(&shorter) {
                prop_assert_ne!(read.erased(), expr.clone(), "{} can be {}", printed, shorter);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    fn scripts_read_back(statements in prop::collection::vec(trees::statement(), 0..4)) {
        let printed: String = statements.iter().map(|statement| format!("{statement};\n")).collect();
        let read = parse(&printed).map_err(|errors| TestCaseError::fail(errors[0].render(&printed)))?;
        let again: String = read.iter().map(|statement| format!("{statement};\n")).collect();
        prop_assert_eq!(again, printed);
        let read: Vec<_> = read.into_iter().map(Spans::erased).collect();
        prop_assert_eq!(read, statements);
    }
}

/// Random trees are built by deep calls, so they get a stack of their own.
#[allow(clippy::unwrap_used, reason = "without a thread there is no test")]
pub fn on_large_stack(test: fn()) {
    let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(test).unwrap();
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn every_expression_reads_back() {
    on_large_stack(expressions_read_back);
}

#[test]
fn every_expression_over_patterns_reads_back() {
    on_large_stack(expressions_over_patterns_read_back);
}

#[test]
fn every_pair_of_brackets_is_needed() {
    on_large_stack(expressions_need_their_brackets);
}

#[test]
fn every_script_reads_back() {
    on_large_stack(scripts_read_back);
}

/// The text without each of its pairs of round brackets; brackets within quotes are left alone.
fn without_each_pair(text: &str) -> Vec<String> {
    let mut open = Vec::new();
    let mut pairs = Vec::new();
    let mut quote = None;
    let mut escaped = false;
    for (position, next) in text.char_indices() {
        match (quote, next) {
            (Some('\''), '\\') if !escaped => {
                escaped = true;
                continue;
            }
            (Some(end), next) if next == end && !escaped => quote = None,
            (None, '\'' | '`') => quote = Some(next),
            (None, '(') => open.push(position),
            (None, ')') => pairs.extend(open.pop().map(|start| (start, position))),
            _ => {}
        }
        escaped = false;
    }
    pairs
        .into_iter()
        .map(|(start, end)| format!("{} {} {}", &text[..start], &text[start + 1..end], &text[end + 1..]))
        .collect()
}

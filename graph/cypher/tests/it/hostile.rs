//! No text makes the parser panic, and every place that it names lies in the text.

use proptest::prelude::*;
use worldstore_cypher::{Span, line_column, parse, parse_expression};

use crate::erase::Spans;
use crate::examples::SCRIPT;
use crate::roundtrip::on_large_stack;
use crate::trees;

/// Pieces of the language; texts of them go deeper into the parser than random letters do.
const PIECES: [&str; 87] = [
    "MATCH",
    "RETURN",
    "WHERE",
    "CREATE",
    "NODE",
    "LABEL",
    "EDGE",
    "TYPE",
    "FROM",
    "FILE",
    "TABLE",
    "VIRTUAL",
    "PARTITION",
    "KEY",
    "COMPUTE",
    "TARGET",
    "REFERENCES",
    "AS",
    "OF",
    "TICK",
    "ORDER",
    "BY",
    "SKIP",
    "LIMIT",
    "AND",
    "OR",
    "NOT",
    "IN",
    "IS",
    "NULL",
    "CASE",
    "WHEN",
    "THEN",
    "END",
    "STARTS",
    "WITH",
    "count",
    "x",
    "a",
    "'t'",
    "`q`",
    "$p",
    "1",
    "2.5",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ".",
    ":",
    ";",
    "|",
    "=",
    "<",
    ">",
    "-",
    "*",
    "+",
    "'",
    "/*",
    "ß",
    "UNWIND",
    "MERGE",
    "SET",
    "CALL",
    "YIELD",
    "reduce(",
    "all(",
    "EXISTS {",
    "shortestPath(",
    "UNION",
    "-->",
    "..",
    "ON",
    "DELETE",
    "&",
    "!",
    "%",
    "SHORTEST",
    "TRAIL",
    "LET",
    "FOR",
    "FILTER",
    "NEXT",
];

fn check(source: &str) -> Result<(), TestCaseError> {
    let inside = |span: Span| {
        let boundaries = source.is_char_boundary(span.start) && source.is_char_boundary(span.end);
        span.start <= span.end && span.end <= source.len() && boundaries
    };
    match parse(source) {
        Ok(statements) => {
            for mut statement in statements {
                for diagnostic in worldstore_cypher::check(&statement) {
                    prop_assert!(inside(diagnostic.span), "{:?}", diagnostic);
                    prop_assert!(diagnostic.detail.is_some(), "{:?}", diagnostic);
                }
                let printed = statement.to_string();
                let again = parse(&printed).map_err(|wrong| TestCaseError::fail(wrong[0].render(&printed)))?;
                prop_assert_eq!(again.len(), 1, "{}", printed);
                prop_assert_eq!(again[0].to_string(), printed);
                let mut wrong = None;
                statement.visit(&mut |span| wrong = wrong.or((!inside(*span)).then_some(*span)));
                prop_assert_eq!(wrong, None);
            }
        }
        Err(diagnostics) => {
            prop_assert!(!diagnostics.is_empty());
            for diagnostic in diagnostics {
                prop_assert!(inside(diagnostic.span), "{:?}", diagnostic);
                let (line, column) = line_column(source, diagnostic.span.start);
                let place = format!("--> {line}:{column}\n");
                prop_assert!(diagnostic.render(source).contains(&place));
            }
        }
    }
    if let Err(diagnostic) = parse_expression(source) {
        prop_assert!(inside(diagnostic.span), "{:?}", diagnostic);
    }
    Ok(())
}

/// Cuts out, doubles, swaps or replaces a stretch of characters.
fn mutate(source: &str, edits: &[(u8, usize, usize, String)]) -> String {
    let mut text: Vec<char> = source.chars().collect();
    for (kind, at, length, replacement) in edits {
        let start = at % (text.len() + 1);
        let end = (start + length).min(text.len());
        let stretch = match kind % 3 {
            0 => Vec::new(),
            1 => [&text[start..end], &text[start..end]].concat(),
            _ => replacement.chars().collect(),
        };
        text.splice(start..end, stretch);
    }
    text.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_text_is_answered(source in any::<String>()) {
        check(&source)?;
    }

    #[test]
    fn any_pieces_are_answered(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..30)) {
        check(&pieces.join(" "))?;
        check(&pieces.concat())?;
    }

    #[test]
    fn mutated_scripts_are_answered(
        edits in prop::collection::vec((any::<u8>(), any::<usize>(), 0..20_usize, "\\PC{0,3}|['\"`;(){}]"), 1..4),
    ) {
        check(&mutate(SCRIPT, &edits))?;
    }

    fn mutated_statements_are_answered(
        statement in trees::statement(),
        edits in prop::collection::vec((any::<u8>(), any::<usize>(), 0..6_usize, "\\PC{0,3}|['\"`;(){}]"), 0..3),
    ) {
        check(&mutate(&statement.to_string(), &edits))?;
    }
}

#[test]
fn mutated_trees_are_answered() {
    on_large_stack(mutated_statements_are_answered);
}

//! The kit itself: the reference against values computed by hand, and that differences are seen.

use std::cmp::Ordering;

use super::cases::cases;
use super::rows::{KINDS, Kinds, kinds_batch, kinds_schema};
use super::*;
use crate::ErrorKind;
use crate::table::{
    AppendOptions, CompareOp, CreateOptions, MemoryTables, Predicate, Scalar, Scan, TableBackend, TableName,
};

/// How a value stands to a constant, computed without Arrow; none if the value is null.
fn order(row: &Kinds, column: &str, constant: &Scalar) -> Option<Ordering> {
    match (column, constant) {
        ("i", Scalar::Int(right)) => row.i.map(|left| left.cmp(right)),
        ("i", Scalar::UInt(right)) => row.i.map(|left| i128::from(left).cmp(&i128::from(*right))),
        ("u", Scalar::Int(right)) => row.u.map(|left| i128::from(left).cmp(&i128::from(*right))),
        ("u", Scalar::UInt(right)) => row.u.map(|left| left.cmp(right)),
        ("i", Scalar::Float(right)) => row.i.map(|left| (left as f64).total_cmp(right)),
        ("u", Scalar::Float(right)) => row.u.map(|left| (left as f64).total_cmp(right)),
        ("f", Scalar::Int(right)) => row.f.map(|left| left.total_cmp(&(*right as f64))),
        ("f", Scalar::UInt(right)) => row.f.map(|left| left.total_cmp(&(*right as f64))),
        ("f", Scalar::Float(right)) => row.f.map(|left| left.total_cmp(right)),
        ("t", Scalar::Text(right)) => row.t.map(|left| left.as_bytes().cmp(right.as_bytes())),
        ("b", Scalar::Bool(right)) => row.b.map(|left| left.cmp(right)),
        ("at", Scalar::TimestampMicros(right)) => row.at.map(|left| left.cmp(right)),
        other => panic!("the kit compares {other:?}"),
    }
}

fn is_null(row: &Kinds, column: &str) -> bool {
    match column {
        "id" => false,
        "i" => row.i.is_none(),
        "u" => row.u.is_none(),
        "f" => row.f.is_none(),
        "t" => row.t.is_none(),
        "b" => row.b.is_none(),
        "at" => row.at.is_none(),
        other => panic!("the kit has a column {other}"),
    }
}

fn holds(row: &Kinds, predicate: &Predicate) -> Option<bool> {
    match predicate {
        Predicate::Compare { column, op, value } => order(row, column, value).map(|order| match op {
            CompareOp::Eq => order.is_eq(),
            CompareOp::NotEq => order.is_ne(),
            CompareOp::Lt => order.is_lt(),
            CompareOp::LtEq => order.is_le(),
            CompareOp::Gt => order.is_gt(),
            CompareOp::GtEq => order.is_ge(),
        }),
        Predicate::IsNull(column) => Some(is_null(row, column)),
        Predicate::IsNotNull(column) => Some(!is_null(row, column)),
        Predicate::Not(inner) => holds(row, inner).map(|holds| !holds),
        Predicate::And(all) => all_of(all.iter().map(|each| holds(row, each)).collect()),
        // One holds, if not all do not hold.
        Predicate::Or(all) => {
            all_of(all.iter().map(|each| holds(row, each).map(|holds| !holds)).collect()).map(|none| !none)
        }
    }
}

fn all_of(all: Vec<Option<bool>>) -> Option<bool> {
    match (all.contains(&Some(false)), all.contains(&None)) {
        (true, _) => Some(false),
        (false, true) => None,
        (false, false) => Some(true),
    }
}

#[test]
fn the_reference_reads_what_plain_code_reads() {
    let tables = MemoryTables::new();
    let table = TableName::new("t").unwrap();
    tables.create(&table, &CreateOptions::new(kinds_schema())).unwrap();
    let _ = tables.append(&table, vec![kinds_batch(&KINDS).unwrap()], &AppendOptions::default()).unwrap();
    let mut compared = 0;
    for case in cases().unwrap().into_iter().filter(|case| ["comparisons", "logic"].contains(&case.name)) {
        for step in case.steps {
            let Step::Scan { scan: Scan { predicate: Some(predicate), .. }, .. } = step else { continue };
            let scan = Scan::all().with_predicate(predicate.clone());
            let rows = tables.scan(&table, &scan).unwrap().batches.map(|batch| batch.unwrap());
            let rows: Vec<String> = rows.flat_map(|batch| row_texts(&kinds_schema(), &batch).unwrap()).collect();
            let expected: Vec<Kinds> = KINDS.into_iter().filter(|row| holds(row, &predicate) == Some(true)).collect();
            let expected = row_texts(&kinds_schema(), &kinds_batch(&expected).unwrap()).unwrap();
            assert_eq!(rows, expected, "{predicate:?}");
            compared += 1;
        }
    }
    assert!(compared > 400, "{compared} predicates only");
}

#[test]
fn rows_as_text_tell_apart_what_differs() {
    let row = |f, t| Kinds { f, t, ..KINDS[5] };
    let rows =
        [row(Some(0.0), None), row(Some(-0.0), None), row(Some(f64::NAN), None), row(None, Some("")), row(None, None)];
    let texts = row_texts(&kinds_schema(), &kinds_batch(&rows).unwrap()).unwrap();
    let distinct: std::collections::BTreeSet<&String> = texts.iter().collect();
    assert_eq!(distinct.len(), rows.len(), "{texts:?}");
    assert!(row_texts(&race_schema(), &kinds_batch(&rows).unwrap()).is_err());
}

fn rows(rows: &[&str]) -> Answer {
    let rows = rows.iter().map(|row| (*row).to_owned()).collect();
    Answer::Rows { columns: vec!["n Int64".into()], commit: Some(1), watermark: 7, rows }
}

#[test]
fn differences_are_seen() {
    let (format, cache) = (Profile::format(), Profile::cache());
    assert_eq!(difference(&rows(&["1", "2"]), &rows(&["1", "2"]), None, &format), None);
    let what = difference(&rows(&["1", "2"]), &rows(&["2", "2"]), None, &format).unwrap();
    assert_eq!(what, r#"rows missing: [("1", 1)], rows too many: [("2", 1)]"#);
    for (got, limit) in [(rows(&["1", "1"]), 2), (rows(&["1"]), 2), (rows(&["1", "2", "3"]), 2), (rows(&["4"]), 1)] {
        assert!(difference(&rows(&["1", "2", "3"]), &got, Some(limit), &format).is_some(), "{got}");
    }
    assert_eq!(difference(&rows(&["1", "2", "3"]), &rows(&["3", "1"]), Some(2), &format), None);

    let table = |watermark| Answer::Table { columns: vec![], commit: Some(0), watermark, epoch: 0, rows: 0 };
    assert!(difference(&table(1), &table(2), None, &format).is_some());
    assert_eq!(difference(&table(1), &table(2), None, &cache), None);

    let failed = |kind, have: &str| Answer::Failed {
        kind,
        stand: Some((have.to_owned(), "1".to_owned())),
        text: have.to_owned(),
    };
    assert!(
        difference(&failed(ErrorKind::ConditionFailed, "2"), &failed(ErrorKind::ConditionFailed, "3"), None, &format)
            .is_some()
    );
    assert!(difference(&failed(ErrorKind::Invalid, "2"), &failed(ErrorKind::NotFound, "2"), None, &format).is_some());
    assert!(difference(&Answer::Done, &failed(ErrorKind::Invalid, "2"), None, &format).is_some());
}

#[test]
fn cases_have_names_of_their_own_and_a_failed_report_is_an_error() {
    let names: Vec<&str> = cases().unwrap().iter().map(|case| case.name).collect();
    let distinct: std::collections::BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(distinct.len(), names.len());
    assert!(names.iter().all(|name| TableName::new(name).is_ok()));

    let mut report = Report::default();
    report.push("good", CaseResult::Passed(3));
    assert!(report.clone().into_result().is_ok());
    let failure = Failure::new(2, Step::List, "another answer".into(), "a".into(), "b".into());
    report.push("bad", CaseResult::Failed(vec![failure]));
    let message = report.into_result().unwrap_err().to_string();
    assert!(message.contains("bad: FAILED") && message.contains("step 2: list"), "{message}");
}

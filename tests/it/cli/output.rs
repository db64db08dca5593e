//! What is printed arrives as it is, or the command fails.

use std::fs::File;
use std::process::{Output, Stdio};
use std::sync::Arc;

use worldstore::arrow::array::{ArrayRef, Float32Array, Float64Array, ListArray, RecordBatch, UInt64Array};
use worldstore::arrow::datatypes::Float64Type;

use super::append::walkers;
use super::desk::{Desk, code_of, errors_of};

/// Runs the command where nothing can be printed.
#[cfg(target_os = "linux")]
fn unprinted(desk: &Desk, args: &[&str]) -> Output {
    let full = File::options().write(true).open("/dev/full").unwrap();
    desk.command(args).stdout(full).stderr(Stdio::piped()).output().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_is_lost_fails_the_command() {
    let desk = Desk::new();
    desk.write("one/a", "no new line");
    for args in [["fs", "cat", "one/a"].as_slice(), &["fs", "ls", "one"]] {
        let output = unprinted(&desk, args);
        assert_eq!(code_of(&output), 1, "{args:?}");
        assert!(errors_of(&output).contains("operation: print"), "{}", errors_of(&output));
    }
    // Whoever reads may have enough.
    let mut child =
        desk.command(&["fs", "cat", "one/a"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((code_of(&output), errors_of(&output).as_str()), (0, ""));
}

#[cfg(target_os = "linux")]
#[test]
fn what_was_done_is_not_asked_for_again_where_it_cannot_be_told() {
    let desk = walkers();
    for args in [["append", "world", "position=second.csv"].as_slice(), &["compact", "world"]] {
        let output = unprinted(&desk, args);
        let said = errors_of(&output);
        assert_eq!(code_of(&output), 1, "{args:?}: {said}");
        assert!(said.contains("what was asked is done, only its answer could not be printed"), "{args:?}: {said}");
        assert!(!said.contains("run it again") && !said.contains("world: "), "{args:?}: {said}");
    }
    assert_eq!(desk.json(&["ticks", "world", "position"]).len(), 3);
    // What could not be printed of one table left out none of the others.
    let again = desk.lines(&["compact", "world", "--json"]);
    let files: Vec<_> = again.iter().map(|told| (told["table"].as_str(), told["files_before"].as_u64())).collect();
    assert_eq!(files, [(Some("health"), Some(1)), (Some("position"), Some(1))]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_step_that_failed_is_told_where_nothing_can_be_printed() {
    let desk = Desk::new();
    desk.write("one/a", "a file");
    desk.write("one/b", "another");
    desk.write("two/b/c", "a folder in the place of a file");
    let output = unprinted(&desk, &["fs", "sync", "one", "two"]);
    let said = errors_of(&output);
    assert!(said.contains("path: b") && !said.contains("what was asked is done"), "{said}");
    assert_ne!(code_of(&output), 0);
    assert!(desk.path("two/a").exists());
}

/// A world with floats of all kinds.
fn floats() -> Desk {
    let desk = Desk::new();
    desk.ok(&["init", "world"]);
    let all = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1.5];
    let lists = ListArray::from_iter_primitive::<Float64Type, _, _>(all.map(|value| Some(vec![Some(value), None])));
    let columns: [(&str, ArrayRef); 4] = [
        ("id", Arc::new(UInt64Array::from(vec![0, 1, 2, 3]))),
        ("x", Arc::new(Float64Array::from(all.to_vec()))),
        ("y", Arc::new(Float32Array::from(all.map(|value| value as f32).to_vec()))),
        ("z", Arc::new(lists)),
    ];
    desk.parquet("floats.parquet", &RecordBatch::try_from_iter(columns).unwrap());
    desk.ok(&["import", "world", "t", "floats.parquet", "--tick", "1"]);
    desk
}

#[test]
fn floats_that_json_does_not_know_are_texts() {
    let desk = floats();
    let text = desk.ok(&["scan", "world", "t", "--columns", "x,y,z", "--format", "json"]);
    let expected = "{\"x\":\"NaN\",\"y\":\"NaN\",\"z\":[\"NaN\",null]}\n\
                    {\"x\":\"Infinity\",\"y\":\"Infinity\",\"z\":[\"Infinity\",null]}\n\
                    {\"x\":\"-Infinity\",\"y\":\"-Infinity\",\"z\":[\"-Infinity\",null]}\n\
                    {\"x\":1.5,\"y\":1.5,\"z\":[1.5,null]}\n";
    assert_eq!(text, expected);
    let history = desk.ok(&["history", "world", "1", "--format", "json"]);
    assert!(history.contains("\"x\":\"Infinity\""), "{history}");
}

#[test]
fn columns_of_one_name_are_not_printed_as_json() {
    let desk = walkers();
    let query = "select a.x, b.x from position a join position b on a.entity = b.entity";
    desk.refused(&["sql", "world", query, "--format", "json"], &["two columns have one name", "column: x"]);
    assert!(desk.ok(&["sql", "world", query, "--format", "csv"]).starts_with("x,x\n"));
}

#[test]
fn numbers_are_printed_as_they_are_stored() {
    let desk = Desk::new();
    desk.ok(&["init", "world"]);
    // What a parser that does not round correctly makes another number of.
    let numbers = ["0.04905986518946667", "31.245270191439438", "9.120919312390533e-5", "4.17e-320", "0.1"];
    for (tick, number) in numbers.iter().enumerate() {
        desk.write("rows.ndjson", format!("{{\"entity\": 1, \"x\": {number}}}\n"));
        desk.ok(&["append", "world", "t=rows.ndjson", "--tick", &tick.to_string()]);
    }
    let stored: Vec<String> = numbers.iter().map(|number| format!("{:?}", number.parse::<f64>().unwrap())).collect();
    let history = desk.ok(&["history", "world", "1", "--json"]);
    let diff = desk.ok(&["diff", "world", "0", "1", "--json"]);
    for number in &stored {
        assert!(history.contains(&format!("\"x\":{number}}}")), "{number}: {history}");
    }
    assert!(diff.contains(&format!("\"after\":{{\"x\":{}}}", stored[1])), "{diff}");
}

//! `worldstore sql`.

use serde_json::json;
use worldstore::arrow::ipc::reader::StreamReader;

use super::desk::{Desk, code_of, errors_of};

#[test]
fn rows_come_in_each_format() {
    let desk = Desk::with_world();
    let text = "select carrier, name from airlines where carrier in ('UA', 'AA') order by carrier";
    let expected = [
        json!({"carrier": "AA", "name": "American Airlines Inc."}),
        json!({"carrier": "UA", "name": "United Air Lines Inc."}),
    ];
    assert_eq!(desk.json(&["sql", "world", text]), expected);
    assert!(desk.ok(&["sql", "world", text, "--format", "csv"]).starts_with("carrier,name\nAA,American"));
    let table = desk.ok(&["sql", "world", text]);
    assert!(table.contains("│ UA ") && table.ends_with("2 rows\n"), "{table}");
    let output = desk.run(&["sql", "world", text, "--format", "arrow"]);
    let batches: Vec<_> = StreamReader::try_new(output.stdout.as_slice(), None).unwrap().map(Result::unwrap).collect();
    assert_eq!(batches.iter().map(|batch| batch.num_rows()).sum::<usize>(), 2);
    let none = desk.ok(&["sql", "world", "select carrier from airlines where carrier = 'no'", "--format", "csv"]);
    assert_eq!(none, "carrier\n");
    let file = desk.write("query.sql", text);
    assert_eq!(desk.json(&["sql", "world", "--file", &file]), expected);
    let output = desk.run_with(&["sql", "world", "--format", "csv"], "select 1 as one");
    assert_eq!((code_of(&output), String::from_utf8_lossy(&output.stdout).as_ref()), (0, "one\n1\n"));
}

#[test]
fn runs_and_ticks_are_chosen() {
    let desk = Desk::with_world();
    let ticks = desk.json(&["ticks", "world", "flights"]);
    let rows = |upto: usize| ticks[..upto].iter().map(|tick| tick["rows"].as_u64().unwrap()).sum::<u64>();
    let ask = |text: &str, more: &[&str]| desk.json(&[&["sql", "world", text], more].concat())[0]["n"].clone();
    let count = "select count(*) as n from flights";
    assert_eq!(ask(count, &[]), rows(3));
    assert_eq!(ask(count, &["--as-of", "2"]), rows(2));
    assert_eq!(ask(count, &["--tick", "1"]), rows(1));
    assert_eq!(ask(count, &["--tick", "-1"]), 0);
    desk.ok(&["fork", "world", "storm", "--at", "1"]);
    assert_eq!(ask(count, &["--run", "storm"]), rows(1));
    assert_eq!(ask("select count(*) as n from as_of('flights', 2)", &[]), rows(2));
    assert_eq!(ask("select count(*) as n from as_of('flights', 3, 'storm')", &[]), rows(1));
    let joined = "select count(*) as n from flights f join airlines a on a.carrier = f.carrier where f.tick = 1";
    assert_eq!(ask(joined, &[]), rows(1));
    assert_eq!(
        desk.json(&["sql", "world", "show tables"]).iter().filter(|row| row["table_schema"] == "public").count(),
        2
    );
}

#[test]
fn nothing_is_changed_and_mistakes_are_told() {
    let desk = Desk::with_world();
    let target = desk.path("stolen.parquet").display().to_string();
    let copy = format!("copy airlines to '{target}'");
    let external = format!("create external table t stored as parquet location '{target}'");
    for (text, messages) in [
        ("insert into airlines select * from airlines", &["unsupported: only queries can be run", "INSERT"][..]),
        (&copy, &["only queries can be run", "COPY"]),
        (&external, &["only queries can be run", "CREATE EXTERNAL TABLE"]),
        ("set datafusion.execution.batch_size = 1", &["only queries can be run", "SET"]),
        ("drop table airlines", &["only queries can be run", "DROP"]),
        ("select carrier airlines where", &["invalid", "line: 1, column:"]),
        ("select *\nform airlines", &["invalid", "line: 2, column:"]),
        ("select * from airline", &["unknown table", "table: airline", "did_you_mean: airlines", "world: world"]),
        ("select carier from airlines", &["carier", "carrier"]),
        ("select * from '/etc/passwd'", &["invalid"]),
        ("", &["the query is empty"]),
        ("select 1; select 2", &["unsupported"]),
        ("select * from as_of('flights', 1, 'sunny')", &["no such run", "sunny"]),
    ] {
        desk.refused(&["sql", "world", text], messages);
    }
    desk.refused(&["sql", "nowhere", "select 1"], &["not found", "nowhere"]);
    desk.refused(&["sql", "world", "select 1", "--run", "sunny"], &["no such run", "run: sunny"]);
    desk.refused(&["sql", "world", "select 1", "--file", "query.sql"], &["cannot be used with"]);
    desk.refused(
        &["sql", "world", "select 1", "--limit-memory", "1TB"],
        &["a size is a whole number of B, KiB, MiB or GiB"],
    );
    desk.refused(&["sql", "world", "select 1", "--timeout", "0s"], &["the time is out of range"]);
    desk.refused(&["sql", "world", "select 1", "--timeout", "30"], &["a time is a whole number with ms, s, m, h or d"]);
    assert!(!desk.path("stolen.parquet").exists());
}

#[test]
fn limits_are_errors_and_not_shorter_answers() {
    let desk = Desk::with_world();
    let all = "select * from airlines";
    assert_eq!(desk.json(&["sql", "world", all, "--limit-rows", "16"]).len(), 16);
    let output = desk.run(&["sql", "world", all, "--limit-rows", "15"]);
    assert_eq!(code_of(&output), 2);
    assert!(errors_of(&output).contains("more rows than it may give, limit_rows: 15"), "{}", errors_of(&output));
    let sorted = "select * from flights order by dest, dep_delay";
    let output = desk.run(&["sql", "world", sorted, "--limit-memory", "64KiB"]);
    assert_eq!(code_of(&output), 2);
    assert!(errors_of(&output).contains("more memory than it may use, limit_bytes: 65536"), "{}", errors_of(&output));
    let endless = "select count(*) from generate_series(1, 100000000000) a";
    let output = desk.run(&["sql", "world", endless, "--timeout", "100ms"]);
    assert_eq!(code_of(&output), 2);
    assert!(errors_of(&output).contains("more time than it may take, limit_seconds: 0.1"), "{}", errors_of(&output));
}

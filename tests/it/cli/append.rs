//! `worldstore append`: one tick over several tables, from files and standard input.

use std::sync::Arc;

use expect_test::expect;
use serde_json::json;
use worldstore::arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, RecordBatch, StringArray, TimestampSecondArray,
    UInt64Array,
};

use super::desk::{Desk, code_of, errors_of};

/// A world with two ticks of `position`, and `health` in the first of them.
pub fn walkers() -> Desk {
    let desk = Desk::new();
    desk.ok(&["init", "world"]);
    walk(&desk);
    desk
}

/// Appends the two ticks.
pub fn walk(desk: &Desk) {
    desk.write("position.csv", "entity,x,y\n1,0.5,1\n2,1.5,2\n3,2.5,3\n");
    desk.write("health.ndjson", "{\"entity\": 1, \"hp\": 10, \"name\": \"a\"}\n{\"entity\": 2, \"hp\": 5}\n");
    let said = desk.ok(&["append", "world", "position=position.csv", "health=health.ndjson"]);
    assert_eq!(said, "appended 5 rows to 2 tables as tick 1 of run main, seq 1\n");
    desk.write("second.csv", "y,entity,x\n1,1,7\n4,4,0\n");
    let said = desk.ok(&["append", "world", "position=second.csv"]);
    assert_eq!(said, "appended 2 rows to 1 table as tick 2 of run main, seq 2\n");
}

#[test]
fn a_tick_of_two_tables_is_one_step() {
    for tables in ["lance", "iceberg"] {
        let desk = Desk::new();
        desk.ok(&["init", "world", "--tables", tables]);
        walk(&desk);
        let rows = desk.json(&["scan", "world", "position", "--columns", "entity,tick,x,y"]);
        assert_eq!(rows[0], json!({"entity": 1, "tick": 1, "x": 0.5, "y": 1}));
        assert_eq!(rows[3], json!({"entity": 1, "tick": 2, "x": 7.0, "y": 1}), "columns may come in any order");
        let health = desk.ok(&["scan", "world", "health", "--columns", "entity,tick,active,seq,hp,name"]);
        expect![[r#"
            ┌────────┬──────┬────────┬─────┬────┬──────┐
            │ entity ┆ tick ┆ active ┆ seq ┆ hp ┆ name │
            ╞════════╪══════╪════════╪═════╪════╪══════╡
            │      1 ┆    1 ┆ true   ┆   1 ┆ 10 ┆ a    │
            │      2 ┆    1 ┆ true   ┆   1 ┆  5 ┆ null │
            └────────┴──────┴────────┴─────┴────┴──────┘
            2 rows
        "#]]
        .assert_eq(&health);
    }
}

#[test]
fn rows_come_from_standard_input_in_each_format() {
    let desk = walkers();
    let append = |input: &str, more: &[&str]| {
        let output = desk.run_with(&[&["append", "world", "health=-", "--json"], more].concat(), input);
        assert_eq!((code_of(&output), errors_of(&output).as_str()), (0, ""), "{more:?}");
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()
    };
    // The type of a column is that of the table, and what JSON leaves out is null.
    let told = append("{\"entity\": 2, \"hp\": 6.0}\n", &["--input", "json"]);
    assert_eq!(told, json!({"run": "main", "tick": 2, "seq": 3, "tables": {"health": 1}, "rows": 1}));
    let told = append("id,hp,name,active\n2,6,,false\n", &["--input", "csv", "--entity-column", "id", "--tick", "9"]);
    assert_eq!((&told["tick"], &told["rows"]), (&json!(9), &json!(1)));
    let columns = ["scan", "world", "health", "--columns", "entity,hp,name", "--as-of", "1", "--format", "arrow"];
    let stream = desk.run(&columns).stdout;
    std::fs::write(desk.path("health.arrow"), stream).unwrap();
    desk.ok(&["append", "world", "health=health.arrow", "--run", "main"]);
    assert_eq!(desk.json(&["ticks", "world", "health"]).last(), Some(&json!({"tick": 10, "rows": 2})));
    let state = desk.json(&["sql", "world", "select count(*) as n from health where not active"]);
    assert_eq!(state, [json!({"n": 1})]);
}

#[test]
fn texts_become_what_the_column_is_and_not_what_they_look_like() {
    let desk = Desk::new();
    desk.ok(&["init", "world"]);
    desk.write("first.csv", "entity,code,mass\n1,a7,0.5\n");
    desk.ok(&["append", "world", "part=first.csv"]);
    desk.write("second.csv", "entity,code,mass\n2,007,1\n3,1e3,\n");
    desk.ok(&["append", "world", "part=second.csv"]);
    desk.ok(&["append", "world", "part=second.csv", "--tick", "9"]);
    desk.write("last.csv", "entity,code,mass\n18446744073709551615,z,0\n");
    desk.ok(&["append", "world", "part=last.csv"]);
    assert_eq!(desk.json(&["history", "world", "18446744073709551615"]).len(), 1);
    let rows = desk.json(&["scan", "world", "part", "--columns", "entity,code,mass", "--as-of", "2"]);
    let expected = [
        json!({"entity": 1, "code": "a7", "mass": 0.5}),
        json!({"entity": 2, "code": "007", "mass": 1.0}),
        json!({"entity": 3, "code": "1e3", "mass": null}),
    ];
    assert_eq!(rows, expected);
}

#[test]
fn a_column_without_values_is_empty_where_the_table_has_it() {
    let desk = walkers();
    desk.write("nameless.csv", "entity,hp,name\n7,1,\n8,2,\n");
    desk.ok(&["append", "world", "health=nameless.csv"]);
    let rows = desk.json(&["sql", "world", "select count(*) as n from health where entity in (7, 8) and name is null"]);
    assert_eq!(rows, [json!({"n": 2})]);
    // Of a new table it is what it was in any other file: a column of nulls.
    desk.ok(&["append", "world", "fresh=nameless.csv"]);
    let rows = desk.json(&["scan", "world", "fresh", "--columns", "entity,name"]);
    assert_eq!(rows, [json!({"entity": 7, "name": null}), json!({"entity": 8, "name": null})]);
    desk.write("named.csv", "entity,hp,name\n7,1,b\n");
    desk.refused(&["append", "world", "fresh=named.csv"], &["does not fit", "column: name", "table: fresh"]);
}

#[test]
fn numbers_that_would_change_are_refused() {
    let desk = walkers();
    let before = desk.json(&["ticks", "world", "health"]);
    desk.write("half.csv", "entity,hp,name\n1,5.5,b\n");
    desk.refused(&["append", "world", "health=half.csv"], &["does not fit", "column: hp", "expected: Int64", "5.5"]);
    desk.write("half.ndjson", "{\"entity\": 1, \"hp\": 5.5}\n");
    desk.refused(&["append", "world", "health=half.ndjson"], &["does not fit", "column: hp", "expected: Int64"]);
    desk.write("long.ndjson", "{\"entity\": 1, \"x\": 9007199254740993, \"y\": 1}\n");
    desk.refused(&["append", "world", "position=long.ndjson"], &["not the same", "column: x", "expected: Float64"]);
    assert_eq!(desk.json(&["ticks", "world", "health"]), before);
}

#[test]
fn rows_that_do_not_fit_change_no_table() {
    let desk = walkers();
    let ticks = || (desk.json(&["ticks", "world", "position"]), desk.json(&["ticks", "world", "health"]));
    let before = ticks();
    desk.write("good.csv", "entity,x,y\n1,1,1\n");
    for (name, rows, messages) in [
        ("gap.csv", "entity,x,y\n1,1,1\n,2,2\n", &["column has nulls", "column: entity", "gap.csv"][..]),
        ("minus.csv", "entity,hp,name\n-1,1,b\n", &["do not fit", "column: entity", "minus.csv", "table: health"]),
        ("none.csv", "hp,name\n1,b\n", &["rows have no column entity", "--entity-column", "none.csv"]),
        (
            "text.csv",
            "entity,hp,name\n1,many,b\n",
            &["does not fit that of the table", "column: hp", "expected: Int64"],
        ),
        ("more.csv", "entity,hp,name,mana\n1,1,b,2\n", &["another schema", "table: health"]),
        ("less.csv", "entity,name\n1,b\n", &["table: health"]),
        ("base.csv", "entity,hp,name,seq\n1,1,b,2\n", &["column name is taken", "column: seq"]),
        ("half.ndjson", "{\"entity\": 1, \"hp\"", &["corrupt", "half.ndjson"]),
        ("empty.csv", "", &["the file has no columns", "empty.csv"]),
    ] {
        desk.write(name, rows);
        desk.refused(&["append", "world", "position=good.csv", &format!("health={name}")], messages);
    }
    assert_eq!(ticks(), before);
    desk.write("header.csv", "entity,hp\n");
    desk.refused(&["append", "world", "new=header.csv"], &["a new table needs rows", "table: new"]);
}

#[test]
fn calls_that_cannot_be() {
    let desk = walkers();
    let append = |more: &[&str], messages: &[&str]| {
        desk.refused(&[&["append"], more].concat(), messages);
    };
    append(&["world"], &["TABLE=FILE"]);
    append(&["world", "position"], &["rows must be like `TABLE=FILE`", "rows: position"]);
    append(&["world", "position="], &["rows must be like", "rows: position="]);
    append(&["world", "a-b=position.csv"], &["table name must be", "a-b"]);
    append(&["world", "position=missing.csv"], &["not found", "missing.csv"]);
    append(&["world", "position=-"], &["say it with --input"]);
    append(&["world", "a=-", "b=-", "--input", "csv"], &["the file has no columns", "standard input"]);
    append(&["world", "position=position.csv", "--run", "sunny"], &["no such run", "run: sunny"]);
    append(&["world", "position=position.csv", "--tick", "soon"], &["soon", "--tick"]);
    append(&["nowhere", "position=position.csv"], &["not found", "nowhere"]);
    desk.ok(&["fork", "world", "storm", "--at", "1"]);
    append(
        &["world", "position=position.csv", "--run", "storm", "--tick", "1"],
        &["tick belongs to the run", "first_tick: 2"],
    );
}

/// A world with a column of each of these types in `t`.
fn with_types() -> Desk {
    let desk = Desk::new();
    desk.ok(&["init", "world"]);
    let columns: [(&str, ArrayRef); 8] = [
        ("entity", Arc::new(UInt64Array::from(vec![0]))),
        ("big", Arc::new(UInt64Array::from(vec![0]))),
        ("day", Arc::new(Date32Array::from(vec![0]))),
        ("flag", Arc::new(BooleanArray::from(vec![true]))),
        ("money", Arc::new(Decimal128Array::from(vec![100]).with_precision_and_scale(30, 2).unwrap())),
        ("second", Arc::new(TimestampSecondArray::from(vec![0]))),
        ("text", Arc::new(StringArray::from(vec!["a"]))),
        ("x", Arc::new(Float64Array::from(vec![0.5]))),
    ];
    let columns = columns.map(|(name, column)| (name, column, name != "entity"));
    desk.parquet("first.parquet", &RecordBatch::try_from_iter_with_nullable(columns).unwrap());
    desk.ok(&["append", "world", "t=first.parquet"]);
    desk
}

#[test]
fn values_that_would_lose_something_are_refused() {
    let desk = with_types();
    let before = desk.json(&["ticks", "world", "t"]);
    for (column, text) in [
        ("money", "1.239"),
        ("day", "2024-02-29T10:00:00"),
        ("second", "2024-02-29T10:00:00.25"),
        ("second", "2024-02-29T10:00:00+02:00"),
        ("x", "1e400"),
        ("x", "1e-400"),
        ("x", "9007199254740993"),
        ("big", "18446744073709551616"),
        ("big", "1.5"),
        ("flag", "7"),
    ] {
        let quoted = if text.contains('T') { format!("\"{text}\"") } else { text.to_owned() };
        desk.write("a.ndjson", format!("{{\"entity\": 1, \"{column}\": {quoted}}}\n"));
        let said = desk.refused(&["append", "world", "t=a.ndjson"], &["a.ndjson"]);
        assert!(text == "1e400" || said.contains(&format!("column: {column}")), "{text}: {said}");
        let names = ["big", "day", "flag", "money", "second", "text", "x"];
        let values = names.map(|name| if name == column { text } else { "" }).join(",");
        desk.write("a.csv", format!("entity,{}\n1,{values}\n", names.join(",")));
        desk.refused(&["append", "world", "t=a.csv"], &["a.csv", &format!("column: {column}")]);
    }
    assert_eq!(desk.json(&["ticks", "world", "t"]), before);
}

#[test]
fn values_arrive_as_they_were_written() {
    let desk = with_types();
    let values = "\"day\": \"2024-02-29\", \"flag\": true, \"money\": 1.20, \"second\": \"2024-02-29T10:00:00.0\"";
    let row = format!("{{\"entity\": 1, \"big\": 9223372036854775809, {values}, \"text\": 1.10, \"x\": 1}}\n");
    desk.write("a.ndjson", row);
    desk.ok(&["append", "world", "t=a.ndjson"]);
    let columns = ["big", "day", "flag", "money", "second", "text", "x"].join(",");
    let scan = ["scan", "world", "t", "--columns", &columns, "--where", "entity = 1", "--format", "csv"];
    let said = desk.ok(&scan);
    assert!(said.contains("9223372036854775809,2024-02-29,true,1.20,2024-02-29T10:00:00"), "{said}");
    assert!(said.trim_end().ends_with(",1.10,1.0"), "{said}");
}

#[test]
fn keys_that_are_there_twice_are_refused() {
    let desk = walkers();
    for (rows, key, line) in [
        ("{\"entity\": 1, \"hp\": 1}\n\n{\"entity\": 2, \"hp\": 2, \"hp\": 3}\n", "key: hp", "line: 3"),
        ("{\"entity\": 1, \"parts\": [{\"a\": 1}, {\"b\": null, \"\\u0062\": 2}]}\n", "key: b", "line: 1"),
    ] {
        desk.write("a.ndjson", rows);
        for args in [["append", "world", "health=a.ndjson"].as_slice(), &["import", "world", "new", "a.ndjson"]] {
            desk.refused(args, &["invalid: a key is there twice", key, line, "file: a.ndjson"]);
        }
    }
}

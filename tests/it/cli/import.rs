//! What an import makes of files and folders.

use std::sync::Arc;

use serde_json::{Value, json};
use worldstore::arrow::array::{
    ArrayRef, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray,
};
use worldstore::arrow::ipc::writer::FileWriter;

use super::desk::{Desk, data};

fn rows(ids: &[i64], steps: &[i32]) -> RecordBatch {
    let x = Float64Array::from_iter_values(ids.iter().map(|id| *id as f64 / 2.0));
    let columns = [
        ("id", Arc::new(Int64Array::from(ids.to_vec())) as ArrayRef),
        ("step", Arc::new(Int32Array::from(steps.to_vec()))),
        ("x", Arc::new(x)),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn desk() -> Desk {
    let desk = Desk::new();
    desk.ok(&["init", "world"]);
    desk
}

fn scan(desk: &Desk, columns: &str) -> Vec<Value> {
    let mut rows = desk.json(&["scan", "world", "t", "--columns", columns]);
    rows.sort_by_key(|row| (row["tick"].as_i64(), row["seq"].as_i64(), row["entity"].as_u64()));
    rows
}

#[test]
fn columns_become_tick_and_entity() {
    let desk = desk();
    desk.parquet("a.parquet", &rows(&[7, 8, 7, 9], &[5, 5, 3, 5]));
    let import = ["import", "world", "t", "a.parquet", "--tick-column", "step", "--entity-column", "id"];
    assert_eq!(desk.ok(&import), "imported 4 rows in 2 ticks into t of run main\n");
    let expected = [(3, 7, 3.5), (5, 7, 3.5), (5, 8, 4.0), (5, 9, 4.5)];
    let expected = expected.map(|(tick, entity, x)| json!({"tick": tick, "entity": entity, "x": x}));
    assert_eq!(scan(&desk, "tick,entity,x"), expected);
    let columns = desk.json(&["tables", "world"])[0]["columns"].clone();
    assert!(!columns.as_str().unwrap().contains("step"), "{columns}");
}

#[test]
fn ticks_go_on_where_nothing_is_said() {
    let desk = desk();
    desk.parquet("a.parquet", &rows(&[7, 8], &[0, 0]));
    for expected in [1, 2, -5] {
        let tick: &[&str] = if expected < 0 { &["--tick", "-5"] } else { &[] };
        desk.ok(&[&["import", "world", "t", "a.parquet"], tick].concat());
    }
    desk.ok(&["import", "world", "t", "a.parquet", "a.parquet", "--tick-per-file"]);
    desk.ok(&["import", "world", "t", "a.parquet", "a.parquet", "--tick-per-file", "--tick", "10"]);
    let ticks = desk.json(&["ticks", "world", "t"]);
    let ticks: Vec<i64> = ticks.iter().map(|tick| tick["tick"].as_i64().unwrap()).collect();
    assert_eq!(ticks, [-5, 1, 2, 3, 4, 10, 11]);
    desk.ok(&["fork", "world", "ahead", "--at", "99"]);
    desk.ok(&["import", "world", "t", "a.parquet", "--run", "ahead"]);
    let ticks = desk.json(&["ticks", "world", "t", "--run", "ahead"]);
    assert_eq!(ticks.last().unwrap()["tick"], 100, "a fork goes on after itself");
}

#[test]
fn rows_are_numbered_over_all_files() {
    let desk = desk();
    desk.parquet("a.parquet", &rows(&[7, 8], &[0, 0]));
    desk.parquet("b.parquet", &rows(&[9], &[0]));
    desk.ok(&["import", "world", "t", "a.parquet", "b.parquet"]);
    let expected = [(0, 7), (1, 8), (2, 9)].map(|(entity, id)| json!({"entity": entity, "id": id}));
    assert_eq!(scan(&desk, "entity,id"), expected);
}

#[test]
fn names_of_folders_become_columns() {
    let desk = desk();
    for (folder, id) in [("n=10/place=a%20b", 3), ("n=2/place=x", 2), ("n=2/place=__HIVE_DEFAULT_PARTITION__", 1)] {
        desk.parquet(&format!("lake/{folder}/part.parquet"), &rows(&[id], &[0]));
    }
    desk.write("lake/_SUCCESS", "");
    desk.write("lake/.part.parquet.crc", "");
    desk.ok(&["import", "world", "t", "lake", "--tick-per-file"]);
    let expected = [
        json!({"tick": 1, "id": 1, "n": 2, "place": null}),
        json!({"tick": 2, "id": 2, "n": 2, "place": "x"}),
        json!({"tick": 3, "id": 3, "n": 10, "place": "a b"}),
    ];
    assert_eq!(scan(&desk, "tick,id,n,place"), expected);
    let columns = desk.json(&["tables", "world"])[0]["columns"].clone();
    assert!(columns.as_str().unwrap().ends_with("n Int64, place Utf8"), "{columns}");
}

#[test]
fn csv_types_are_inferred_over_the_whole_file() {
    let desk = desk();
    let rows: String = (0..500).map(|row| format!("{row},{row},\n")).collect();
    desk.write("a.csv", format!("id,x,name\n{rows}500,0.5,\"late, but text\"\n"));
    desk.write("a.txt", format!("id,x,name\n{rows}"));
    desk.ok(&["import", "world", "t", "a.csv"]);
    let columns = desk.json(&["tables", "world"])[0]["columns"].clone();
    assert!(columns.as_str().unwrap().ends_with("id Int64, x Float64, name Utf8"), "{columns}");
    let last = desk.json(&["scan", "world", "t", "--columns", "id,x,name", "--where", "id >= 499"]);
    assert_eq!(last.len(), 2);
    assert_eq!(last[1], json!({"id": 500, "x": 0.5, "name": "late, but text"}));
    desk.refused(&["import", "world", "u", "a.txt"], &["--input", "a.txt"]);
}

#[test]
fn nothing_is_imported_of_a_file_with_a_value_that_the_table_cannot_hold() {
    let desk = Desk::new();
    desk.ok(&["init", "world", "--tables", "iceberg"]);
    // More rows than are read at a time; in microseconds the last one is beyond 64 bits.
    let times = TimestampMillisecondArray::from_iter_values((0..70_000).chain([i64::MAX]));
    desk.parquet("a.parquet", &RecordBatch::try_from_iter([("time", Arc::new(times) as ArrayRef)]).unwrap());
    desk.refused(&["import", "world", "t", "a.parquet"], &["column: time", "a.parquet", "table: t"]);
    assert_eq!(desk.json(&["tables", "world"]).len(), 0);
}

#[test]
fn a_year_of_flights_is_imported() {
    let desk = desk();
    let said = desk.ok(&["import", "world", "flights", &data("flights"), "--tick-per-file"]);
    assert_eq!(said, "imported 336776 rows in 365 ticks into flights of run main\n");
    let ticks = desk.json(&["ticks", "world", "flights"]);
    assert_eq!((ticks.len(), &ticks[0], &ticks[364]["tick"]), (365, &json!({"tick": 1, "rows": 842}), &json!(365)));
    let christmas = desk.json(&["scan", "world", "flights", "--where", "tick = 359", "--columns", "month,day"]);
    assert_eq!(christmas[0], json!({"month": 12, "day": 25}));
    let names = StringArray::from_iter_values(["a"]);
    desk.parquet("other.parquet", &RecordBatch::try_from_iter([("name", Arc::new(names) as ArrayRef)]).unwrap());
    desk.refused(
        &["import", "world", "flights", "other.parquet"],
        &["another schema", "table: flights", "other.parquet"],
    );
}

#[test]
fn csv_is_imported_as_it_was_written() {
    for tables in ["lance", "iceberg"] {
        let desk = Desk::new();
        desk.ok(&["init", "world", "--tables", tables]);
        let rows = "zip,big,far,at,note,n\n\
                    00501,9007199254740993,1e400,2024-02-29T10:00:00Z,\"\",1\n\
                    10001,0.5,1,2024-02-29T12:00:00.5+02:00,,2.50\n";
        desk.write("a.csv", rows);
        desk.ok(&["import", "world", "t", "a.csv"]);
        let columns = desk.json(&["tables", "world"])[0]["columns"].clone();
        let columns = columns.as_str().unwrap();
        for column in ["zip Utf8", "big Utf8", "far Utf8", "at Timestamp(", "note Utf8", "n Float64"] {
            assert!(columns.contains(column), "{column}: {columns}");
        }
        let rows = scan(&desk, "entity,zip,big,far,note,n");
        assert_eq!(
            rows[0],
            json!({"entity": 0, "zip": "00501", "big": "9007199254740993", "far": "1e400", "note": "", "n": 1.0})
        );
        assert_eq!(rows[1], json!({"entity": 1, "zip": "10001", "big": "0.5", "far": "1", "note": null, "n": 2.5}));
        let times = scan(&desk, "entity,at");
        let times: Vec<&str> = times.iter().map(|row| row["at"].as_str().unwrap()).collect();
        assert!(times[0].starts_with("2024-02-29T10:00:00") && times[0].ends_with('Z'), "{times:?}");
        assert!(times[1].starts_with("2024-02-29T10:00:00.5") && times[1].ends_with('Z'), "{times:?}");
    }
}

#[test]
fn lines_of_csv_are_rows() {
    let desk = desk();
    for (number, (text, rows)) in [
        ("x\n1\n\n3\n", json!([1, null, 3])),
        ("x\n\"\"\na\n", json!(["", "a"])),
        ("\u{feff}\"x\"\r\n\"a\nb\"\r\n\"c\"\"d,\"", json!(["a\nb", "c\"d,"])),
        ("x,y\r\ra,1\r\rb,2\r", json!(["a", "b"])),
    ]
    .into_iter()
    .enumerate()
    {
        let (table, file) = (format!("t{number}"), desk.write("a.csv", text));
        desk.ok(&["import", "world", &table, &file]);
        let found = desk.json(&["scan", "world", &table, "--columns", "x"]);
        let found: Vec<&Value> = found.iter().map(|row| &row["x"]).collect();
        assert_eq!(json!(found), rows, "{text:?}");
    }
    for text in ["x,y\n1,2,3\n", "x,y\n1\n", "x\n\"a\n"] {
        desk.write("a.csv", text);
        desk.refused(&["import", "world", "u", "a.csv"], &["corrupt", "a.csv"]);
    }
    desk.write("a.csv", b"x\n\xff\n");
    desk.refused(&["import", "world", "u", "a.csv"], &["corrupt", "a.csv", "UTF-8"]);
}

#[test]
fn integers_of_json_are_those_that_were_written() {
    let desk = desk();
    desk.write("a.ndjson", "{\"big\": 9223372036854775809, \"list\": [18446744073709551615]}\n{\"big\": 1}\n");
    desk.ok(&["import", "world", "t", "a.ndjson"]);
    assert_eq!(
        scan(&desk, "entity,big,list"),
        [
            json!({"entity": 0, "big": 9_223_372_036_854_775_809_u64, "list": [u64::MAX]}),
            json!({"entity": 1, "big": 1, "list": null}),
        ]
    );
    desk.write("b.ndjson", "{\"x\": 9007199254740993}\n{\"x\": 0.5}\n");
    desk.refused(&["import", "world", "u", "b.ndjson"], &["not the same", "column: x", "9007199254740993", "b.ndjson"]);
    desk.write("c.ndjson", "{\"x\": 1}\n{\"x\": 0.5}\n");
    desk.ok(&["import", "world", "u", "c.ndjson"]);
}

#[test]
fn damaged_arrow_files_are_refused() {
    let desk = desk();
    let mut bytes = Vec::new();
    let rows = rows(&[1, 2, 3], &[1, 1, 1]);
    let mut writer = FileWriter::try_new(&mut bytes, rows.schema_ref()).unwrap();
    writer.write(&rows).unwrap();
    writer.finish().unwrap();
    drop(writer);
    desk.write("whole.arrow", &bytes);
    desk.ok(&["import", "world", "t", "whole.arrow"]);
    for at in (8..1_000).step_by(29) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0xff;
        desk.write("a.arrow", &damaged);
        // What is damaged may be a value: then nobody can tell.
        let output = desk.run(&["append", "world", "u=a.arrow"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!said.contains("panicked") && output.status.code() == Some(2), "byte {at}: {said}");
    }
}

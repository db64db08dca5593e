//! What an import makes of files and folders.

use std::sync::Arc;

use serde_json::{Value, json};
use worldstore::arrow::array::{ArrayRef, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray};

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

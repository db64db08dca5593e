//! What scan prints can be read back, and imported again.

use std::io::Cursor;
use std::sync::Arc;

use worldstore::arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BinaryBuilder, ListArray, RecordBatch, UInt64Array,
};
use worldstore::arrow::compute::concat_batches;
use worldstore::arrow::csv;
use worldstore::arrow::datatypes::{DataType, Int32Type, Int64Type, Schema, TimeUnit};
use worldstore::arrow::ipc::reader::StreamReader;

use super::desk::{Desk, code_of, errors_of};

const COLUMNS: &str = "tick,carrier,dep_delay,time_hour";

fn scan(desk: &Desk, format: &str) -> Vec<u8> {
    let output = desk.run(&["scan", "world", "flights", "--columns", COLUMNS, "--format", format]);
    assert_eq!((code_of(&output), errors_of(&output).as_str()), (0, ""));
    output.stdout
}

fn arrow(bytes: &[u8]) -> RecordBatch {
    let reader = StreamReader::try_new(Cursor::new(bytes), None).unwrap();
    let schema = reader.schema();
    concat_batches(&schema, &reader.collect::<Result<Vec<_>, _>>().unwrap()).unwrap()
}

#[test]
fn every_format_has_the_same_rows() {
    let desk = Desk::with_world();
    let rows = arrow(&scan(&desk, "arrow"));
    let schema = rows.schema();
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names.join(","), COLUMNS);
    assert!(matches!(rows["time_hour"].data_type(), DataType::Timestamp(TimeUnit::Microsecond, _)));
    let (ticks, delays) = (rows["tick"].as_primitive::<Int64Type>(), rows["dep_delay"].as_primitive::<Int32Type>());
    assert!(delays.null_count() > 0, "real data has gaps");

    let json = String::from_utf8(scan(&desk, "json")).unwrap();
    assert_eq!(json.lines().count(), rows.num_rows());
    for (row, line) in json.lines().enumerate() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["tick"], ticks.value(row));
        assert_eq!(line["dep_delay"].as_i64(), delays.is_valid(row).then(|| i64::from(delays.value(row))));
        assert!(line["time_hour"].as_str().unwrap().starts_with("2013-02-0"));
        assert_eq!(line.as_object().unwrap().len(), 4, "nulls are written too");
    }

    let text = scan(&desk, "csv");
    let as_read = Arc::new(Schema::new(schema.fields().iter().cloned().collect::<Vec<_>>()));
    let reader = csv::ReaderBuilder::new(as_read.clone()).with_header(true).build(Cursor::new(text)).unwrap();
    let read = concat_batches(&as_read, &reader.collect::<Result<Vec<_>, _>>().unwrap()).unwrap();
    assert_eq!(read.columns(), rows.columns());

    let table = String::from_utf8(scan(&desk, "table")).unwrap();
    assert!(table.lines().nth(1).unwrap().contains("carrier"), "{}", &table[..200]);
    assert!(table.ends_with(&format!("\n{} rows\n", rows.num_rows())));
}

#[test]
fn no_rows_have_columns_too() {
    let desk = Desk::with_world();
    let print =
        |format| desk.ok(&["scan", "world", "airlines", "--columns", "name", "--limit", "0", "--format", format]);
    assert_eq!(print("json"), "");
    assert_eq!(print("csv"), "name\n");
    assert!(print("table").ends_with("0 rows\n"));
    let stream =
        desk.run(&["scan", "world", "airlines", "--columns", "name", "--limit", "0", "--format", "arrow"]).stdout;
    assert_eq!(arrow(&stream).schema().field(0).name(), "name");
}

#[test]
fn what_was_printed_can_be_imported() {
    let desk = Desk::with_world();
    desk.write("rows.arrow", scan(&desk, "arrow"));
    desk.write("rows.csv", scan(&desk, "csv"));
    let expected = desk.json(&["scan", "world", "flights", "--columns", "tick,carrier,dep_delay"]);
    for (table, file) in [("from_arrow", "rows.arrow"), ("from_csv", "rows.csv")] {
        let said = desk.ok(&["import", "world", table, file, "--tick-column", "tick"]);
        assert_eq!(said, format!("imported {} rows in 3 ticks into {table} of run main\n", expected.len()));
        let rows = desk.json(&["scan", "world", table, "--columns", "tick,carrier,dep_delay"]);
        assert_eq!(rows, expected, "{table}");
    }
}

#[test]
fn bytes_are_read_as_they_were_printed() {
    let desk = Desk::new();
    desk.ok(&["init", "world"]);
    let values: [Option<&[u8]>; 3] = [Some(&[0x00, 0xff]), Some(&[]), None];
    let columns: [(&str, ArrayRef); 3] = [
        ("entity", Arc::new(UInt64Array::from(vec![1, 2, 3]))),
        ("bytes", Arc::new(BinaryArray::from(values.to_vec()))),
        ("lists", Arc::new(ListArray::from_nested_iter::<BinaryBuilder, _, _, _>(values.map(|value| Some([value]))))),
    ];
    let columns = columns.map(|(name, column)| (name, column, name != "entity"));
    desk.parquet("first.parquet", &RecordBatch::try_from_iter_with_nullable(columns).unwrap());
    desk.ok(&["append", "world", "t=first.parquet"]);
    let printed = |tick: &str, columns: &str, format: &str| {
        let condition = format!("tick = {tick}");
        desk.ok(&["scan", "world", "t", "--columns", columns, "--where", &condition, "--format", format])
    };
    let json = printed("1", "entity,bytes,lists", "json");
    assert!(json.starts_with("{\"entity\":1,\"bytes\":\"00ff\",\"lists\":[\"00ff\"]}\n"), "{json}");
    desk.write("rows.ndjson", &json);
    desk.ok(&["append", "world", "t=rows.ndjson"]);
    assert_eq!(printed("2", "entity,bytes,lists", "json"), json);
    for (text, is_json) in [("00f", true), ("0g", true), ("+1", false), ("no", false), ("1234", true)] {
        let quoted = if text == "1234" { text.to_owned() } else { format!("\"{text}\"") };
        let rows = match is_json {
            true => ("rows.ndjson", format!("{{\"entity\":1,\"bytes\":{quoted}}}\n")),
            false => ("rows.csv", format!("entity,bytes,lists\n1,{text},\n")),
        };
        desk.write(rows.0, rows.1);
        desk.refused(&["append", "world", &format!("t={}", rows.0)], &["column: bytes", "expected: Binary"]);
    }
}

#[test]
fn empty_texts_and_nulls_are_read_as_they_were_printed() {
    let desk = Desk::new();
    desk.ok(&["init", "world"]);
    let rows = "entity,text\n1,\"\"\n2,\n3,\"a\"\"b,\nc\"\n4,plain\n";
    desk.write("rows.csv", rows);
    desk.ok(&["append", "world", "t=rows.csv"]);
    let scan = ["scan", "world", "t", "--format", "csv", "--columns"];
    let printed = desk.ok(&[&scan[..], &["entity,text"]].concat());
    assert_eq!(printed, rows);
    desk.write("again.csv", printed);
    desk.ok(&["append", "world", "t=again.csv"]);
    let texts = desk.ok(&[&scan[..], &["text", "--where", "tick = 2"]].concat());
    assert_eq!(texts, "text\n\"\"\n\n\"a\"\"b,\nc\"\nplain\n", "one column alone has lines with nothing in them");
}

#[test]
fn nulls_in_lists_are_read_as_they_were_printed() {
    let desk = Desk::new();
    desk.ok(&["init", "world"]);
    let rows = "{\"entity\":1,\"lists\":[[1],null],\"parts\":[{\"a\":1},null]}\n\
                {\"entity\":2,\"lists\":[null,[null,2]],\"parts\":[null]}\n\
                {\"entity\":3,\"lists\":[null],\"parts\":[null,{\"a\":null}]}\n";
    desk.write("rows.ndjson", rows);
    desk.ok(&["append", "world", "t=rows.ndjson"]);
    let scan = ["scan", "world", "t", "--columns", "entity,lists,parts", "--json", "--where"];
    let printed = desk.ok(&[&scan[..], &["tick = 1"]].concat());
    assert_eq!(printed, rows);
    desk.write("again.ndjson", printed);
    desk.ok(&["append", "world", "t=again.ndjson"]);
    assert_eq!(desk.ok(&[&scan[..], &["tick = 2"]].concat()), rows);
}

//! Wrong input: a message that names the thing, exit code 2, nothing changed.

use std::fs;
use std::sync::Arc;

use worldstore::arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};

use super::desk::{Desk, code_of, data, errors_of};

fn one(name: &str, column: ArrayRef) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable([(name, column, true)]).unwrap()
}

#[test]
fn what_is_not_there() {
    let desk = Desk::with_world();
    let file = data("airlines.parquet");
    for command in ["tables", "runs"] {
        desk.refused(&[command, "nowhere"], &["not found", "path: nowhere"]);
    }
    desk.refused(&["scan", "nowhere", "flights"], &["not found", "path: nowhere"]);
    desk.refused(&["import", "nowhere", "flights", &file], &["not found", "path: nowhere"]);
    desk.write("empty/file", "");
    desk.refused(&["tables", "empty"], &["there is no world, make one first", "world: empty"]);
    desk.refused(&["scan", "world", "trains"], &["no such table", "table: trains"]);
    desk.refused(&["ticks", "world", "trains"], &["no such table", "table: trains"]);
    desk.refused(&["scan", "world", "flights", "--run", "sunny"], &["no such run", "run: sunny"]);
    desk.refused(&["import", "world", "flights", &file, "--run", "sunny"], &["no such run", "run: sunny"]);
    desk.refused(&["fork", "world", "storm", "--at", "2", "--from", "sunny"], &["no such run", "run: sunny"]);
    desk.refused(&["ticks", "world", "flights", "--run", "sunny"], &["no such run", "run: sunny"]);
    desk.refused(
        &["scan", "world", "flights", "--columns", "carier"],
        &["unknown column", "column: carier", "carrier"],
    );
    desk.refused(&["scan", "world", "flights", "--where", "carier = 'UA'"], &["unknown column", "column: carier"]);
}

#[test]
fn no_place_for_temporary_files() {
    let desk = Desk::new();
    desk.ok(&["init", "world", "--tables", "lance"]);
    let output = desk.command(&["tables", "world"]).env("TMPDIR", desk.path("none")).output().unwrap();
    let errors = errors_of(&output);
    assert_eq!(code_of(&output), 2, "{errors}");
    assert!(errors.contains("TMPDIR names another place") && errors.contains("none"), "{errors}");
}

#[test]
fn versions_that_are_not_there() {
    for tables in ["lance", "iceberg"] {
        let desk = Desk::new();
        desk.ok(&["init", "world", "--tables", tables]);
        desk.ok(&["import", "world", "airlines", &data("airlines.parquet")]);
        let scan = ["scan", "world", "airlines", "--version", "99"];
        desk.refused(&scan, &["the table has no such version", "table: airlines", "version: 99"]);
    }
}

#[test]
fn paths_that_are_no_world() {
    let desk = Desk::new();
    desk.write("empty/file", "");
    desk.write("plain", "a file");
    let airlines = data("airlines.parquet");
    for (path, messages) in [
        ("nowhere", ["not found", "path: nowhere"]),
        ("empty", ["there is no world, make one first", "world: empty"]),
        ("plain", ["not a directory", "plain"]),
        ("", ["the path is empty", "uri: "]),
    ] {
        for command in [
            ["tables", path].as_slice(),
            &["runs", path],
            &["ticks", path, "t"],
            &["scan", path, "t"],
            &["import", path, "t", &airlines],
            &["fork", path, "storm", "--at", "1"],
            &["query", "MATCH (t:t) RETURN count(*)", "--world", path],
            &["explain", "MATCH (t:t) RETURN count(*)", "--world", path],
        ] {
            desk.refused(command, &messages);
        }
    }
}

#[test]
fn damaged_worlds() {
    let desk = Desk::with_world();
    let manifest = fs::read_to_string(desk.path("world/world.json")).unwrap();
    let airlines = data("airlines.parquet");
    for (text, messages) in [
        ("", ["corrupt", "key: world.json, world: world"]),
        (&manifest[..manifest.len() / 2], ["corrupt", "key: world.json, world: world"]),
        (&manifest.replace("lance", "delta"), ["corrupt", "unknown variant `delta`"]),
        (&manifest.replace("\"layout\": 1", "\"layout\": 2"), ["layout of another release", "layout: 2"]),
    ] {
        desk.write("world/world.json", text);
        for command in [
            ["tables", "world"].as_slice(),
            &["runs", "world"],
            &["scan", "world", "airlines"],
            &["import", "world", "airlines", &airlines],
            &["fork", "world", "storm", "--at", "1"],
            &["query", "MATCH (a:airlines) RETURN count(*)", "--world", "world"],
        ] {
            desk.refused(command, &messages);
        }
    }
    desk.write("world/world.json", manifest);
    desk.write("world/runs/main.json", "{");
    desk.refused(&["scan", "world", "airlines"], &["corrupt", "key: runs/main.json", "world: world"]);
}

#[test]
fn what_is_there_already() {
    let desk = Desk::with_world();
    desk.write("file", "");
    desk.refused(&["init", "file"], &["file", "world: file"]);
    desk.refused(&["init", "world"], &["there is a world already", "world: world"]);
    desk.refused(&["init", "world", "--tables", "iceberg", "--name", "other"], &["there is a world already"]);
    desk.ok(&["fork", "world", "storm", "--at", "2"]);
    desk.refused(&["fork", "world", "storm", "--at", "1"], &["there is a run of that name", "run: storm"]);
}

#[test]
fn what_cannot_be() {
    let desk = Desk::with_world();
    desk.refused(&["init", "gz://bucket/world"], &["unknown scheme", "scheme: gz", "known: memory file"]);
    desk.refused(&["tables", "gz://bucket/world"], &["unknown scheme", "scheme: gz"]);
    desk.refused(&["init", "new", "--tables", "delta"], &["unknown table format", "format: delta", "lance iceberg"]);
    desk.refused(&["init", "new", "--tables", "memory"], &["memory tables would be gone"]);
    desk.refused(&["init", "memory:"], &["would be gone"]);
    desk.refused(&["init", "new", "--name", "a/b"], &["name must be of letters", "a/b"]);
    desk.refused(&["fork", "world", "a b", "--at", "2"], &["name must be of letters", "a b"]);
    desk.refused(&["import", "world", "a-b", &data("airlines.parquet")], &["table name must be", "a-b"]);
    desk.refused(
        &["scan", "world", "flights", "--where", "dep_delay"],
        &["condition must be like", "condition: dep_delay"],
    );
    for condition in [
        "dep_delay >",
        "> 3",
        "",
        "carrier = 'UA' and dep_delay > 3",
        "carrier = UA and dep_delay > 3",
        "carrier = 'UA",
        "carrier = UA'",
        "carrier = 'U'A'",
        "dep_delay > < 3",
        "dep_delay === 3",
    ] {
        let condition_told = format!("condition: {condition}");
        desk.refused(&["scan", "world", "flights", "--where", condition], &["condition must be like", &condition_told]);
    }
    for constant in ["nan", "inf", "1e999"] {
        let condition = format!("dep_delay > {constant}");
        desk.refused(
            &["scan", "world", "flights", "--where", &condition],
            &["cannot be compared", "column: dep_delay", constant],
        );
    }
    desk.refused(&["scan", "world", "flights", "--columns", "tick,day,tick"], &["named twice", "column: tick"]);
    desk.refused(&["scan", "world", "flights", "--where", "carrier > 7"], &["invalid", "carrier"]);
    desk.refused(&["scan", "world", "flights", "--format", "xml"], &["xml", "table, json, csv, arrow"]);
    desk.refused(&["scan", "world", "flights", "--limit", "few"], &["few", "--limit"]);
    desk.refused(&["fork", "world", "storm"], &["--at"]);
    desk.refused(&["fly", "world"], &["fly"]);
    desk.refused(&["scan", "world", "flights", "--fast"], &["--fast"]);
    desk.refused(&["scan", "world"], &["TABLE"]);
    desk.refused(&["fs"], &["ls", "cat", "cp"]);
    #[cfg(not(feature = "s3"))]
    desk.refused(&["init", "s3://bucket/world"], &["not compiled in, build with feature s3", "s3://bucket/world"]);
}

/// The file, with a footer in which what begins behind the first four bytes begins as far before the file.
fn displaced(file: &[u8]) -> Vec<u8> {
    let (mut bytes, end) = (file.to_vec(), file.len() - 8);
    let length = u32::from_le_bytes(file[end..end + 4].try_into().unwrap()) as usize;
    for at in end - length..end - 1 {
        // In Thrift a number of 64 bits, two fields behind the one before, that is 4.
        if bytes[at..at + 2] == [0x26, 8] {
            bytes[at + 1] = 7;
        }
    }
    bytes
}

#[test]
fn damaged_files() {
    let desk = Desk::with_world();
    let bytes = fs::read(data("airlines.parquet")).unwrap();
    let cut = bytes.len() / 2;
    let mut flipped = bytes.clone();
    flipped[40..60].fill(0xff);
    desk.write("cut.parquet", &bytes[..cut]);
    desk.write("flipped.parquet", &flipped);
    desk.write("displaced.parquet", displaced(&bytes));
    desk.write("text.parquet", "no Parquet at all");
    desk.write("empty.parquet", "");
    for file in ["cut.parquet", "flipped.parquet", "displaced.parquet", "text.parquet", "empty.parquet"] {
        let good = data("airlines.parquet");
        for files in [vec![file], vec![&good, file]] {
            for table in ["airlines", "carriers"] {
                let args = [&["import", "world", table], &files[..]].concat();
                desk.refused(&args, &["corrupt", file, "help: restore the file"]);
            }
        }
    }
    let stream = desk.run(&["scan", "world", "airlines", "--columns", "name", "--format", "arrow"]).stdout;
    desk.write("cut.arrow", &stream[..stream.len() / 2]);
    desk.refused(&["import", "world", "t", "cut.arrow"], &["corrupt", "cut.arrow"]);
    desk.write("uneven.csv", "a,b\n1,2\n3\n");
    desk.refused(&["import", "world", "t", "uneven.csv"], &["corrupt", "uneven.csv"]);
    desk.write("bytes.csv", [0xff, 0xfe, b'\n', 0xff]);
    desk.refused(&["import", "world", "t", "bytes.csv"], &["corrupt", "bytes.csv", "UTF-8"]);
    desk.write("empty.csv", "");
    desk.refused(&["import", "world", "t", "empty.csv"], &["the file has no columns", "empty.csv"]);
}

#[test]
fn files_that_do_not_fit() {
    let desk = Desk::with_world();
    let airlines = data("airlines.parquet");
    let airports = data("airports.parquet");
    desk.refused(
        &["import", "world", "flights", &airlines],
        &["another schema", "table: flights", "file: ", "airlines.parquet", "expected: ", "got: carrier Utf8"],
    );
    desk.refused(
        &["import", "world", "t", &airlines, &airports],
        &["files have different columns", "airports.parquet"],
    );
    desk.refused(&["import", "world", "t", "missing.parquet"], &["not found", "missing.parquet"]);
    fs::create_dir(desk.path("folder")).unwrap();
    desk.refused(&["import", "world", "t", "folder"], &["no files in the folder", "folder: folder"]);
    desk.write("readme.md", "");
    desk.refused(&["import", "world", "t", "readme.md"], &["ending", "readme.md", "--input"]);
    desk.refused(&["import", "world", "t"], &["FILE"]);

    desk.parquet("taken.parquet", &one("seq", Arc::new(Int64Array::from(vec![1]))));
    desk.refused(&["import", "world", "t", "taken.parquet"], &["column name is taken", "column: seq", "taken.parquet"]);
    desk.parquet("entity.parquet", &one("entity", Arc::new(Int64Array::from(vec![1]))));
    desk.refused(&["import", "world", "t", "entity.parquet"], &["--entity-column entity"]);
    desk.parquet("k=1/k.parquet", &one("k", Arc::new(Int64Array::from(vec![1]))));
    fs::create_dir(desk.path("lake")).unwrap();
    fs::rename(desk.path("k=1"), desk.path("lake/k=1")).unwrap();
    desk.refused(&["import", "world", "t", "lake"], &["in the name of its folder", "column: k"]);
}

#[test]
fn columns_that_no_table_can_have() {
    let desk = Desk::with_world();
    for (name, told) in [("", "\"\""), ("a.b", "\"a.b\""), ("a`b", "\"a`b\"")] {
        desk.write("odd.csv", format!("{name},x\n1,2\n"));
        desk.refused(&["import", "world", "t", "odd.csv"], &["column of this name", told, "table: t"]);
    }
    desk.write("twice.csv", "a,a\n1,2\n");
    desk.refused(&["import", "world", "t", "twice.csv"], &["column name is taken", "column: a", "twice.csv"]);
}

#[test]
fn there_is_no_tick_after_the_last() {
    let desk = Desk::new();
    desk.ok(&["init", "world"]);
    let import = ["import", "world", "t", &data("airlines.parquet")];
    desk.ok(&[&import[..], &["--tick", "9223372036854775807"]].concat());
    desk.refused(&import, &["newest tick is the last", "--tick", "table: t"]);
    desk.refused(&["fork", "world", "late", "--at", "9223372036854775807"], &["last tick of all"]);
}

#[test]
fn columns_that_are_no_ticks_or_entities() {
    let desk = Desk::with_world();
    let import = |file: &str, option: &str, column: &str, messages: &[&str]| {
        desk.refused(&["import", "world", "t", file, option, column], messages);
    };
    desk.parquet("gap.parquet", &one("step", Arc::new(Int64Array::from(vec![Some(1), None]))));
    desk.parquet("text.parquet", &one("step", Arc::new(StringArray::from(vec!["one"]))));
    desk.parquet("minus.parquet", &one("step", Arc::new(Int64Array::from(vec![4, -4]))));
    for option in ["--tick-column", "--entity-column"] {
        import("gap.parquet", option, "step", &["column has nulls", "column: step", "gap.parquet"]);
        import("text.parquet", option, "step", &["not of integers", "column: step", "type: Utf8"]);
        import("gap.parquet", option, "tick", &["no such column", "column: tick", "gap.parquet"]);
    }
    import("minus.parquet", "--entity-column", "step", &["do not fit", "column: step", "minus.parquet"]);
    let both = ["import", "world", "t", "minus.parquet", "--tick", "1", "--tick-column", "step"];
    desk.refused(&both, &["--tick", "cannot be used with"]);
    desk.ok(&["fork", "world", "storm", "--at", "2"]);
    let early = ["import", "world", "t", "minus.parquet", "--run", "storm", "--tick-column", "step"];
    desk.refused(&early, &["tick belongs to the run", "tick: -4", "first_tick: 3", "minus.parquet"]);
    let early = ["import", "world", "t", "minus.parquet", "--run", "storm", "--tick", "2"];
    desk.refused(&early, &["tick belongs to the run", "tick: 2", "first_tick: 3"]);
}

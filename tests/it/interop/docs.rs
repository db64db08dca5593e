//! What the docs show of other programs is what the tests run.

use std::path::Path;

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[test]
fn snippets_are_those_that_are_tested() {
    let (docs, tested) = (read("src/docs/tables.md"), read("tests/it/interop/programs.py"));
    let blocks: Vec<&str> =
        docs.split("```python\n").skip(1).map(|rest| rest.split("```").next().unwrap().trim_end()).collect();
    assert!(blocks.len() > 10, "{} snippets", blocks.len());
    // Whole lines of a function, without the indentation that they have there.
    let lines: String = tested.lines().map(|line| format!("{}\n", line.strip_prefix("    ").unwrap_or(line))).collect();
    for block in blocks {
        assert!(format!("\n{lines}").contains(&format!("\n{block}\n")), "not tested:\n{block}");
    }
}

#[test]
fn programs_are_those_that_are_installed() {
    let (docs, pinned) =
        (read("src/docs/tables.md"), ["xtask/python/peers.txt", "xtask/python/peers_older.txt"].map(read));
    for (shown, package) in [
        ("pylance 14.0", "pylance==14.0."),
        ("LanceDB 0.40", "lancedb==0.40."),
        ("PyIceberg 0.12 and 0.11", "pyiceberg[sql-sqlite,sql-postgres,pyiceberg-core]==0.12."),
        ("PyIceberg 0.12 and 0.11", "pyiceberg[sql-sqlite,pyiceberg-core]==0.11."),
        ("DuckDB 2.0", "duckdb==2.0."),
        ("DuckDB 1.5.5", "duckdb==1.5.5"),
        ("Daft 0.7", "daft==0.7."),
    ] {
        assert!(docs.contains(shown), "{shown}");
        assert!(pinned.iter().any(|list| list.lines().any(|line| line.starts_with(package))), "{package}");
    }
}

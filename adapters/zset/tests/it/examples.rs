//! The example program, as a user runs it: on SQLite and on PostgreSQL, with the same answers.

use std::process::Command;

use expect_test::{Expect, expect};

fn answers() -> Expect {
    expect![[r#"
        sold:
          +1 basket 1: $23.00
          +1 basket 2: $6.00
        -- another process --
        1 x basket 1: $23.00
        1 x basket 2: $6.00
        tv at $2.50:
          +1 basket 1: $22.50
          -1 basket 1: $23.00
          +1 basket 2: $5.00
          -1 basket 2: $6.00
        checked: 4 tables
        -- plain SQL --
        SELECT basket_id, total, _weight FROM receipts ORDER BY total
        2 | 500 | 1
        1 | 2250 | 1
    "#]]
}

/// What the example prints behind the circuit.
fn receipts(arguments: &[&str]) -> String {
    // Examples are built with the tests, into a folder beside theirs.
    let tests = std::env::current_exe().unwrap();
    let program = tests.parent().and_then(|folder| folder.parent()).unwrap().join("examples").join("receipts");
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_once("\n\n").expect("the circuit comes first").1.to_owned()
}

#[cfg(feature = "sqlite")]
#[test]
fn receipts_on_sqlite() {
    answers().assert_eq(&receipts(&[]));
}

#[cfg(feature = "postgres")]
#[test]
fn receipts_on_postgres() {
    if let Some(schema) = super::server::Schema::new() {
        answers().assert_eq(&receipts(&[&schema.url, &schema.name]));
    }
}

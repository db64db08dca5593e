//! The conditions of `worldstore scan`.

use serde_json::json;

use super::append::walkers;
use super::desk::Desk;

/// Three numbers that one float stands for.
const LARGE: [u64; 3] = [9_223_372_036_854_775_808, 9_223_372_036_854_775_809, 18_446_744_073_709_551_615];

fn with_large() -> Desk {
    let desk = Desk::new();
    desk.ok(&["init", "world"]);
    for number in LARGE {
        desk.write("rows.csv", format!("entity,x\n{number},1\n"));
        desk.ok(&["append", "world", "big=rows.csv"]);
    }
    desk
}

#[test]
fn large_numbers_are_compared_exactly() {
    let desk = with_large();
    let found = |condition: &str| desk.json(&["scan", "world", "big", "--columns", "entity", "--where", condition]);
    for number in LARGE {
        assert_eq!(found(&format!("entity = {number}")), [json!({"entity": number})]);
    }
    assert_eq!(found(&format!("entity > {}", LARGE[1])), [json!({"entity": LARGE[2]})]);
    assert_eq!(found(&format!("entity < {}", LARGE[1])), [json!({"entity": LARGE[0]})]);
    for number in ["18446744073709551616", "-9223372036854775809", "100000000000000000000000"] {
        desk.refused(
            &["scan", "world", "big", "--where", &format!("entity < {number}")],
            &["condition must be like", number],
        );
    }
}

#[test]
fn letters_of_other_lengths_are_no_trouble() {
    let desk = walkers();
    for column in ["ẞ", "İ"] {
        for rest in ["is null", "IS NOT NULL", "Is Null", "= 1"] {
            let condition = format!("{column} {rest}");
            desk.refused(&["scan", "world", "health", "--where", &condition], &["unknown column", column]);
        }
    }
    let rows = desk.json(&["scan", "world", "health", "--columns", "entity", "--where", "name Is NOT null"]);
    assert_eq!(rows, [json!({"entity": 1})]);
    desk.refused(&["scan", "world", "health", "--where", "ẞ"], &["condition must be like"]);
}

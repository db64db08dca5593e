//! Tables in a page.

use super::*;

const MEASURED: Measured = Measured { seconds: 12.6, kib: Some(1800) };

fn row(packages: usize, measured: Option<Measured>) -> Row {
    Row { package: "a".to_owned(), features: "b, c".to_owned(), packages, measured }
}

#[test]
fn a_table_takes_the_place_of_the_one_before_and_nothing_else() {
    let page = format!("# A\n\n{BEGIN}earlier\n{END}\nThe rest.\n");
    let new = put(&page, &table(&[row(7, Some(MEASURED)), row(8, None)])).unwrap();
    assert!(new.starts_with("# A\n\n") && new.ends_with("\nThe rest.\n") && !new.contains("earlier"), "{new}");
    assert!(new.contains("| `a` | b, c | 7 | 13 s | 1800 KiB |\n| `a` | b, c | 8 | | |\n"), "{new}");
    assert!(put("# A\n", "").is_err());
}

#[test]
fn what_was_measured_before_is_kept() {
    let page = table(&[row(7, Some(MEASURED))]);
    let text = "package = \"a\"\nfeatures = [\"b\", \"c\"]";
    let set: Set = toml::from_str(text).unwrap();
    assert_eq!(before(&page, &set), Some(Measured { seconds: 13.0, ..MEASURED }));
    assert_eq!(before(&table(&[row(7, None)]), &set), None);
    let without_program = Measured { seconds: 7.0, kib: None };
    assert_eq!(before(&table(&[row(7, Some(without_program))]), &set), Some(without_program));
    let other: Set = toml::from_str("package = \"a\"").unwrap();
    assert_eq!(before(&page, &other), None);
}

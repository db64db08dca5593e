//! Tables in a page.

use super::*;

fn row(packages: usize, measured: Option<(f64, u64)>) -> Row {
    Row { package: "a".to_owned(), features: "b, c".to_owned(), packages, measured }
}

#[test]
fn a_table_takes_the_place_of_the_one_before_and_nothing_else() {
    let page = format!("# A\n\n{BEGIN}earlier\n{END}\nThe rest.\n");
    let new = put(&page, &table(&[row(7, Some((12.6, 1800))), row(8, None)])).unwrap();
    assert!(new.starts_with("# A\n\n") && new.ends_with("\nThe rest.\n") && !new.contains("earlier"), "{new}");
    assert!(new.contains("| `a` | b, c | 7 | 13 s | 1800 KiB |\n| `a` | b, c | 8 | | |\n"), "{new}");
    assert!(put("# A\n", "").is_err());
}

#[test]
fn what_was_measured_before_is_kept() {
    let page = table(&[row(7, Some((12.6, 1800)))]);
    let text = "package = \"a\"\nfeatures = [\"b\", \"c\"]";
    let set: Set = toml::from_str(text).unwrap();
    assert_eq!(before(&page, &set), Some((13.0, 1800)));
    assert_eq!(before(&table(&[row(7, None)]), &set), None);
    let other: Set = toml::from_str("package = \"a\"").unwrap();
    assert_eq!(before(&page, &other), None);
}

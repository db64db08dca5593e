//! Tables in a page.

use super::*;

const MEASURED: Measured = Measured { seconds: Some(12.6), kib: Some(1800) };

fn row(packages: usize, measured: Measured) -> Row {
    Row { package: "a".to_owned(), features: "b, c".to_owned(), packages, measured }
}

#[test]
fn a_table_takes_the_place_of_the_one_before_and_nothing_else() {
    let page = format!("# A\n\n{BEGIN}earlier\n{END}\nThe rest.\n");
    let new = put(&page, &table(&[row(7, MEASURED), row(8, Measured::default())])).unwrap();
    assert!(new.starts_with("# A\n\n") && new.ends_with("\nThe rest.\n") && !new.contains("earlier"), "{new}");
    assert!(new.contains("| `a` | b, c | 7 | 13 s | 1800 KiB |\n| `a` | b, c | 8 | | |\n"), "{new}");
    assert!(put("# A\n", "").is_err());
}

#[test]
fn what_was_measured_before_is_kept() {
    let text = "package = \"a\"\nfeatures = [\"b\", \"c\"]";
    let set: Set = toml::from_str(text).unwrap();
    for measured in [
        Measured { seconds: Some(13.0), ..MEASURED },
        Measured { seconds: Some(7.0), kib: None },
        Measured { seconds: None, kib: Some(9) },
        Measured::default(),
    ] {
        assert_eq!(before(&table(&[row(7, measured)]), &set), measured);
    }
    let other: Set = toml::from_str("package = \"a\"").unwrap();
    assert_eq!(before(&table(&[row(7, MEASURED)]), &other), Measured::default());
}

#[test]
fn a_sum_is_of_all_packages_or_fails() {
    let seconds = Seconds::from([("a v1.0.0".to_owned(), 1.5), ("b v1.0.0".to_owned(), 2.0)]);
    let packages = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(sum(&packages(&["a v1.0.0", "b v1.0.0"]), &seconds).unwrap(), 3.5);
    assert!(sum(&packages(&["a v1.0.0", "c v1.0.0"]), &seconds).unwrap_err().to_string().contains("c v1.0.0"));
}

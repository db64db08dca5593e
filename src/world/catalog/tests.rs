//! What a person writes as the place of a catalog.

use std::path::PathBuf;

use super::CatalogPlace;
use crate::config::Lookup;

#[test]
fn places_of_catalogs() {
    let file = |path: &str| CatalogPlace::File(PathBuf::from(path));
    for (text, expected) in [
        ("c.db", file("c.db")),
        ("./w/c.db", file("./w/c.db")),
        ("/w/c.db", file("/w/c.db")),
        ("sqlite:c.db", file("c.db")),
        ("sqlite:/w/c.db", file("/w/c.db")),
        ("sqlite:///w/c.db", file("/w/c.db")),
        ("postgres://u:p@h/d", CatalogPlace::Postgres("postgres://u:p@h/d".to_owned())),
        ("rest+http://h:1/x?namespace=w", CatalogPlace::Rest("rest+http://h:1/x?namespace=w".to_owned())),
    ] {
        assert_eq!(CatalogPlace::parse(text, &Lookup::none()).unwrap(), expected, "{text}");
    }
    for text in ["http://h/x", "mysql://h/x", "s3://b/c.db", "sqlite:", ""] {
        assert!(CatalogPlace::parse(text, &Lookup::none()).is_err(), "{text}");
    }
}

#[test]
fn variables_hold_secrets() {
    let lookup = Lookup::given([("KEY", "me:hidden")]);
    let place = CatalogPlace::parse("rest+https://h?credential=${KEY}", &lookup).unwrap();
    assert_eq!(place, CatalogPlace::from("rest+https://h?credential=me:hidden"));
    assert!(CatalogPlace::parse("rest+https://h?credential=${NONE}", &lookup).is_err());
}

#[test]
fn secrets_are_not_shown() {
    let place = CatalogPlace::from("rest+https://h/x?namespace=w&credential=me:hidden&token=hidden");
    assert!(!format!("{place} {place:?}").contains("hidden"), "{place}");
}

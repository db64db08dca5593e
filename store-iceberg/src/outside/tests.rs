//! Where the files of a table are, by its own word and by where its metadata was found.

use worldstore_core::Key;

use super::{common, split};

/// The folder of the table, what metadata says before it, and the folder in the store that this is.
fn found(location: &str, key: &str) -> (String, String, String) {
    let key = Key::new(key).unwrap();
    let (folder, rest) = split(&key);
    let (_, root, inside) = common(location, folder);
    (root, inside, rest.to_owned())
}

fn texts(root: &str, inside: &str, rest: &str) -> (String, String, String) {
    (root.to_owned(), inside.to_owned(), rest.to_owned())
}

#[test]
fn a_table_in_its_place_is_found_from_any_folder_above() {
    let location = "file:///data/wh/ns.db/t";
    assert_eq!(found(location, "metadata/1.metadata.json"), texts(location, "", "metadata/1.metadata.json"));
    let root = texts("file:///data/wh", "", "metadata/1.metadata.json");
    assert_eq!(found(location, "ns.db/t/metadata/1.metadata.json"), root);
    let root = texts("file://", "", "metadata/1.metadata.json");
    assert_eq!(found(location, "data/wh/ns.db/t/metadata/1.metadata.json"), root);
    assert_eq!(found("/data/t", "t/1.metadata.json"), texts("/data", "", "1.metadata.json"));
}

#[test]
fn a_table_that_was_copied_is_found_where_it_is() {
    let location = "s3://bucket/wh/t";
    let copied = texts("s3://bucket/wh", "backup", "metadata/1.metadata.json");
    assert_eq!(found(location, "backup/t/metadata/1.metadata.json"), copied);
    let renamed = texts(location, "other", "metadata/1.metadata.json");
    assert_eq!(found(location, "other/metadata/1.metadata.json"), renamed);
}

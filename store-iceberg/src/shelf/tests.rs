//! What is kept of manifests, and for how long.

use std::sync::Arc;

use super::{Kept, Page};

fn page() -> Page {
    Page::Manifest(Arc::new([]))
}

#[test]
fn the_oldest_make_room() {
    let mut kept = Kept::default();
    ["a", "b", "c", "d"].into_iter().for_each(|path| kept.keep(path, page(), 3));
    assert_eq!((kept.files, kept.order.iter().map(String::as_str).collect::<Vec<_>>()), (3, vec!["b", "c", "d"]));
    assert_eq!(kept.pages.len(), 3);
}

#[test]
fn a_page_is_counted_once() {
    let mut kept = Kept::default();
    ["a", "a"].into_iter().for_each(|path| kept.keep(path, page(), 3));
    assert_eq!((kept.files, kept.order.len(), kept.pages.len()), (1, 1, 1));
}

#[test]
fn what_is_larger_than_all_room_is_not_kept() {
    let mut kept = Kept::default();
    kept.keep("a", page(), 3);
    kept.keep("large", page(), 0);
    assert_eq!((kept.files, kept.pages.contains_key("a")), (1, true));
}

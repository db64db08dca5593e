//! Listings over several pages: walks that wait are used when they are right, and never seen.

use super::*;
use crate::ops::PageToken;

fn page(local: &Local, folder: &str, options: &ListOptions) -> (Vec<String>, Option<PageToken>) {
    let page = local.list(&Prefix::new(folder).unwrap(), options).unwrap();
    let folders = page.folders.iter().map(|folder| format!("{folder}/"));
    let mut names: Vec<String> = page.objects.iter().map(|meta| meta.key.to_string()).chain(folders).collect();
    names.sort();
    (names, page.next)
}

/// Longer than the clock of files may stand still.
fn let_it_rest() {
    std::thread::sleep(Duration::from_millis(150));
}

fn filled() -> Place {
    let place = place();
    for name in ["a/1", "a/2", "a/3/x", "a/3/y", "a/4", "b", "c/1", "c/2", "c/d/e/1", "c/d/e/2", "f"] {
        put(&place.local, name, "x");
    }
    place
}

#[test]
fn pages_of_every_size_are_the_whole() {
    let Place { local, root, .. } = &filled();
    for rests in [false, true] {
        if rests {
            let_it_rest();
        }
        for (folder, one_level) in [("", false), ("", true), ("a", false), ("a", true), ("c", false), ("c", true)] {
            let options = if one_level { ListOptions::default().one_level() } else { ListOptions::default() };
            let (whole, _) = page(&Local::open(root).unwrap(), folder, &options);
            for limit in 1..=whole.len() + 1 {
                let mut options = options.clone().with_limit(limit);
                let mut got = Vec::new();
                loop {
                    let (names, next) = page(local, folder, &options);
                    assert!(names.len() <= limit);
                    got.extend(names);
                    assert_eq!(local.walks.count(), usize::from(next.is_some()));
                    match next {
                        Some(token) => options = options.with_token(token),
                        None => break,
                    }
                }
                assert_eq!(got, whole, "{folder:?}, one level: {one_level}, {limit} at a time");
            }
        }
    }
}

#[test]
fn a_walk_that_waited_sees_what_has_changed_since() {
    let Place { local, .. } = &filled();
    let_it_rest();
    let options = ListOptions::default().with_limit(3);
    let (names, next) = page(local, "", &options);
    assert_eq!(names, ["a/1", "a/2", "a/3/x"]);
    let deleted = local.delete(&["a/4", "c/d/e/1"].map(key), &DeleteOptions::default()).unwrap();
    assert!(deleted.iter().all(|answer| matches!(answer, Deleted::Deleted)));
    for added in ["a/3/xx", "a/0", "bb", "c/d/new"] {
        put(local, added, "x");
    }
    put(local, "f", "longer");
    let next = ListOptions::default().with_token(next.unwrap());
    let rest = local.list(&Prefix::root(), &next).unwrap();
    let names: Vec<_> = rest.objects.iter().map(|meta| meta.key.as_str()).collect();
    assert_eq!(names, ["a/3/xx", "a/3/y", "b", "bb", "c/1", "c/2", "c/d/e/2", "c/d/new", "f"]);
    assert_eq!(rest.objects.last().unwrap().size, 6);
}

#[test]
fn a_walk_does_not_go_on_in_a_folder_that_has_got_another_name() {
    let Place { local, root, .. } = &filled();
    let_it_rest();
    let (names, next) = page(local, "c", &ListOptions::default().with_limit(1));
    assert_eq!(names, ["c/1"]);
    fs::rename(root.join("c"), root.join("old")).unwrap();
    put(local, "c/9", "x");
    let next = ListOptions::default().with_token(next.unwrap());
    assert_eq!(page(local, "c", &next).0, ["c/9"]);
}

#[test]
fn the_object_at_the_turn_of_a_page_is_looked_up_anew() {
    let Place { local, root, .. } = &filled();
    let_it_rest();
    let (_, next) = page(local, "", &ListOptions::default().with_limit(1));
    // In place, as other programs do: the folder has not changed.
    fs::write(root.join("a/2"), "longer").unwrap();
    let rest = local.list(&Prefix::root(), &ListOptions::default().with_token(next.unwrap())).unwrap();
    assert_eq!((rest.objects[0].key.as_str(), rest.objects[0].size), ("a/2", 6));
}

#[test]
fn only_so_many_walks_wait() {
    let Place { local, .. } = &filled();
    let_it_rest();
    let begun: Vec<_> = (1..=20).map(|_| page(local, "", &ListOptions::default().with_limit(2))).collect();
    assert_eq!(local.walks.count(), 8);
    for (names, next) in begun {
        assert_eq!(names, ["a/1", "a/2"]);
        let options = ListOptions::default().with_limit(1).with_token(next.unwrap());
        assert_eq!(page(local, "", &options).0, ["a/3/x"]);
    }
}

#[test]
fn the_staging_folder_is_not_listed() {
    let Place { local, root, .. } = &place();
    let mut writer = local.open_writer(&key("a"), &WriteOptions::default()).unwrap();
    writer.write("begun".into()).unwrap();
    assert_eq!(staged(root).len(), 1);
    for folder in [STAGING.to_owned(), format!("{STAGING}/locks")] {
        let listed = local.list(&Prefix::new(folder).unwrap(), &ListOptions::default());
        assert_eq!(listed.unwrap_err().kind(), ErrorKind::Invalid);
    }
    assert_eq!(names(local), Vec::<String>::new());
}

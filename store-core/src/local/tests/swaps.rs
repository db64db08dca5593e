//! Folders and files that others swap for links out of the root, again and again, while they are asked for.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

/// Ends the swapping, however the test ends.
struct Stop<'test>(&'test AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Exchanges two names in one step, until told to stop.
fn keep_swapping(root: &Path, one: &str, other: &str, stop: &AtomicBool) {
    let folder = fs::File::open(root).unwrap();
    while !stop.load(Ordering::Relaxed) {
        rustix::fs::renameat_with(&folder, one, &folder, other, rustix::fs::RenameFlags::EXCHANGE).unwrap();
    }
}

/// Asks until both states were seen often, and wants nothing but ours or a refusal.
fn only_ours(mut ask: impl FnMut() -> Result<Vec<u64>>) {
    let (mut ours, mut refused) = (0, 0);
    while ours < 500 || refused < 500 {
        match ask() {
            Ok(sizes) if sizes.is_empty() => refused += 1,
            Ok(sizes) => {
                assert_eq!(sizes, [1]);
                ours += 1;
            }
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::NotFound), "{error}");
                refused += 1;
            }
        }
    }
}

#[test]
fn what_a_link_points_to_is_never_told() {
    let Place { outside, root, local, .. } = &place();
    put(local, "folder/secret", "x");
    put(local, "file", "x");
    symlink(outside, root.join("folder-link")).unwrap();
    symlink(outside.join("secret"), root.join("file-link")).unwrap();
    let exchange = rustix::fs::RenameFlags::EXCHANGE;
    let tried = rustix::fs::renameat_with(
        rustix::fs::CWD,
        root.join("file"),
        rustix::fs::CWD,
        root.join("file-link"),
        exchange,
    );
    if tried.is_err() {
        eprintln!("SKIPPED: the file system under the temporary folder cannot exchange two names");
        return;
    }
    let (stop, stat) = (AtomicBool::new(false), StatOptions::default());
    std::thread::scope(|scope| {
        let _stop = Stop(&stop);
        scope.spawn(|| keep_swapping(root, "folder", "folder-link", &stop));
        scope.spawn(|| keep_swapping(root, "file", "file-link", &stop));
        for name in ["folder/secret", "file"] {
            only_ours(|| local.stat(&key(name), &stat).map(|meta| vec![meta.size]));
            only_ours(|| get(local, name).map(|body| vec![body.len() as u64]));
        }
        for prefix in ["folder", "folder-link"] {
            let list = || local.list(&Prefix::new(prefix).unwrap(), &ListOptions::default());
            only_ours(|| Ok(list()?.objects.iter().map(|meta| meta.size).collect()));
        }
    });
}

//! Each rule of what a crash leaves, and of what can be made to fail.

mod explorer;
mod faults;
mod files;
mod names;
mod speed;

use std::collections::BTreeMap;

use super::{Choice, Image, SimFile, SimFolder, SimVfs};
use crate::vfs::{File, Folder, Kind, Vfs};

/// A file with its name durable and nothing in it.
fn empty_file(vfs: &SimVfs, name: &str) -> SimFile {
    let root = vfs.root().unwrap();
    let file = root.create(name).unwrap();
    file.sync_all().unwrap();
    root.sync().unwrap();
    file
}

fn content(folder: &SimFolder, name: &str) -> Option<Vec<u8>> {
    let file = folder.open(name).ok()?;
    let mut bytes = vec![0; file.stat().unwrap().length as usize];
    assert_eq!(file.read_at(&mut bytes, 0).unwrap(), bytes.len());
    Some(bytes)
}

fn text(folder: &SimFolder, name: &str) -> Option<String> {
    content(folder, name).map(|bytes| String::from_utf8(bytes).unwrap())
}

/// All names with their contents, folders as such.
fn tree(vfs: &SimVfs) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    collect(&vfs.root().unwrap(), "", &mut all);
    all
}

fn collect(folder: &SimFolder, prefix: &str, all: &mut BTreeMap<String, String>) {
    for entry in folder.list().unwrap() {
        let path = format!("{prefix}{}", entry.name);
        match entry.kind {
            Kind::Folder => collect(&folder.open_folder(&entry.name).unwrap(), &format!("{path}/"), all),
            _ => drop(all.insert(path, text(folder, &entry.name).unwrap())),
        }
    }
}

/// Images by chance, of all kinds.
fn images(vfs: &SimVfs) -> impl Iterator<Item = Image> {
    (0..400).map(|image| vfs.image(Choice::nth(9, 0, image)))
}

/// All trees that a crash may leave, as far as chance finds them.
fn outcomes(vfs: &SimVfs) -> std::collections::BTreeSet<BTreeMap<String, String>> {
    images(vfs).map(|image| tree(&image.vfs)).collect()
}

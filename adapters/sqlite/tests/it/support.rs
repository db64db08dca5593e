//! What the tests share.

use std::path::{Path, PathBuf};

use worldstore_core::{
    Backend, Condition, Key, ListOptions, ObjectMeta, Outcome, Prefix, ReadOptions, Result, WriteOptions,
};
use worldstore_sqlite::{SqliteBackend, SqliteConfig};

/// A folder with one file, gone when dropped.
pub struct File {
    pub folder: tempfile::TempDir,
    pub path: PathBuf,
}

impl File {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        Self { folder, path }
    }

    pub fn open(&self) -> SqliteBackend {
        SqliteConfig::new(&self.path).open().unwrap()
    }
}

/// The number that a query finds, on a connection of its own.
pub fn number(path: &Path, sql: &str) -> i64 {
    rusqlite::Connection::open(path).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

pub fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

pub fn write(backend: &dyn Backend, name: &str, body: impl AsRef<[u8]>, condition: Condition) -> Outcome {
    let options = WriteOptions::default().with_condition(condition);
    backend.write(&key(name), body.as_ref().to_vec().into(), &options).unwrap()
}

pub fn applied(outcome: Outcome) -> ObjectMeta {
    match outcome {
        Outcome::Applied(meta) => meta,
        other => panic!("{other:?}"),
    }
}

pub fn bytes(backend: &dyn Backend, name: &str, options: ReadOptions) -> Result<Vec<u8>> {
    let reply = backend.read(&key(name), &options)?;
    Ok(reply.body.collect::<Result<Vec<_>>>()?.concat())
}

/// The keys and folders of all pages, each page sorted as one.
pub fn names(backend: &dyn Backend, prefix: &str, mut options: ListOptions) -> Vec<String> {
    let mut names = Vec::new();
    loop {
        let page = backend.list(&Prefix::new(prefix).unwrap(), &options).unwrap();
        let mut both: Vec<_> = page.objects.iter().map(|meta| meta.key.to_string()).collect();
        both.extend(page.folders.iter().map(|folder| format!("{folder}/")));
        both.sort();
        names.append(&mut both);
        match page.next {
            Some(token) => options = options.with_token(token),
            None => return names,
        }
    }
}

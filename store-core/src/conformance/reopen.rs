//! Backends that are opened again: what was acknowledged is there, and large objects are whole wherever they go.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use bytes::Bytes;

use super::body::Body;
use super::player::clear;
use super::report::{CaseReport, CaseResult, Failure, Report};
use crate::backend::Backend;
use crate::error::{Error, ErrorKind, Result};
use crate::kernel::Ability;
use crate::key::{Key, Prefix};
use crate::ops::*;

/// Bytes of a large object: more than a backend keeps, reads or writes in one piece.
const LARGE_BYTES: usize = 1_500_000;
/// How often a large object is replaced while it is read.
const REPLACEMENTS: u8 = 9;
/// Threads that read it.
const READERS: usize = 3;

type Open<'a> = &'a dyn Fn() -> Result<Arc<dyn Backend>>;

/// A case: what it is called, what the backend must declare for it, and what it does in a folder.
type Lasting = (&'static str, &'static [Ability], fn(Open<'_>, &Prefix) -> Result<()>);

const CASES: [Lasting; 4] = [
    ("reopened_objects", &[Ability::Write], objects_are_kept),
    ("reopened_large_copy", &[Ability::Write, Ability::Copy], |open, folder| {
        is_moved_whole(open, folder, Ability::Copy)
    }),
    ("reopened_large_rename", &[Ability::Write, Ability::Rename], |open, folder| {
        is_moved_whole(open, folder, Ability::Rename)
    }),
    ("large_object_replaced", &[Ability::Write], readers_see_one_state),
];

/// Runs the cases of a backend whose objects outlive it. `open` opens the same place each time it is called, never
/// before what it gave the last time was dropped: a place that one process may have open once can be tested.
///
/// Objects of 1,500,000 bytes are written, copied, renamed, and replaced while others read them; what was acknowledged
/// is there with its content, version and write token after the backend was dropped and opened again. Cases for which
/// the backend does not declare what they take are not in the report: [`run`](super::run) proves that they are refused.
///
/// # Errors
/// That of the first time it is opened. Later ones are in the report.
pub fn reopen<Opened: Backend>(open: impl Fn() -> Result<Arc<Opened>>, below: &Prefix) -> Result<Report> {
    let open = || -> Result<Arc<dyn Backend>> { Ok(open()?) };
    let mut report = Report::new(open()?.info());
    let capability = report.info.capability;
    for (name, needs, case) in CASES {
        if needs.iter().all(|need| capability.has(*need)) {
            let result = match in_folder(&open, below, name, case) {
                Ok(()) => CaseResult::Passed,
                Err(error) => {
                    CaseResult::Failed(Failure::new(1, "reopen", "what was acknowledged, whole", format!("{error:?}")))
                }
            };
            report.cases.push(CaseReport::new(name, needs, result));
        }
    }
    Ok(report)
}

fn in_folder(open: Open<'_>, below: &Prefix, name: &str, case: fn(Open<'_>, &Prefix) -> Result<()>) -> Result<()> {
    let folder = below.join(name)?;
    if !open()?.list(&folder, &ListOptions::default().with_limit(1))?.objects.is_empty() {
        return Err(Error::new(ErrorKind::AlreadyExists, "the folder of the case holds objects").with("prefix", folder));
    }
    case(open, &folder).and(clear(&*open()?, &folder))
}

/// Small and large, replaced and deleted, durable and not: all of it is there, and nothing else.
fn objects_are_kept(open: Open<'_>, folder: &Prefix) -> Result<()> {
    let name = |text: &str| folder.key(text);
    let (gone, large, lazy, named) = (name("gone")?, name("large")?, name("lazy")?, name("named")?);
    let (big, token) = (stretch(1), WriteToken::new("mine")?);
    let backend = open()?;
    let capability = backend.info().capability;
    let when_named = match capability.write_tokens {
        true => WriteOptions::default().with_token(token.clone()),
        false => WriteOptions::default(),
    };
    let not_durable = WriteOptions::default().with_durability(Durability::None);
    write(&*backend, &gone, big.bytes(), &WriteOptions::default())?;
    write(&*backend, &large, Bytes::from_static(b"before"), &WriteOptions::default())?;
    let written = [
        in_parts(&*backend, &large, &big.bytes())?,
        write(&*backend, &lazy, Bytes::from_static(b"lazy"), &not_durable)?,
        write(&*backend, &named, Bytes::from_static(b"named"), &when_named)?,
    ];
    delete(&*backend, &gone)?;
    drop(backend);

    let backend = open()?;
    let mut found = backend.list(folder, &ListOptions::default())?.objects;
    found.sort_by(|one, other| one.key.cmp(&other.key));
    let keys = |objects: &[ObjectMeta]| objects.iter().map(|meta| meta.key.to_string()).collect::<Vec<_>>();
    if keys(&found) != keys(&written) {
        return Err(differs("other objects are listed", folder).with("found", keys(&found).join(", ")));
    }
    for (meta, body) in written.iter().zip([big, Body::Text("lazy"), Body::Text("named")]) {
        let stat = backend.stat(&meta.key, &StatOptions::default())?;
        if (&stat.version, stat.size) != (&meta.version, meta.size) {
            return Err(differs("an object has other metadata", &meta.key).with("found", format!("{stat:?}")));
        }
        expect(&*backend, &meta.key, &body)?;
    }
    if capability.write_tokens {
        match backend.settle(&named, &token, &SettleOptions::default())? {
            Settled::Applied(_) => {}
            other => {
                return Err(differs("a write is not known by its token", &named).with("found", format!("{other:?}")));
            }
        }
    }
    let again = write(&*backend, &named, Bytes::from_static(b"named"), &WriteOptions::default())?;
    match again.version.is_some() && again.version == written[2].version {
        true => Err(differs("two states have one version", &named)),
        false => Ok(()),
    }
}

/// What was copied is at both places, what was renamed at the new one, before and after the backend is opened again.
fn is_moved_whole(open: Open<'_>, folder: &Prefix, by: Ability) -> Result<()> {
    let (from, to, body) = (folder.key("from")?, folder.key("to")?, stretch(2));
    let backend = open()?;
    in_parts(&*backend, &from, &body.bytes())?;
    let outcome = match by {
        Ability::Rename => backend.rename(&from, &to, &RenameOptions::default())?,
        _ => backend.copy(&from, &to, &CopyOptions::default())?,
    };
    outcome.applied(&to, &Condition::None)?;
    expect(&*backend, &to, &body)?;
    if by == Ability::Copy {
        expect(&*backend, &from, &body)?;
        // The pieces of one are not those of the other.
        delete(&*backend, &from)?;
    }
    drop(backend);
    let backend = open()?;
    match backend.stat(&from, &StatOptions::default()) {
        Err(error) if error.is_not_found() => expect(&*backend, &to, &body),
        Err(error) => Err(error),
        Ok(_) => Err(differs("an object is still there", &from)),
    }
}

/// Whoever reads while others replace sees one state, from the first byte to the last.
fn readers_see_one_state(open: Open<'_>, folder: &Prefix) -> Result<()> {
    let (backend, key) = (open()?, folder.key("a")?);
    let uniform = |letter: u8| Bytes::from(vec![letter; LARGE_BYTES]);
    let options = WriteOptions::default().with_durability(Durability::None);
    write(&*backend, &key, uniform(b'0'), &options)?;
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reading = || -> Result<()> {
            while !done.load(Ordering::SeqCst) {
                let body = content(&*backend, &key)?;
                if body.first().is_none_or(|letter| body != uniform(*letter)) {
                    return Err(differs("a read saw a mixture", &key).with("bytes", body.len()));
                }
            }
            Ok(())
        };
        let readers: Vec<_> = (0..READERS).map(|_| scope.spawn(reading)).collect();
        let replaced =
            (1..=REPLACEMENTS).try_for_each(|number| match backend.write(&key, uniform(b'0' + number), &options) {
                Err(error) if error.kind() == ErrorKind::Conflict => Ok(()),
                outcome => outcome?.applied(&key, &Condition::None).map(drop),
            });
        done.store(true, Ordering::SeqCst);
        let lost = |_| Error::unexpected("a reader panicked");
        readers.into_iter().try_for_each(|reader| reader.join().map_err(lost)?)?;
        replaced
    })
}

fn stretch(from: u64) -> Body {
    Body::Stretch { from, length: LARGE_BYTES }
}

fn differs(message: &'static str, subject: impl std::fmt::Display) -> Error {
    Error::unexpected(message).with("at", subject)
}

pub(super) fn write(backend: &dyn Backend, key: &Key, body: Bytes, options: &WriteOptions) -> Result<ObjectMeta> {
    backend.write(key, body, options)?.applied(key, &options.condition)
}

/// Writes through a writer, in parts that are no power of two.
pub(super) fn in_parts(backend: &dyn Backend, key: &Key, body: &Bytes) -> Result<ObjectMeta> {
    let mut writer = backend.open_writer(key, &WriteOptions::default())?;
    for start in (0..body.len()).step_by(100_003) {
        writer.write(body.slice(start..body.len().min(start + 100_003)))?;
    }
    writer.commit()?.applied(key, &Condition::None)
}

pub(super) fn delete(backend: &dyn Backend, key: &Key) -> Result<()> {
    match backend.delete(std::slice::from_ref(key), &DeleteOptions::default())?.pop() {
        Some(Deleted::Failed(error)) => Err(error),
        _ => Ok(()),
    }
}

pub(super) fn content(backend: &dyn Backend, key: &Key) -> Result<Bytes> {
    let chunks = backend.read(key, &ReadOptions::default())?.body.collect::<Result<Vec<_>>>()?;
    Ok(chunks.concat().into())
}

fn expect(backend: &dyn Backend, key: &Key, body: &Body) -> Result<()> {
    let found = content(backend, key)?;
    match found == body.bytes() {
        true => Ok(()),
        false => Err(differs("an object is not what was written", key)
            .with("found", super::digest(&found))
            .with("written", body.digest())),
    }
}

//! The driver of the kit for sync backends.

use std::collections::BTreeMap;

use super::cases::cases;
use super::report::{CaseReport, Report};
use super::session::{Call, PAGES_MAX, Reply, Session};
use super::step::Case;
use crate::backend::{Backend, Writer};
use crate::error::{Error, Result};
use crate::key::Prefix;
use crate::ops::*;

/// Runs every case on a backend, each in a folder of its own below `below`.
///
/// What does not conform is in the report: see [`Report::into_result`].
pub fn run(backend: &dyn Backend, below: &Prefix) -> Report {
    let mut report = Report::new(backend.info());
    report.cases = cases().iter().map(|case| play(backend, below, case)).collect();
    report
}

/// Plays one case in its folder below `below`, which must not hold objects and is emptied after.
pub fn play(backend: &dyn Backend, below: &Prefix, case: &Case) -> CaseReport {
    let capability = backend.info().capability;
    let mut session = match Session::new(case, below, capability) {
        Ok(session) => session,
        Err(error) => return CaseReport::impossible(case, &error),
    };
    let folder = session.folder().clone();
    match is_empty(backend, &folder) {
        Ok(true) => {}
        Ok(false) => {
            session.give_up("begin", "an empty folder", "it holds objects, which are left alone");
            return session.finish();
        }
        Err(error) => {
            session.give_up("begin", "an empty folder", error);
            return session.finish();
        }
    }
    let mut player = Player { backend, writers: BTreeMap::new() };
    loop {
        match session.next() {
            Ok(Some(call)) => session.record(player.perform(call)),
            Ok(None) => break,
            Err(error) => session.give_up("name an object", "a key", error),
        }
    }
    drop(player);
    if capability.write
        && let Err(error) = clear(backend, &folder)
    {
        session.give_up("clean up", "an empty folder", error);
    }
    session.finish()
}

fn is_empty(backend: &dyn Backend, folder: &Prefix) -> Result<bool> {
    let page = backend.list(folder, &ListOptions::default().with_limit(1))?;
    Ok(page.objects.is_empty())
}

/// Deletes everything below a folder.
pub(super) fn clear(backend: &dyn Backend, folder: &Prefix) -> Result<()> {
    for _ in 0..PAGES_MAX {
        let page = backend.list(folder, &ListOptions::default())?;
        if page.objects.is_empty() {
            return Ok(());
        }
        let keys: Vec<_> = page.objects.into_iter().map(|meta| meta.key).collect();
        for outcome in backend.delete(&keys, &DeleteOptions::default())? {
            if let Deleted::Failed(error) = outcome {
                return Err(error);
            }
        }
    }
    Err(Error::unexpected("objects that were deleted are still listed").with("prefix", folder))
}

struct Player<'backend> {
    backend: &'backend dyn Backend,
    writers: BTreeMap<&'static str, Result<Box<dyn Writer>>>,
}

impl Player<'_> {
    fn perform(&mut self, call: Call) -> Result<Reply> {
        let backend = self.backend;
        match call {
            Call::Stat(key) => backend.stat(&key, &StatOptions::default()).map(Reply::Meta),
            Call::Read(key, options) => {
                let reply = backend.read(&key, &options)?;
                Ok(Reply::Content(reply.meta, reply.range, reply.body.collect::<Result<_>>()?))
            }
            Call::ReadRanges(key, ranges, options) => backend.read_ranges(&key, &ranges, &options).map(Reply::Parts),
            Call::Write(key, body, options) => backend.write(&key, body, &options).map(Reply::Outcome),
            Call::Settle(key, token) => backend.settle(&key, &token, &SettleOptions::default()).map(Reply::Settled),
            Call::Delete(keys, options) => backend.delete(&keys, &options).map(Reply::Deleted),
            Call::List(folder, options) => self.pages(&folder, options).map(Reply::Pages),
            Call::Copy(from, to, options) => backend.copy(&from, &to, &options).map(Reply::Outcome),
            Call::Rename(from, to, options) => backend.rename(&from, &to, &options).map(Reply::Outcome),
            Call::Open(name, key, options) => {
                let opened = backend.open_writer(&key, &options);
                let refused = opened.as_ref().err().map(Reply::refused);
                self.writers.insert(name, opened);
                refused.map_or(Ok(Reply::Done), Err)
            }
            Call::Append(name, chunk) => match self.writers.get_mut(name) {
                Some(Ok(writer)) => writer.write(chunk).map(|()| Reply::Done),
                Some(Err(error)) => Err(Reply::refused(error)),
                None => Err(Reply::no_writer(name)),
            },
            Call::Commit(name) => self.take(name)?.commit().map(Reply::Outcome),
            Call::Abort(name) => self.take(name)?.abort().map(|()| Reply::Done),
            Call::Drop(name) => self.take(name).map(|_| Reply::Done),
        }
    }

    fn take(&mut self, name: &str) -> Result<Box<dyn Writer>> {
        self.writers.remove(name).unwrap_or_else(|| Err(Reply::no_writer(name)))
    }

    fn pages(&self, folder: &Prefix, mut options: ListOptions) -> Result<Vec<ListPage>> {
        let mut pages = Vec::new();
        loop {
            let page = self.backend.list(folder, &options)?;
            let next = page.next.clone();
            pages.push(page);
            match next {
                Some(token) if pages.len() < PAGES_MAX => options = options.with_token(token),
                _ => return Ok(pages),
            }
        }
    }
}

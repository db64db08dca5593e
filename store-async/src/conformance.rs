//! The driver of the conformance kit for async backends. It makes the same calls as that for sync backends,
//! [`worldstore_core::conformance::run`], and must note the same answers: see [`Report::transcript`].
//!
//! ```
//! # use std::sync::Arc;
//! # use worldstore_async::{SyncBackendAdapter, conformance};
//! # use worldstore_core::{Memory, Prefix};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> worldstore_core::Result<()> {
//! let backend = SyncBackendAdapter::new(Arc::new(Memory::new()));
//! let report = conformance::run(&backend, &Prefix::new("kit")?).await.into_result()?;
//! println!("{report}");
//! # Ok(()) }
//! ```

mod both;

use std::collections::BTreeMap;

use futures::TryStreamExt;
use worldstore_core::conformance::{Call, Case, CaseReport, PAGES_MAX, Reply, Report, Session, cases};
use worldstore_core::{
    DeleteOptions, Deleted, Error, ListOptions, ListPage, Prefix, Result, SettleOptions, StatOptions,
};

use crate::backend::{AsyncBackend, AsyncWriter};
pub use both::{Checked, answers_of_async, answers_of_sync, races_of_async, races_of_sync};

/// Runs every case on a backend, each in a folder of its own below `below`.
///
/// What does not conform is in the report: see [`Report::into_result`].
pub async fn run(backend: &dyn AsyncBackend, below: &Prefix) -> Report {
    let mut report = Report::new(backend.info());
    for case in cases() {
        report.cases.push(play(backend, below, &case).await);
    }
    report
}

/// Plays one case in its folder below `below`, which must not hold objects and is emptied after.
pub async fn play(backend: &dyn AsyncBackend, below: &Prefix, case: &Case) -> CaseReport {
    let capability = backend.info().capability;
    let mut session = match Session::new(case, below, capability) {
        Ok(session) => session,
        Err(error) => return CaseReport::impossible(case, &error),
    };
    let folder = session.folder().clone();
    match is_empty(backend, &folder).await {
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
            Ok(Some(call)) => session.record(player.perform(call).await),
            Ok(None) => break,
            Err(error) => session.give_up("name an object", "a key", error),
        }
    }
    drop(player);
    if capability.write
        && let Err(error) = clear(backend, &folder).await
    {
        session.give_up("clean up", "an empty folder", error);
    }
    session.finish()
}

async fn is_empty(backend: &dyn AsyncBackend, folder: &Prefix) -> Result<bool> {
    let page = backend.list(folder, &ListOptions::default().with_limit(1)).await?;
    Ok(page.objects.is_empty())
}

/// Deletes everything below a folder.
async fn clear(backend: &dyn AsyncBackend, folder: &Prefix) -> Result<()> {
    for _ in 0..PAGES_MAX {
        let page = backend.list(folder, &ListOptions::default()).await?;
        if page.objects.is_empty() {
            return Ok(());
        }
        let keys: Vec<_> = page.objects.into_iter().map(|meta| meta.key).collect();
        for outcome in backend.delete(&keys, &DeleteOptions::default()).await? {
            if let Deleted::Failed(error) = outcome {
                return Err(error);
            }
        }
    }
    Err(Error::unexpected("objects that were deleted are still listed").with("prefix", folder))
}

struct Player<'backend> {
    backend: &'backend dyn AsyncBackend,
    writers: BTreeMap<&'static str, Result<Box<dyn AsyncWriter>>>,
}

impl Player<'_> {
    async fn perform(&mut self, call: Call) -> Result<Reply> {
        let backend = self.backend;
        match call {
            Call::Stat(key) => backend.stat(&key, &StatOptions::default()).await.map(Reply::Meta),
            Call::Read(key, options) => {
                let reply = backend.read(&key, &options).await?;
                Ok(Reply::Content(reply.meta, reply.range, reply.body.try_collect().await?))
            }
            Call::ReadRanges(key, ranges, options) => {
                backend.read_ranges(&key, &ranges, &options).await.map(Reply::Parts)
            }
            Call::Write(key, body, options) => backend.write(&key, body, &options).await.map(Reply::Outcome),
            Call::Settle(key, token) => {
                backend.settle(&key, &token, &SettleOptions::default()).await.map(Reply::Settled)
            }
            Call::Delete(keys, options) => backend.delete(&keys, &options).await.map(Reply::Deleted),
            Call::List(folder, options) => self.pages(&folder, options).await.map(Reply::Pages),
            Call::Copy(from, to, options) => backend.copy(&from, &to, &options).await.map(Reply::Outcome),
            Call::Rename(from, to, options) => backend.rename(&from, &to, &options).await.map(Reply::Outcome),
            Call::Open(name, key, options) => {
                let opened = backend.open_writer(&key, &options).await;
                let refused = opened.as_ref().err().map(Reply::refused);
                self.writers.insert(name, opened);
                refused.map_or(Ok(Reply::Done), Err)
            }
            Call::Append(name, chunk) => match self.writers.get_mut(name) {
                Some(Ok(writer)) => writer.write(chunk).await.map(|()| Reply::Done),
                Some(Err(error)) => Err(Reply::refused(error)),
                None => Err(Reply::no_writer(name)),
            },
            Call::Commit(name) => self.take(name)?.commit().await.map(Reply::Outcome),
            Call::Abort(name) => self.take(name)?.abort().await.map(|()| Reply::Done),
            Call::Drop(name) => self.take(name).map(|_| Reply::Done),
        }
    }

    fn take(&mut self, name: &str) -> Result<Box<dyn AsyncWriter>> {
        self.writers.remove(name).unwrap_or_else(|| Err(Reply::no_writer(name)))
    }

    async fn pages(&self, folder: &Prefix, mut options: ListOptions) -> Result<Vec<ListPage>> {
        let mut pages = Vec::new();
        loop {
            let page = self.backend.list(folder, &options).await?;
            let next = page.next.clone();
            pages.push(page);
            match next {
                Some(token) if pages.len() < PAGES_MAX => options = options.with_token(token),
                _ => return Ok(pages),
            }
        }
    }
}

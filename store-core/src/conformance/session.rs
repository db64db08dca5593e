//! A case on its way through a backend: which call comes next, and what its answer is. Without I/O: drivers do that.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use bytes::Bytes;

use super::answer::{Answer, Fate, Gone, Seen};
use super::body::digest;
use super::refusal;
use super::report::{CaseReport, CaseResult, Failure};
use super::step::{Case, Planned, Step, When};
use crate::capability::Capability;
use crate::error::{Error, Result};
use crate::kernel::Ability;
use crate::key::{Key, Prefix};
use crate::ops::*;

/// More pages than this and a listing counts as endless.
pub const PAGES_MAX: usize = 1_000;

/// A call for the driver to make.
#[derive(Debug, Clone)]
pub enum Call {
    /// Look up: [`Reply::Meta`].
    Stat(Key),
    /// Read to the end: [`Reply::Content`].
    Read(Key, ReadOptions),
    /// Read parts: [`Reply::Parts`].
    ReadRanges(Key, Vec<Range<u64>>, ReadRangesOptions),
    /// Write: [`Reply::Outcome`].
    Write(Key, Bytes, WriteOptions),
    /// Open a writer of this name and keep it; keep the error if it does not open: [`Reply::Done`].
    Open(&'static str, Key, WriteOptions),
    /// Append to a writer: [`Reply::Done`]. As all calls of a writer that did not open, this fails with its error.
    Append(&'static str, Bytes),
    /// Commit a writer: [`Reply::Outcome`].
    Commit(&'static str),
    /// Abort a writer: [`Reply::Done`].
    Abort(&'static str),
    /// Drop a writer: [`Reply::Done`].
    Drop(&'static str),
    /// Read back what became of a write: [`Reply::Settled`].
    Settle(Key, WriteToken),
    /// Delete: [`Reply::Deleted`].
    Delete(Vec<Key>, DeleteOptions),
    /// List to the end, at most [`PAGES_MAX`] pages: [`Reply::Pages`].
    List(Prefix, ListOptions),
    /// Copy: [`Reply::Outcome`].
    Copy(Key, Key, CopyOptions),
    /// Rename: [`Reply::Outcome`].
    Rename(Key, Key, RenameOptions),
}

/// What came of a [`Call`].
#[derive(Debug)]
pub enum Reply {
    /// Of an object.
    Meta(ObjectMeta),
    /// The object, the range, and the chunks of the body.
    Content(ObjectMeta, Range<u64>, Vec<Bytes>),
    /// Parts.
    Parts(Vec<Bytes>),
    /// Of a change.
    Outcome(Outcome),
    /// Of a delete.
    Deleted(Vec<Deleted>),
    /// Of reading back.
    Settled(Settled),
    /// The pages of a listing; the last one has a token only if there were too many.
    Pages(Vec<ListPage>),
    /// Nothing to tell.
    Done,
}

impl Reply {
    /// The failure of a call on a writer that did not open, because of this error.
    pub fn refused(error: &Error) -> Error {
        Error::new(error.kind(), "the writer did not open")
    }

    /// The failure of a call on a writer that no step has opened.
    pub fn no_writer(name: &str) -> Error {
        Error::unexpected("the case has no such writer").with("writer", name)
    }
}

/// A case under way. A driver asks for the [`next`](Self::next) call, makes it, and [`record`](Self::record)s what
/// came of it, until there is none left.
#[derive(Debug)]
pub struct Session {
    name: String,
    folder: Prefix,
    capability: Capability,
    needs: Vec<Ability>,
    skipped_for: Option<Ability>,
    steps: Vec<Planned>,
    /// What each step so far was answered.
    answers: Vec<Answer>,
    /// The version that each step so far has shown.
    shown: Vec<Option<Version>>,
    /// The versions that each key has shown, in order.
    versions: BTreeMap<Key, Vec<Version>>,
    failure: Option<Failure>,
    /// What the tokens of this session begin with: no two runs share one.
    run: String,
}

impl Session {
    /// Begins a case below a folder; begins the refusal of what it needs if that is not declared.
    ///
    /// # Errors
    /// `Invalid` if the folder's name is too long.
    pub fn new(case: &Case, below: &Prefix, capability: Capability) -> Result<Self> {
        let skipped_for = case.unmet(&capability);
        let steps = skipped_for.map_or_else(|| case.steps.clone(), refusal::steps);
        Ok(Self {
            name: case.name.clone(),
            folder: below.join(&case.name)?,
            capability,
            needs: case.needs.clone(),
            skipped_for,
            steps,
            answers: Vec::new(),
            shown: Vec::new(),
            versions: BTreeMap::new(),
            failure: None,
            run: unique_run(),
        })
    }

    /// The folder of the case. The driver makes sure that it holds nothing before and after.
    pub fn folder(&self) -> &Prefix {
        &self.folder
    }

    /// The next call; none at the end and after a failure.
    ///
    /// # Errors
    /// `Invalid` if a key becomes too long below the folder.
    pub fn next(&self) -> Result<Option<Call>> {
        match (self.steps.get(self.answers.len()), &self.failure) {
            (Some(planned), None) => self.call(&planned.step).map(Some),
            _ => Ok(None),
        }
    }

    /// Notes what came of the last call.
    pub fn record(&mut self, reply: Result<Reply>) {
        let Some(planned) = self.steps.get(self.answers.len()).cloned() else { return };
        self.shown.push(shown(&reply));
        let (answer, detail) = match reply {
            Ok(reply) => (self.answer(&planned.step, reply), String::new()),
            Err(error) => (Answer::Failed(error.kind()), format!(" ({error})")),
        };
        if !planned.allowed.iter().any(|allowed| allowed.allows(&answer, &self.capability)) {
            let expected: Vec<_> = planned.allowed.iter().map(Answer::to_string).collect();
            let got = format!("{answer}{detail}");
            self.fail(Failure::new(self.answers.len() + 1, planned.step.to_string(), expected.join(" or "), got));
        }
        self.answers.push(answer);
    }

    /// Ends the case because of something that is not the answer to a step.
    pub fn give_up(&mut self, doing: &str, expected: &str, got: impl ToString) {
        self.fail(Failure::new(self.answers.len() + 1, doing.to_owned(), expected.to_owned(), got.to_string()));
    }

    /// How the case went.
    pub fn finish(self) -> CaseReport {
        let transcript =
            self.steps.iter().zip(&self.answers).map(|(planned, answer)| format!("{}: {answer}", planned.step));
        let transcript = transcript.collect();
        let result = match (self.failure, self.skipped_for) {
            (Some(failure), _) => CaseResult::Failed(failure),
            (None, Some(need)) => CaseResult::Skipped(need),
            (None, None) => CaseResult::Passed,
        };
        CaseReport { case: self.name, needs: self.needs, result, transcript }
    }

    fn fail(&mut self, failure: Failure) {
        self.failure.get_or_insert(failure);
    }

    fn call(&self, step: &Step) -> Result<Call> {
        let key = |key: &String| self.folder.key(key);
        Ok(match step {
            Step::Write { key: name, body, when, token } => {
                Call::Write(key(name)?, body.bytes(), self.write_options(*when, *token)?)
            }
            Step::Settle { key: name, token } => Call::Settle(key(name)?, self.token(token)?),
            Step::Stat { key: name } => Call::Stat(key(name)?),
            Step::Read { key: name, range, pinned } => {
                let version = pinned.map(|step| self.version(step));
                Call::Read(key(name)?, ReadOptions { range: range.clone(), version })
            }
            Step::ReadRanges { key: name, ranges, pinned } => {
                let version = pinned.map(|step| self.version(step));
                Call::ReadRanges(key(name)?, ranges.clone(), ReadRangesOptions { version })
            }
            Step::Open { writer, key: name, when, token } => {
                Call::Open(writer, key(name)?, self.write_options(*when, *token)?)
            }
            Step::Append { writer, body } => Call::Append(writer, body.bytes()),
            Step::Commit { writer } => Call::Commit(writer),
            Step::Abort { writer } => Call::Abort(writer),
            Step::Drop { writer } => Call::Drop(writer),
            Step::Delete { keys, when } => {
                let options = DeleteOptions::default().with_condition(self.condition(*when));
                Call::Delete(keys.iter().map(key).collect::<Result<_>>()?, options)
            }
            Step::List { folder, one_level, after, limit } => {
                let after = after.map(|after| self.folder.key(after)).transpose()?;
                let options = ListOptions { after, limit: *limit, one_level: *one_level, token: None };
                let folder = if folder.is_empty() { self.folder.clone() } else { self.folder.join(folder)? };
                Call::List(folder, options)
            }
            Step::Copy { from, to, when } => {
                let options = CopyOptions::default().with_condition(self.condition(*when));
                Call::Copy(key(from)?, key(to)?, options)
            }
            Step::Rename { from, to, when } => {
                let options = RenameOptions::default().with_condition(self.condition(*when));
                Call::Rename(key(from)?, key(to)?, options)
            }
        })
    }

    fn write_options(&self, when: When, token: Option<&str>) -> Result<WriteOptions> {
        let options = WriteOptions::default().with_condition(self.condition(when));
        Ok(match token {
            Some(token) => options.with_token(self.token(token)?),
            None => options,
        })
    }

    fn token(&self, name: &str) -> Result<WriteToken> {
        WriteToken::new(format!("{}-{name}", self.run))
    }

    fn condition(&self, when: When) -> Condition {
        match when {
            When::Always => Condition::None,
            When::IfAbsent => Condition::IfAbsent,
            When::IfMatch(step) => Condition::IfMatch(self.version(step)),
        }
    }

    /// The version that a step has shown; one that no object has if it has shown none.
    fn version(&self, step: usize) -> Version {
        self.shown.get(step).cloned().flatten().unwrap_or_else(|| Version::new("never"))
    }

    fn answer(&mut self, step: &Step, reply: Reply) -> Answer {
        match reply {
            Reply::Meta(meta) => Answer::Found(self.seen(&meta)),
            Reply::Content(meta, range, chunks) => {
                let body = chunks.concat();
                match range.end.checked_sub(range.start) == Some(body.len() as u64) {
                    true => Answer::Content { of: self.seen(&meta), range, body: digest(&body) },
                    false => Answer::Broken(format!("range {range:?} came as {} bytes", body.len())),
                }
            }
            Reply::Parts(parts) => Answer::Parts(parts.iter().map(|part| digest(part)).collect()),
            Reply::Outcome(Outcome::Applied(meta)) => Answer::Applied(self.seen(&meta)),
            Reply::Outcome(Outcome::Rejected) => Answer::Rejected,
            Reply::Outcome(Outcome::Unknown) => Answer::Unknown,
            Reply::Deleted(keys) => Answer::Deleted(keys.iter().map(gone).collect()),
            Reply::Settled(Settled::Applied(meta)) => Answer::Settled(Fate::Applied(self.seen(&meta))),
            Reply::Settled(Settled::Absent) => Answer::Settled(Fate::Absent),
            Reply::Settled(Settled::Other(meta)) => Answer::Settled(Fate::Other(self.seen(&meta))),
            Reply::Pages(pages) => self.listed(step, &pages),
            Reply::Done => Answer::Done,
        }
    }

    fn seen(&mut self, meta: &ObjectMeta) -> Seen {
        let version = meta.version.clone().map(|version| {
            let known = self.versions.entry(meta.key.clone()).or_default();
            match known.iter().position(|other| *other == version) {
                Some(place) => place + 1,
                None => {
                    known.push(version);
                    known.len()
                }
            }
        });
        Seen::new(self.below(meta.key.as_str()), meta.size, version)
    }

    fn below(&self, name: &str) -> String {
        self.folder.strip(name).map_or_else(|| format!("outside of the folder: {name}"), str::to_owned)
    }

    fn listed(&mut self, step: &Step, pages: &[ListPage]) -> Answer {
        let Step::List { limit, .. } = step else { return Answer::Broken("pages of no listing".to_owned()) };
        if pages.last().is_some_and(|page| page.next.is_some()) {
            return Answer::Broken(format!("the listing has more than {PAGES_MAX} pages"));
        }
        let largest = pages.iter().map(|page| page.objects.len() + page.folders.len()).max().unwrap_or_default();
        if limit.is_some_and(|limit| largest > limit) {
            return Answer::Broken(format!("a page has {largest} entries"));
        }
        let objects = pages.iter().flat_map(|page| &page.objects).map(|meta| self.seen(meta)).collect();
        let folders = pages.iter().flat_map(|page| &page.folders).map(|folder| self.below(folder.as_str())).collect();
        Answer::Listed { objects, folders }
    }
}

/// Differs in every process and in every session of one.
fn unique_run() -> String {
    static SESSIONS: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let session = SESSIONS.fetch_add(1, Ordering::Relaxed);
    format!("kit-{:x}-{:x}-{session:x}", std::process::id(), now.as_nanos())
}

fn shown(reply: &Result<Reply>) -> Option<Version> {
    match reply {
        Ok(Reply::Meta(meta) | Reply::Content(meta, ..) | Reply::Outcome(Outcome::Applied(meta))) => {
            meta.version.clone()
        }
        _ => None,
    }
}

fn gone(key: &Deleted) -> Gone {
    match key {
        Deleted::Deleted => Gone::Deleted,
        Deleted::Missing => Gone::Missing,
        Deleted::Gone => Gone::Gone,
        Deleted::Rejected => Gone::Rejected,
        Deleted::Failed(error) => Gone::Failed(Error::kind(error)),
    }
}

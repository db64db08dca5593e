//! What may be asked of a backend, and what its answers mean.

use super::ability::Ability;
use super::fault::Fault;
use super::options::Missing;
use super::scope::Kernel;
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Prefix};
use crate::ops::*;

/// What an answer to a delete leaves to find out.
#[derive(Debug)]
pub enum Deletion {
    /// Nothing: the object is gone.
    Done,
    /// There was no object: if the key is a folder, that is what is wrong.
    Absent,
    /// Nobody knows whether there was one: only a folder would be wrong.
    Untold,
    /// The condition was false: if the key is a folder, that is what is wrong.
    Rejected,
}

impl Kernel {
    /// Checks that the backend can do this and that the store is open. No I/O comes before it.
    ///
    /// # Errors
    /// `Poisoned` if closed, `Unsupported` if the backend cannot.
    pub fn need(&self, ability: Ability) -> Result<()> {
        self.open()?;
        match self.backend.info.capability.has(ability) {
            true => Ok(()),
            false => Err(Error::unsupported("the backend does not have this")
                .with("capability", ability.as_str())
                .with("backend", &self.backend.name)),
        }
    }

    /// Gate of every read.
    ///
    /// # Errors
    /// As for [`need`](Self::need).
    pub fn may_read(&self, version: Option<&Version>) -> Result<()> {
        match version {
            Some(_) => self.need(Ability::Versions),
            None => self.open(),
        }
    }

    /// Gate of every write.
    ///
    /// # Errors
    /// As for [`need`](Self::need).
    pub fn may_write(&self, options: &WriteOptions) -> Result<()> {
        self.need(Ability::Write)?;
        if options.token.is_some() {
            self.need(Ability::WriteTokens)?;
        }
        self.may(&options.condition, Ability::WriteIfAbsent, Ability::WriteIfMatch)
    }

    /// Gate of every copy.
    ///
    /// # Errors
    /// As for [`need`](Self::need).
    pub fn may_copy(&self, options: &CopyOptions) -> Result<()> {
        self.need(Ability::Write)?;
        self.need(Ability::Copy)?;
        self.may(&options.condition, Ability::CopyIfAbsent, Ability::CopyIfMatch)
    }

    /// Gate of every rename.
    ///
    /// # Errors
    /// As for [`need`](Self::need).
    pub fn may_rename(&self, options: &RenameOptions) -> Result<()> {
        self.need(Ability::Write)?;
        self.need(Ability::Rename)?;
        self.may(&options.condition, Ability::RenameIfAbsent, Ability::RenameIfMatch)
    }

    /// Gate of every delete.
    ///
    /// # Errors
    /// As for [`need`](Self::need); `Invalid` for a condition that a delete cannot have.
    pub fn may_delete(&self, options: &DeleteOptions) -> Result<()> {
        self.need(Ability::Write)?;
        options.check()?;
        match options.condition {
            Condition::IfMatch(_) => self.need(Ability::DeleteIfMatch),
            _ => Ok(()),
        }
    }

    fn may(&self, condition: &Condition, if_absent: Ability, if_match: Ability) -> Result<()> {
        match condition {
            Condition::None => Ok(()),
            Condition::IfAbsent => self.need(if_absent),
            Condition::IfMatch(_) => self.need(if_match),
        }
    }

    /// Whether a key may be an object and a folder at once, so that a delete has to look first.
    pub fn is_flat(&self) -> bool {
        self.backend.info.namespace == Namespace::Flat
    }

    /// The error for a key that holds no object: that it is a folder comes before that it is missing.
    pub fn absent(&self, key: &str, is_folder: bool, operation: &'static str) -> Error {
        let fault = if is_folder { Fault::IsFolder } else { Fault::NoObject };
        self.explain(fault.about(key), operation)
    }

    /// What a delete of one key was answered.
    ///
    /// # Errors
    /// Those of the backend about the key.
    pub fn deletion(&self, answer: Result<Vec<Deleted>>, key: &str) -> Result<Deletion> {
        match answer.map_err(|error| self.explain(error, "delete"))?.pop() {
            Some(Deleted::Deleted) => Ok(Deletion::Done),
            Some(Deleted::Missing) => Ok(Deletion::Absent),
            Some(Deleted::Gone) if self.is_flat() => Ok(Deletion::Done),
            Some(Deleted::Gone) => Ok(Deletion::Untold),
            Some(Deleted::Rejected) => Ok(Deletion::Rejected),
            Some(Deleted::Failed(error)) => Err(self.explain(error, "delete")),
            None => {
                Err(self.explain(Error::unexpected("backend did not report on the key").with("key", key), "delete"))
            }
        }
    }

    /// The result of a delete, once it is known whether the key is a folder.
    ///
    /// # Errors
    /// `Invalid` for a folder, whatever `missing` says; `NotFound` and `ConditionFailed` as the answer means.
    pub fn deleted(&self, deletion: Deletion, key: &str, is_folder: bool, missing: Missing) -> Result<()> {
        match (deletion, missing) {
            (Deletion::Done, _) => Ok(()),
            (_, _) if is_folder => Err(self.absent(key, true, "delete")),
            (Deletion::Untold, _) | (Deletion::Absent, Missing::Ignore) => Ok(()),
            (Deletion::Absent, Missing::Refuse) => Err(self.absent(key, false, "delete")),
            (Deletion::Rejected, _) => Err(self.explain(Fault::Changed.about(key), "delete")),
        }
    }

    /// How many keys of a page of a folder were deleted.
    ///
    /// # Errors
    /// The first failure among them.
    pub fn deleted_page(&self, answer: Result<Vec<Deleted>>, asked: &[Key]) -> Result<u64> {
        let answers = answer.map_err(|error| self.explain(error, "delete folder"))?;
        if answers.len() != asked.len() {
            let error = Error::unexpected("backend did not report on every key");
            return Err(self.explain(error.with("asked", asked.len()).with("told", answers.len()), "delete folder"));
        }
        let mut count = 0;
        for (answer, key) in answers.into_iter().zip(asked) {
            match answer {
                Deleted::Deleted | Deleted::Gone => count += 1,
                Deleted::Missing => {}
                Deleted::Rejected => return Err(self.explain(Fault::Changed.about(key), "delete folder")),
                Deleted::Failed(error) => return Err(self.explain(error, "delete folder")),
            }
        }
        Ok(count)
    }

    /// The folder that a call changes as a whole: not the root.
    ///
    /// # Errors
    /// `Invalid` for the root and for what is no folder.
    pub fn folder_to_change(&self, folder: &str) -> Result<Prefix> {
        match folder.is_empty() {
            true => Err(Fault::Root.about("\"\"")),
            false => self.folder(folder),
        }
    }

    /// The result of a change, with its key as callers know it.
    ///
    /// # Errors
    /// As for [`Outcome::applied`].
    pub fn applied(
        &self,
        outcome: Outcome,
        key: &Key,
        condition: &Condition,
        operation: &'static str,
    ) -> Result<ObjectMeta> {
        self.relative(outcome.applied(key, condition).map_err(|error| self.explain(error, operation))?)
    }

    /// Whether the answer to a copy or rename leaves open if the source exists, so that it has to be looked up.
    pub fn asks_for_source(&self, answer: &Result<Outcome>) -> bool {
        match answer {
            Ok(outcome) => *outcome == Outcome::Rejected,
            Err(error) => matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Invalid),
        }
    }

    /// What is to do about a copy or rename of an object to itself: nothing, if it is there in the wanted state.
    ///
    /// # Errors
    /// `ConditionFailed` if it is in another.
    pub fn same(&self, meta: ObjectMeta, condition: &Condition) -> Result<ObjectMeta> {
        match condition {
            Condition::IfMatch(version) => meta.expect_version(Some(version)).map(|()| meta),
            Condition::None | Condition::IfAbsent => Ok(meta),
        }
    }

    /// An answer about a write token, with keys as callers know them.
    ///
    /// # Errors
    /// As for [`relative`](Self::relative).
    pub fn settled(&self, settled: Settled) -> Result<Settled> {
        Ok(match settled {
            Settled::Applied(meta) => Settled::Applied(self.relative(meta)?),
            Settled::Other(meta) => Settled::Other(self.relative(meta)?),
            Settled::Absent => Settled::Absent,
        })
    }

    /// A page of a listing: a folder that is absent at the first page is empty, later it is an error.
    ///
    /// # Errors
    /// Those of the backend; `NotFound` if the folder vanished.
    pub fn listed(&self, page: Result<ListPage>, folder: &Prefix, first: bool) -> Result<ListPage> {
        match page {
            Err(error) if error.is_not_found() && first => Ok(ListPage::default()),
            Err(error) if error.is_not_found() => {
                Err(self.explain(Fault::Vanished.about(folder).caused_by(error), "list"))
            }
            Err(error) => Err(self.explain(error, "list")),
            Ok(page) => Ok(page),
        }
    }
}

//! Which log is a world's. What it holds nobody else knows of: whoever went on with another would give the same sequence
//! numbers again, and what waits in the first would be taken for committed once somebody opens it.

use serde::{Deserialize, Serialize};
use worldstore_core::{Error, ErrorKind, Result};

use super::{IfOpen, document};
use crate::storage::Storage;

const KEY: &str = "log.json";

/// The log of a world, as its document names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OwnLog {
    /// What it is known by.
    pub id: String,
    /// Where it is, for people.
    pub place: String,
}

impl OwnLog {
    /// Looks whether a world may be opened with this log; none is for a world that keeps none.
    ///
    /// # Errors
    /// `ConditionFailed` if it has another, unless the world shall be taken over: then what that one holds is given up.
    pub async fn check(own: Option<Self>, storage: &Storage, if_open: IfOpen) -> Result<Note> {
        let before = match document::read::<Self>(&storage.backend, KEY).await {
            Err(error) if error.is_not_found() => None,
            found => Some(found?),
        };
        match (before, own) {
            (None, None) => Ok(Note::Stays),
            (None, Some(own)) => Ok(Note::First(own)),
            (Some(before), Some(own)) if before.id == own.id => Ok(Note::Stays),
            (Some(_), Some(own)) if if_open == IfOpen::TakeOver => Ok(Note::Other(own)),
            (Some(_), None) if if_open == IfOpen::TakeOver => Ok(Note::None),
            (Some(before), own) => {
                let message = "the world has another log, which may hold rows that were acknowledged: open it with that one, \
                    or take it over if that one is gone";
                let error = Error::new(ErrorKind::ConditionFailed, message).with("log", before.place);
                Err(error.with("given", own.map_or_else(|| "none".to_owned(), |own| own.place)))
            }
        }
    }
}

/// What is to be noted of the log, once the world is open and whoever had it before can write no more: where opening fails,
/// it still has the log of before, and may have taken back what was not published.
#[derive(Debug)]
pub(super) enum Note {
    /// What is noted is right.
    Stays,
    /// The world has its first log.
    First(OwnLog),
    /// It has another one from now on.
    Other(OwnLog),
    /// It has none any more.
    None,
}

impl Note {
    /// True if the world goes on with what it had, be it no log.
    pub fn is_same(&self) -> bool {
        matches!(self, Self::Stays)
    }

    pub async fn take(self, storage: &Storage) -> Result<()> {
        let backend = &storage.backend;
        match self {
            Self::Stays => Ok(()),
            Self::First(own) => document::create(backend, KEY, &own).await,
            Self::Other(own) => document::replace(backend, KEY, &own).await,
            Self::None => document::remove(backend, KEY).await,
        }
    }
}

#[cfg(test)]
mod tests;

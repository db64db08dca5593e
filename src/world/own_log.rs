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
    /// Notes that the world has this log from now on; none is for a world that keeps none.
    ///
    /// # Errors
    /// `ConditionFailed` if it has another, unless the world shall be taken over: then what that one holds is given up.
    pub async fn claim(own: Option<&Self>, storage: &Storage, if_open: IfOpen) -> Result<()> {
        let backend = &storage.backend;
        let before = match document::read::<Self>(backend, KEY).await {
            Err(error) if error.is_not_found() => None,
            found => Some(found?),
        };
        match (before, own) {
            (None, None) => Ok(()),
            (None, Some(own)) => document::create(backend, KEY, own).await,
            (Some(before), Some(own)) if before.id == own.id => Ok(()),
            (Some(_), Some(own)) if if_open == IfOpen::TakeOver => document::replace(backend, KEY, own).await,
            (Some(_), None) if if_open == IfOpen::TakeOver => document::remove(backend, KEY).await,
            (Some(before), own) => {
                let message = "the world has another log, which may hold rows that were acknowledged: open it with that one, \
                    or take it over if that one is gone";
                let error = Error::new(ErrorKind::ConditionFailed, message).with("log", before.place);
                Err(error.with("given", own.map_or("none", |own| &own.place)))
            }
        }
    }
}

#[cfg(test)]
mod tests;

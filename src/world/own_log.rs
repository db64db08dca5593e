//! Which log is a world's. What it holds nobody else knows of: whoever went on with another would give the same sequence
//! numbers again, and what waits in the first would be taken for committed once somebody opens it.
//!
//! A log that was given up stays given up: some tables have what was committed of it and others would get the rest, so that
//! a tick would come back in half. So a take-over that takes rows back says so first: where it ends early, the log of before is
//! given up, and whoever opens the world repeats it.

use serde::{Deserialize, Serialize};
use worldstore_core::{Error, ErrorKind, Result};

use super::{IfOpen, document};
use crate::storage::Storage;

const KEY: &str = "log.json";

/// Logs that were given up, as many as are remembered. Each was by hand, so there are few; the bound keeps the document small
/// for whoever does it every night. Of one that is forgotten, what was published meanwhile stays away all the same.
const GIVEN_UP_MAX: usize = 64;

const OTHER: &str = "the world has another log, which may hold rows that were acknowledged: open it with that one, \
    or take it over if that one is gone";
const GIVEN_UP: &str = "the world has given this log up: open it without one or with a new one, or take it over to go on \
    with this one, without what it holds";
const BEGUN: &str = "the world is being given another log, which has not come to its end: open it with that one, or take it \
    over again";

/// The log of a world.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OwnLog {
    /// What it is known by.
    pub id: String,
    /// Where it is, for people.
    pub place: String,
}

/// The document of a world's logs. Where none was given up it names the log, and nothing else.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Logs {
    /// What the log is known by; none since it was given up for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// Where it is, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    /// Appends up to this one it had when the world came to it, and they are not the world's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ignored_through: Option<u64>,
    /// What the logs that were given up are known by, the last ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    given_up: Vec<String>,
    /// Stands while rows are taken back, and after that has ended early. There is no log of the world then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    take_over: Option<TakeOver>,
}

/// A take-over that has begun.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TakeOver {
    /// The log that the world is to have; none if it is to keep none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    log: Option<OwnLog>,
}

impl OwnLog {
    /// Looks whether a world may be opened with this log; none is for a world that keeps none.
    ///
    /// # Errors
    /// `ConditionFailed` if it has another, or is to have another, or has given this one up, unless the world shall be taken
    /// over: then what the other one holds is given up, and what this one held when it was given up stays away.
    pub async fn check(own: Option<Self>, storage: &Storage, if_open: IfOpen) -> Result<Note> {
        let before = match document::read::<Logs>(&storage.backend, KEY).await {
            Err(error) if error.is_not_found() => None,
            found => Some(found?),
        };
        let note = Note { before, own };
        match note.refusal() {
            Some((message, place)) if if_open != IfOpen::TakeOver => {
                let given = note.own.as_ref().map_or("none", |own| own.place.as_str());
                Err(Error::new(ErrorKind::ConditionFailed, message).with("log", place).with("given", given))
            }
            _ => Ok(note),
        }
    }
}

/// What is noted of the logs, and the one that the world is opened with. That is noted once the world is open and whoever
/// had it before can write no more: where opening fails before it takes rows back, the world still has the log of before.
#[derive(Debug, Default)]
pub(super) struct Note {
    before: Option<Logs>,
    own: Option<OwnLog>,
}

impl Note {
    /// True if the world goes on with what it had, be it no log.
    pub fn is_same(&self) -> bool {
        let before = self.before.as_ref();
        self.begun().is_none() && before.and_then(|before| before.id.as_deref()) == self.id()
    }

    /// Appends up to this one that the log has are not the world's, of which so much is published.
    pub fn ignored_through(&self, published: u64) -> u64 {
        match &self.before {
            Some(before) if self.is_same() => before.ignored_through.unwrap_or(0),
            Some(before) if before.has_given_up(self.id()) => u64::MAX,
            _ => published,
        }
    }

    /// Notes that the log of before is given up, and in favour of which one: before any rows are taken back that it has a
    /// record of.
    pub async fn begin(&self, storage: &Storage) -> Result<()> {
        let gives_up = |before: &Logs| before.id.is_some() || before.take_over.is_some();
        if self.is_same() || !self.before.as_ref().is_some_and(gives_up) {
            return Ok(());
        }
        let take_over = Some(TakeOver { log: self.own.clone() });
        let logs = Logs { given_up: self.given_up(), take_over, ..Logs::default() };
        document::replace(&storage.backend, KEY, &logs).await
    }

    /// Notes the log that the world has from now on, and up to where its appends are ignored.
    pub async fn take(self, storage: &Storage, ignored_through: u64) -> Result<()> {
        if self.is_same() {
            return Ok(());
        }
        let mut given_up = self.given_up();
        given_up.retain(|id| Some(id.as_str()) != self.id());
        let (id, place) = self.own.map(|own| (own.id, own.place)).unzip();
        let ignored_through = Some(ignored_through).filter(|through| *through > 0 && id.is_some());
        let logs = Logs { id, place, ignored_through, given_up, take_over: None };
        match self.before {
            None => document::create(&storage.backend, KEY, &logs).await,
            Some(_) => document::replace(&storage.backend, KEY, &logs).await,
        }
    }

    fn id(&self) -> Option<&str> {
        self.own.as_ref().map(|own| own.id.as_str())
    }

    /// The take-over that has ended early.
    fn begun(&self) -> Option<&TakeOver> {
        self.before.as_ref().and_then(|before| before.take_over.as_ref())
    }

    /// Why the world is not opened with that log, unless it is taken over; and where its own is.
    fn refusal(&self) -> Option<(&'static str, &str)> {
        if let Some(begun) = self.begun() {
            let place = begun.log.as_ref().map_or("none", |log| log.place.as_str());
            return (begun.id() != self.id()).then_some((BEGUN, place));
        }
        let before = self.before.as_ref().filter(|_| !self.is_same())?;
        match before.id {
            Some(_) => Some((OTHER, before.place.as_deref().unwrap_or("unknown"))),
            None => before.has_given_up(self.id()).then_some((GIVEN_UP, "none")),
        }
    }

    /// The logs that are given up with this one.
    fn given_up(&self) -> Vec<String> {
        let Some(before) = &self.before else { return Vec::new() };
        // What the log of a take-over held went to tables perhaps, and is taken back by another one.
        let begun = self.begun().and_then(TakeOver::id).filter(|id| Some(*id) != self.id());
        let last: Vec<&str> = before.id.as_deref().into_iter().chain(begun).collect();
        let mut given_up = before.given_up.clone();
        given_up.retain(|id| !last.contains(&id.as_str()));
        given_up.extend(last.into_iter().map(str::to_owned));
        given_up.drain(..given_up.len().saturating_sub(GIVEN_UP_MAX));
        given_up
    }
}

impl Logs {
    fn has_given_up(&self, id: Option<&str>) -> bool {
        id.is_some_and(|id| self.given_up.iter().any(|given_up| given_up == id))
    }
}

impl TakeOver {
    fn id(&self) -> Option<&str> {
        self.log.as_ref().map(|log| log.id.as_str())
    }
}

#[cfg(test)]
mod tests;

//! What a case is made of: steps, the answers allowed to them, and what the backend must declare for it.

use std::fmt;
use std::ops::Range;

use super::answer::Answer;
use super::body::Body;
use crate::capability::Capability;
use crate::kernel::Ability;
use crate::ops::ReadRange;

/// One call of a backend or of a writer. Keys and folders are below the folder of the case.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Step {
    /// [`write`](crate::Backend::write).
    Write {
        /// The object.
        key: String,
        /// Its content.
        body: Body,
        /// The condition.
        when: When,
        /// The name of the write, if it gets one.
        token: Option<&'static str>,
    },
    /// [`stat`](crate::Backend::stat).
    Stat {
        /// The object.
        key: String,
    },
    /// [`read`](crate::Backend::read), to the end of the body.
    Read {
        /// The object.
        key: String,
        /// The part; everything if there is none.
        range: Option<ReadRange>,
        /// Pinned to the version that this step (from 0) showed.
        pinned: Option<usize>,
    },
    /// [`read_ranges`](crate::Backend::read_ranges).
    ReadRanges {
        /// The object.
        key: String,
        /// The parts.
        ranges: Vec<Range<u64>>,
        /// Pinned to the version that this step (from 0) showed.
        pinned: Option<usize>,
    },
    /// [`open_writer`](crate::Backend::open_writer).
    Open {
        /// A name for the writer, for the steps that follow.
        writer: &'static str,
        /// The object.
        key: String,
        /// The condition.
        when: When,
        /// The name of the write, if it gets one.
        token: Option<&'static str>,
    },
    /// [`settle`](crate::Backend::settle).
    Settle {
        /// The object.
        key: String,
        /// The name of the write.
        token: &'static str,
    },
    /// [`Writer::write`](crate::Writer::write).
    Append {
        /// The writer.
        writer: &'static str,
        /// The chunk.
        body: Body,
    },
    /// [`Writer::commit`](crate::Writer::commit).
    Commit {
        /// The writer.
        writer: &'static str,
    },
    /// [`Writer::abort`](crate::Writer::abort).
    Abort {
        /// The writer.
        writer: &'static str,
    },
    /// Drops a writer.
    Drop {
        /// The writer.
        writer: &'static str,
    },
    /// [`delete`](crate::Backend::delete).
    Delete {
        /// The objects.
        keys: Vec<String>,
        /// The condition, for each of them.
        when: When,
    },
    /// [`list`](crate::Backend::list), page after page to the end.
    List {
        /// The folder; empty for that of the case.
        folder: &'static str,
        /// One level only.
        one_level: bool,
        /// Only keys after this one.
        after: Option<&'static str>,
        /// At most so many entries in a page.
        limit: Option<usize>,
    },
    /// [`copy`](crate::Backend::copy).
    Copy {
        /// The source.
        from: String,
        /// The target.
        to: String,
        /// The condition at the target.
        when: When,
    },
    /// [`rename`](crate::Backend::rename).
    Rename {
        /// The source.
        from: String,
        /// The target.
        to: String,
        /// The condition at the target.
        when: When,
    },
}

/// A condition as steps can name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum When {
    /// Unconditionally.
    Always,
    /// If the key holds no object.
    IfAbsent,
    /// If the key holds the version that this step (from 0) showed.
    IfMatch(usize),
}

/// A step and the answers that the contract allows to it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Planned {
    /// The step.
    pub step: Step,
    /// The answers; nearly always one.
    pub allowed: Vec<Answer>,
}

/// A list of steps in a folder of its own.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Case {
    /// Lower-case letters, digits and `_`: also the name of the folder.
    pub name: String,
    /// What the backend must declare for it.
    pub needs: Vec<Ability>,
    /// The steps, in order.
    pub steps: Vec<Planned>,
}

impl Case {
    /// A case without steps.
    pub fn new(name: impl Into<String>, needs: &[Ability]) -> Self {
        Self { name: name.into(), needs: needs.to_vec(), steps: Vec::new() }
    }

    /// Adds a step with the one answer that it must get.
    #[must_use]
    pub fn step(self, step: Step, answer: Answer) -> Self {
        self.step_any(step, [answer])
    }

    /// Adds a step with several answers that are all right.
    #[must_use]
    pub fn step_any(mut self, step: Step, allowed: impl Into<Vec<Answer>>) -> Self {
        self.steps.push(Planned { step, allowed: allowed.into() });
        self
    }

    /// The most fundamental need that the capability does not meet.
    pub fn unmet(&self, capability: &Capability) -> Option<Ability> {
        Ability::ALL.into_iter().find(|need| self.needs.contains(need) && !capability.has(*need))
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Always => Ok(()),
            Self::IfAbsent => f.write_str(" if absent"),
            Self::IfMatch(step) => write!(f, " if match step {}", step + 1),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = |token: &Option<&str>| token.map(|token| format!(" named {token}")).unwrap_or_default();
        let pin = |pinned: &Option<usize>| pinned.map(|step| format!(" pinned to step {}", step + 1));
        match self {
            Self::Write { key, body, when, token } => {
                write!(f, "write {key} {}{when}{}", body.digest(), named(token))
            }
            Self::Settle { key, token } => write!(f, "settle {key} named {token}"),
            Self::Stat { key } => write!(f, "stat {key}"),
            Self::Read { key, range, pinned } => {
                write!(f, "read {key}")?;
                if let Some(range) = range {
                    write!(f, " {range:?}")?;
                }
                f.write_str(&pin(pinned).unwrap_or_default())
            }
            Self::ReadRanges { key, ranges, pinned } => {
                write!(f, "read ranges {key} {ranges:?}{}", pin(pinned).unwrap_or_default())
            }
            Self::Open { writer, key, when, token } => {
                write!(f, "open writer {writer} {key}{when}{}", named(token))
            }
            Self::Append { writer, body } => write!(f, "append to {writer} {}", body.digest()),
            Self::Commit { writer } => write!(f, "commit {writer}"),
            Self::Abort { writer } => write!(f, "abort {writer}"),
            Self::Drop { writer } => write!(f, "drop {writer}"),
            Self::Delete { keys, when } => write!(f, "delete {keys:?}{when}"),
            Self::List { folder, one_level, after, limit } => {
                write!(f, "list {folder:?}")?;
                if *one_level {
                    f.write_str(" one level")?;
                }
                if let Some(after) = after {
                    write!(f, " after {after}")?;
                }
                limit.map_or(Ok(()), |limit| write!(f, " by {limit}"))
            }
            Self::Copy { from, to, when } => write!(f, "copy {from} to {to}{when}"),
            Self::Rename { from, to, when } => write!(f, "rename {from} to {to}{when}"),
        }
    }
}

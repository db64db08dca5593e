//! The operations of a backend by name: for counts, odds and spans.

use std::fmt;

/// An operation of a backend, a writer or a signer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is the method of its name")]
pub enum Operation {
    Stat,
    Read,
    ReadRanges,
    Write,
    OpenWriter,
    Append,
    Commit,
    Abort,
    Settle,
    Delete,
    List,
    Copy,
    Rename,
    Check,
    Sign,
}

/// Operations that fail alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// `stat`, `read`, `read_ranges`, `settle`, `check`, `sign`.
    Read,
    /// `list`.
    List,
    /// `write` and `open_writer`.
    Write,
    /// The appends of a writer, and its abort.
    Append,
    /// The commit of a writer.
    Commit,
    /// `delete`.
    Delete,
    /// `copy` and `rename`.
    Move,
}

impl Operation {
    /// Every operation; its place here is `operation as usize`.
    pub const ALL: [Self; 15] = [
        Self::Stat,
        Self::Read,
        Self::ReadRanges,
        Self::Write,
        Self::OpenWriter,
        Self::Append,
        Self::Commit,
        Self::Abort,
        Self::Settle,
        Self::Delete,
        Self::List,
        Self::Copy,
        Self::Rename,
        Self::Check,
        Self::Sign,
    ];

    /// Its name, which is that of the method, save for those of a writer: `append`, `commit`, `abort`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stat => "stat",
            Self::Read => "read",
            Self::ReadRanges => "read_ranges",
            Self::Write => "write",
            Self::OpenWriter => "open_writer",
            Self::Append => "append",
            Self::Commit => "commit",
            Self::Abort => "abort",
            Self::Settle => "settle",
            Self::Delete => "delete",
            Self::List => "list",
            Self::Copy => "copy",
            Self::Rename => "rename",
            Self::Check => "check",
            Self::Sign => "sign",
        }
    }

    /// Its class.
    pub fn class(self) -> Class {
        match self {
            Self::Stat | Self::Read | Self::ReadRanges | Self::Settle | Self::Check | Self::Sign => Class::Read,
            Self::List => Class::List,
            Self::Write | Self::OpenWriter => Class::Write,
            Self::Append | Self::Abort => Class::Append,
            Self::Commit => Class::Commit,
            Self::Delete => Class::Delete,
            Self::Copy | Self::Rename => Class::Move,
        }
    }
}

impl Class {
    /// Every class; its place here is `class as usize`.
    pub const ALL: [Self; 7] =
        [Self::Read, Self::List, Self::Write, Self::Append, Self::Commit, Self::Delete, Self::Move];
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

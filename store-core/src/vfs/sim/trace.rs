//! The last calls that changed something, for whoever has to understand a failure.

use std::collections::VecDeque;
use std::fmt::{Display, Formatter};

use super::choice::Fate;
use super::fault::Operation;
use super::node::Name;

const KEPT: usize = 24;

/// One call.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub operation: Operation,
    pub name: Name,
    /// Position and length, where there are any.
    pub range: Option<(u64, u64)>,
}

impl Display for Call {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:?} {}", self.operation, self.name)?;
        match self.range {
            Some((position, length)) => write!(formatter, " {position}+{length}"),
            None => Ok(()),
        }
    }
}

/// The last calls, and a number that stands for all of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Trace {
    last: VecDeque<Call>,
    print: Print,
}

impl Trace {
    pub fn note(&mut self, call: Call) {
        self.print.number(call.operation as u64);
        self.print.bytes(call.name.as_bytes());
        let (position, length) = call.range.unwrap_or_default();
        self.print.number(position);
        self.print.number(length);
        if self.last.len() == KEPT {
            self.last.pop_front();
        }
        self.last.push_back(call);
    }

    /// The same for the same calls in the same order.
    pub fn print(&self) -> u64 {
        self.print.0
    }

    pub fn last(&self) -> impl Iterator<Item = &Call> {
        self.last.iter()
    }
}

/// A running fingerprint: FNV-1a over words.
#[derive(Debug, Clone, Copy)]
pub(super) struct Print(pub u64);

impl Default for Print {
    fn default() -> Self {
        Self(0xCBF2_9CE4_8422_2325)
    }
}

impl Print {
    pub fn number(&mut self, number: u64) {
        self.0 = (self.0 ^ number).wrapping_mul(0x0000_0100_0000_01B3).rotate_left(23);
    }

    pub fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        for byte in bytes {
            self.number(u64::from(*byte));
        }
    }

    pub fn fate(&mut self, fate: Fate) {
        let (kind, first, second) = match fate {
            Fate::Dropped => (0, 0, 0),
            Fate::Whole => (1, 0, 0),
            Fate::Prefix(length) => (2, length, 0),
            Fate::Sectors(seed, grown) => (3, seed, u64::from(grown)),
            Fate::Grown => (4, 0, 0),
        };
        self.number(kind);
        self.number(first);
        self.number(second);
    }
}

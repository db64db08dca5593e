//! A hybrid logical clock: stamps that only grow, follow what was heard from others, and stay near the wall clock.
//!
//! A stamp is 16 bytes that sort as the stamps do: 48 bits of milliseconds since 1970, 16 bits of a counter for what
//! happens within one, and the number of the node. The wall clock is an argument: the clock reads none by itself.
//!
//! ```
//! use worldstore_graph::clock::{Clock, Stamp};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (mut here, mut there) = (Clock::new(1), Clock::new(2));
//! let sent = here.stamp(5_000)?;
//! // The other's wall clock is behind: its next stamp comes after what it has heard all the same.
//! let received = there.observe(sent, 4_990)?;
//! assert!(received > sent);
//! assert_eq!(Stamp::from_bytes(received.to_bytes()), received);
//! # Ok(()) }
//! ```
//!
//! See Kulkarni, Demirbas, Madappa, Avva and Leone, *Logical Physical Clocks* (OPODIS 2014).

use std::fmt;
use std::time::Duration;

use worldstore_core::{Error, ErrorKind, Result};

/// The greatest time of a stamp: 48 bits of milliseconds, in the year 10889.
pub const MILLIS_MAX: u64 = (1 << 48) - 1;

/// A moment of a hybrid logical clock. Stamps are ordered by time, then by counter, then by node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp {
    millis: u64,
    counter: u16,
    node: u64,
}

impl Stamp {
    /// Milliseconds since 1970.
    pub fn millis(self) -> u64 {
        self.millis
    }

    /// Which one it is of those with the same time, from 0.
    pub fn counter(self) -> u16 {
        self.counter
    }

    /// The node that made it.
    pub fn node(self) -> u64 {
        self.node
    }

    /// As bytes that sort as the stamps do.
    pub fn to_bytes(self) -> [u8; 16] {
        let time = (self.millis << 16 | u64::from(self.counter)).to_be_bytes();
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&time);
        bytes[8..].copy_from_slice(&self.node.to_be_bytes());
        bytes
    }

    /// The stamp of these bytes; any bytes are one.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        let all = u128::from_be_bytes(bytes);
        let time = (all >> 64) as u64;
        Self { millis: time >> 16, counter: time as u16, node: all as u64 }
    }
}

/// Time, counter and node: `1700000000000.3@7`.
impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}@{}", self.millis, self.counter, self.node)
    }
}

/// Makes the stamps of one node. To go on after a restart, store the last stamp that was given out (or heard) and open the
/// clock [above it](Self::above).
#[derive(Debug, Clone)]
pub struct Clock {
    node: u64,
    millis: u64,
    counter: u16,
    is_fresh: bool,
    drift_max: Duration,
}

impl Clock {
    /// A clock that has given out nothing. Two nodes must not have the same number.
    pub fn new(node: u64) -> Self {
        Self { node, millis: 0, counter: 0, is_fresh: true, drift_max: Duration::from_millis(500) }
    }

    /// A clock all of whose stamps come after this one.
    pub fn above(node: u64, last: Stamp) -> Self {
        Self { millis: last.millis, counter: last.counter, is_fresh: false, ..Self::new(node) }
    }

    /// Sets how far a stamp of another node may be ahead of the wall clock; 500 ms by default.
    #[must_use]
    pub fn with_drift_max(mut self, drift: Duration) -> Self {
        self.drift_max = drift;
        self
    }

    /// The last stamp that was given out; none if there was none.
    pub fn last(&self) -> Option<Stamp> {
        (!self.is_fresh).then_some(Stamp { millis: self.millis, counter: self.counter, node: self.node })
    }

    /// A stamp for something that happens here at this time of the wall clock, in milliseconds since 1970. It comes after
    /// all that were given out or heard before, even if the wall clock was set back.
    ///
    /// # Errors
    /// `Invalid`: the time is beyond [`MILLIS_MAX`]. The clock is as before.
    pub fn stamp(&mut self, wall_millis: u64) -> Result<Stamp> {
        let (millis, counter) = match self.is_fresh || wall_millis > self.millis {
            true => (wall_millis, 0),
            false => next(self.millis, self.counter),
        };
        self.advance(millis, counter)
    }

    /// A stamp for the arrival of another node's stamp at this time of the wall clock. It comes after that and after all
    /// that were given out or heard before.
    ///
    /// # Errors
    /// `Invalid`: the other's clock is further ahead of this wall clock than allowed. The clock is as before.
    pub fn observe(&mut self, other: Stamp, wall_millis: u64) -> Result<Stamp> {
        let drift_max = u64::try_from(self.drift_max.as_millis()).unwrap_or(u64::MAX);
        let ahead = other.millis.saturating_sub(wall_millis);
        if ahead > drift_max {
            return Err(Error::invalid("the clock of another node is too far ahead")
                .with("node", other.node)
                .with("ahead_ms", ahead)
                .with("allowed_ms", drift_max));
        }
        let own = (!self.is_fresh).then_some((self.millis, self.counter));
        let latest = own.map_or((other.millis, other.counter), |own| own.max((other.millis, other.counter)));
        let (millis, counter) = match wall_millis > latest.0 {
            true => (wall_millis, 0),
            false => next(latest.0, latest.1),
        };
        self.advance(millis, counter)
    }

    fn advance(&mut self, millis: u64, counter: u16) -> Result<Stamp> {
        if millis > MILLIS_MAX {
            return Err(Error::new(ErrorKind::Invalid, "the time is beyond the end of the clock").with("ms", millis));
        }
        (self.millis, self.counter, self.is_fresh) = (millis, counter, false);
        Ok(Stamp { millis, counter, node: self.node })
    }
}

/// What comes next within a millisecond; in the next one if it is full.
fn next(millis: u64, counter: u16) -> (u64, u16) {
    match counter.checked_add(1) {
        Some(counter) => (millis, counter),
        None => (millis + 1, 0),
    }
}

#[cfg(test)]
mod tests;

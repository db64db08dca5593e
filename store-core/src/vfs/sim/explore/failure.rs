//! What a check found wrong, and how to see it again.

use std::fmt::{Debug, Display, Formatter};

/// Where in an exploration something was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub seed: u64,
    /// The crash point, or the number of the call that failed.
    pub operation: u64,
    pub image: u64,
    /// Crash point and image of a crash during the check.
    pub second: Option<(u64, u64)>,
    /// The index of a fault among the ways to fail; without one the work was crashed.
    pub fault: Option<usize>,
}

impl Place {
    pub fn parse(text: &str) -> Option<Self> {
        let (fault, numbers) = match text.strip_prefix("fault-").and_then(|rest| rest.split_once(':')) {
            Some((fault, numbers)) => (Some(fault.parse().ok()?), numbers),
            None => (None, text),
        };
        let numbers: Option<Vec<u64>> = numbers.split(':').map(|number| number.parse().ok()).collect();
        let (seed, operation, image, second) = match numbers?[..] {
            [seed, operation, image] => (seed, operation, image, None),
            [seed, operation, image, next, last] => (seed, operation, image, Some((next, last))),
            _ => return None,
        };
        Some(Self { seed, operation, image, second, fault })
    }
}

impl Display for Place {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        if let Some(fault) = self.fault {
            write!(formatter, "fault-{fault}:")?;
        }
        write!(formatter, "{}:{}:{}", self.seed, self.operation, self.image)?;
        match self.second {
            Some((operation, image)) => write!(formatter, ":{operation}:{image}"),
            None => Ok(()),
        }
    }
}

/// A check that failed. It prints what was found, the calls before the crash, and the command that shows it again.
#[derive(Clone)]
pub struct CrashFailure {
    pub(super) suite: String,
    pub(super) place: Box<Place>,
    pub(super) message: String,
    pub(super) trace: Vec<String>,
    pub(super) order_varies: bool,
    /// Images that were taken before.
    pub(super) images: u64,
}

impl CrashFailure {
    /// What the check found.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Images that were checked before this one.
    pub fn images(&self) -> u64 {
        self.images
    }

    /// What `WORLDSTORE_CRASH_REPLAY` takes: seed, call and image; call and image of a crash during the check.
    pub fn replay(&self) -> String {
        self.place.to_string()
    }
}

impl Display for CrashFailure {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        let Self { suite, place, message, .. } = self;
        writeln!(formatter, "{suite}: {message}")?;
        match place.fault {
            Some(_) => writeln!(formatter, "  call {} failed, image {}", place.operation, place.image)?,
            None => writeln!(formatter, "  crash before call {}, image {}", place.operation, place.image)?,
        }
        if let Some((operation, image)) = place.second {
            writeln!(formatter, "  the check was crashed before its call {operation}, image {image}")?;
        }
        for call in &self.trace {
            writeln!(formatter, "  | {call}")?;
        }
        if self.order_varies {
            writeln!(formatter, "  the order of calls differs between runs: a replay may need luck, and tries often")?;
        }
        let package = std::env::var("CARGO_PKG_NAME").unwrap_or_else(|_| "worldstore-core".to_owned());
        write!(formatter, "  replay: WORLDSTORE_CRASH_REPLAY={place} cargo nextest run -p {package} {suite}")
    }
}

impl Debug for CrashFailure {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        Display::fmt(self, formatter)
    }
}

impl std::error::Error for CrashFailure {}

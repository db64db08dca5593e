//! Options of signed links.

use std::time::Duration;

/// Options of [`sign`](crate::backend::Presign::sign).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PresignOptions {
    /// What the link allows.
    pub access: Access,
    /// How long it is valid. An hour by default.
    pub valid_for: Duration,
}

/// What a signed link allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// To read the object.
    Read,
    /// To write the object.
    Write,
}

impl PresignOptions {
    /// A link that is valid for an hour.
    pub fn new(access: Access) -> Self {
        Self { access, valid_for: Duration::from_secs(3600) }
    }

    /// Sets how long it is valid.
    #[must_use]
    pub fn valid_for(mut self, time: Duration) -> Self {
        self.valid_for = time;
        self
    }
}

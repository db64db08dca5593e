//! Which states of a stored catalog are kept, and when the others go.
//!
//! Every statement that declares, drops, creates or changes something is a manifest, so old ones are removed by whoever
//! publishes: after each 64th manifest, behind the statement, and what cannot be removed then is left to the next. What only
//! they had goes with them, in a collection that spares what was put lately.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use worldstore_core::Result;
use worldstore_core::manifest::{CollectOptions, Collected, ExpireOptions, Expired, Manifests, Stored};

use crate::graph::Graph;

/// A catalog expires by itself behind each manifest whose number this divides.
const EVERY: u64 = 64;

/// What was removed of a stored catalog, or would be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExpiredCatalog {
    /// Its states.
    pub states: Expired,
    /// What nothing refers to any more. What is removed of the states goes in the second call after that, at the latest.
    pub contents: Collected,
}

/// What a catalog keeps when it expires by itself, if it does.
#[derive(Debug, Clone)]
pub(crate) struct Expiry {
    pub options: Option<ExpireOptions>,
    is_due: Arc<AtomicBool>,
}

impl Default for Expiry {
    fn default() -> Self {
        Self::new(Some(Graph::kept_states()))
    }
}

impl Expiry {
    pub fn new(options: Option<ExpireOptions>) -> Self {
        Self { options, is_due: Arc::default() }
    }

    /// Notes that a manifest was published here.
    pub fn note(&self, published: &Stored) {
        if published.number.is_multiple_of(EVERY) {
            self.is_due.store(true, Ordering::Relaxed);
        }
    }

    /// The options, if it is time to expire. It is said once.
    pub fn take_due(&self) -> Option<&ExpireOptions> {
        self.options.as_ref().filter(|_| self.is_due.swap(false, Ordering::Relaxed))
    }
}

/// Removes states, and contents to which nothing refers.
///
/// # Errors
/// Those of [`Manifests::expire`] and [`Manifests::collect`].
pub(super) fn expire(manifests: &Manifests, options: &ExpireOptions) -> Result<ExpiredCatalog> {
    let states = manifests.expire(options)?;
    let mut collect = CollectOptions::default();
    collect.mode = options.mode;
    Ok(ExpiredCatalog { states, contents: manifests.collect(&collect)? })
}

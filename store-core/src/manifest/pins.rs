//! Pins: tags that stay until they are released, and leases that end.

use std::sync::Arc;
use std::time::Duration;

use super::Manifests;
use super::change::Edit;
use super::expire::millis;
use super::format::Stored;
use super::model::Pin;
use super::place::Role;
use super::rules::check_name;
use crate::error::{Error, ErrorKind, Result};

/// A lease on a manifest. It is only the name of a pin: dropping it releases nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The name of the pin.
    pub name: String,
    /// The manifest that is kept.
    pub number: u64,
    /// When it ends, in milliseconds since 1970.
    pub expires_ms: u64,
}

impl Manifests {
    /// Keeps a manifest under a name until it is [released](Self::release). Tagging the same manifest under the same name
    /// again is the same as doing it once.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use worldstore_core::manifest::{ManifestOptions, Manifests};
    /// # use worldstore_core::{Memory, Prefix};
    /// # fn main() -> worldstore_core::Result<()> {
    /// # let manifests = Manifests::create(Arc::new(Memory::new()), Prefix::root(), ManifestOptions::default())?;
    /// manifests.tag("first", 1)?;
    /// assert_eq!(manifests.latest()?.pins["first"].number, 1);
    /// assert!(manifests.release("first")?);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if the manifest is not there or expired, [`AlreadyExists`](ErrorKind::AlreadyExists)
    /// if the name keeps another, [`Invalid`](ErrorKind::Invalid) for a name that breaks the rules, and those of
    /// [`publish`](super::Writer::publish) that are about the chain, save that nobody is fenced.
    pub fn tag(&self, name: &str, number: u64) -> Result<Arc<Stored>> {
        self.pin(name, number, None)
    }

    /// Keeps a manifest under a name for some time from now. Readers in other processes lease what they read, and
    /// [renew](Self::renew) in good time: with long pauses or clocks that differ, by much less than the lease's time.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use std::time::Duration;
    /// # use worldstore_core::manifest::{ManifestOptions, Manifests};
    /// # use worldstore_core::{Memory, Prefix};
    /// # fn main() -> worldstore_core::Result<()> {
    /// # let manifests = Manifests::create(Arc::new(Memory::new()), Prefix::root(), ManifestOptions::default())?;
    /// let latest = manifests.latest()?;
    /// let lease = manifests.lease("reader 7", latest.number, Duration::from_secs(600))?;
    /// let lease = manifests.renew(&lease.name, Duration::from_secs(600))?;
    /// manifests.release(&lease.name)?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As for [`tag`](Self::tag).
    pub fn lease(&self, name: &str, number: u64, time: Duration) -> Result<Lease> {
        let expires_ms = self.ends(time);
        self.pin(name, number, Some(expires_ms))?;
        Ok(Lease { name: name.to_owned(), number, expires_ms })
    }

    /// Lets a lease end later: after some time from now.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is no such lease any more: then what it kept may be removed at any time.
    /// [`Invalid`](ErrorKind::Invalid) if it is a tag. Otherwise as for [`tag`](Self::tag).
    pub fn renew(&self, name: &str, time: Duration) -> Result<Lease> {
        let expires_ms = self.ends(time);
        let mut number = 0;
        self.change(Role::Keeper, |_, next| {
            let pin = next.pins.get_mut(name).ok_or_else(|| Error::not_found("no such lease").with("pin", name))?;
            if pin.expires_ms.is_none() {
                return Err(Error::invalid("a tag has no end").with("pin", name));
            }
            (pin.expires_ms, number) = (Some(expires_ms), pin.number);
            Ok(Edit::Done)
        })?;
        Ok(Lease { name: name.to_owned(), number, expires_ms })
    }

    /// Removes a pin. False if there was none.
    ///
    /// # Errors
    /// Those of [`publish`](super::Writer::publish) that are about the chain, save that nobody is fenced.
    pub fn release(&self, name: &str) -> Result<bool> {
        if !self.latest()?.pins.contains_key(name) {
            return Ok(false);
        }
        self.change(Role::Keeper, |_, next| {
            next.pins.remove(name);
            Ok(Edit::Done)
        })?;
        Ok(true)
    }

    /// Always publishes, also what seems to be there already: another may be about to publish it, durably or not.
    fn pin(&self, name: &str, number: u64, expires_ms: Option<u64>) -> Result<Arc<Stored>> {
        check_name(name)?;
        self.change(Role::Keeper, |base, next| {
            let hash = if number == base.number { base.hash } else { self.at_base(base, number)?.hash };
            let pin = Pin { number, hash, expires_ms };
            match next.pins.insert(name.to_owned(), pin) {
                Some(old) if old.number != number || old.expires_ms.is_some() != expires_ms.is_some() => {
                    let error = Error::new(ErrorKind::AlreadyExists, "the name of the pin is in use");
                    Err(error.with("pin", name).with("number", old.number))
                }
                _ => Ok(Edit::Done),
            }
        })
    }

    /// A manifest that is retained at `base`.
    fn at_base(&self, base: &Stored, number: u64) -> Result<Stored> {
        match base.retains(number) {
            true => self.read_retained(base, number),
            false => Err(Error::not_found("the manifest is expired, or not there yet").with("number", number)),
        }
    }

    fn ends(&self, time: Duration) -> u64 {
        self.now_ms().saturating_add(millis(time))
    }
}

//! What every manifest must obey, whoever wrote it.

use super::model::{Entry, Manifest};
use crate::blocks::total;
use crate::error::{Error, Result};
use crate::key::Key;

/// The longest name of an entry, a pin, a property or a writer in bytes.
pub const NAME_BYTES_MAX: usize = 1024;

/// The greatest number of a manifest, epoch and count of collections: the last that every reader of JSON takes exactly.
const NUMBER_MAX: u64 = (1 << 53) - 1;

/// Checks every rule.
///
/// # Errors
/// [`Invalid`](crate::ErrorKind::Invalid), naming the rule.
pub(super) fn check(manifest: &Manifest) -> Result<()> {
    let Manifest { number, parent, floor, pins, .. } = manifest;
    let broken = |rule: &str| Err(Error::invalid(rule).with("number", number));
    if *number == 0 {
        return broken("manifests are numbered from 1");
    }
    if [*number, manifest.epoch, manifest.collections].iter().any(|count| *count > NUMBER_MAX) {
        return broken("numbers, epochs and collections of manifests are below 2 to the power of 53");
    }
    if parent.is_none() != (*number == 1) {
        return broken("every manifest but the first has a parent");
    }
    if *floor == 0 || floor > number {
        return broken("the floor of a manifest is 1 to its own number");
    }
    if !manifest.writer.is_empty() {
        check_name(&manifest.writer)?;
    }
    if !manifest.entries.is_sorted_by(|one, next| one.name < next.name) {
        return broken("entries of a manifest are sorted, and each name is there once");
    }
    manifest.entries.iter().try_for_each(|entry| check_entry(entry, manifest.collections))?;
    manifest.properties.keys().try_for_each(|name| check_name(name))?;
    pins.keys().try_for_each(|name| check_name(name))?;
    match pins.values().all(|pin| (1..*number).contains(&pin.number)) {
        true => Ok(()),
        false => broken("a manifest pins older ones only"),
    }
}

fn check_entry(entry: &Entry, collections: u64) -> Result<()> {
    check_name(&entry.name)?;
    let about = |error: Error| error.with("entry", &entry.name);
    entry.files.iter().try_for_each(|file| Key::new(&file.key).map(drop).map_err(about))?;
    if total(&entry.blocks).is_none() {
        return Err(about(Error::invalid("blocks of an entry are empty or too long")));
    }
    match entry.blocks.iter().all(|block| block.generation <= collections) {
        true => Ok(()),
        false => Err(about(Error::invalid("a block was put under a collection that has not begun"))),
    }
}

/// Checks a name.
pub(super) fn check_name(name: &str) -> Result<()> {
    match (1..=NAME_BYTES_MAX).contains(&name.len()) && !name.chars().any(char::is_control) {
        true => Ok(()),
        false => {
            let start: String = name.chars().take(40).collect();
            Err(Error::invalid("a name has 1 to 1,024 bytes and no control characters")
                .with("name", format!("{start:?}")))
        }
    }
}

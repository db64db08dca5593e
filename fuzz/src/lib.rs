//! What hostile bytes must not do: one check for each reader of foreign bytes.
//!
//! A check panics if a promise is broken; errors are the right answer to wrong bytes. `cargo xtask fuzz` feeds the checks
//! with libFuzzer, whose corpora are in `corpus/`; the tests of this crate run them over those corpora.

#![allow(clippy::panic, reason = "a broken promise must stop the fuzzer")]

mod archives;
#[cfg(feature = "graph")]
mod binder;
mod cypher;
mod keys;
mod lakes;
mod manifests;
mod wal;

/// A check, by the name of its target and of its corpus.
pub type Target = (&'static str, fn(&[u8]));

/// All checks that are compiled in.
pub const TARGETS: &[Target] = &[
    ("archive", archives::archive),
    #[cfg(feature = "graph")]
    ("binder", binder::binder),
    ("cypher", cypher::cypher),
    ("hive", keys::hive),
    ("lake", lakes::lake),
    ("keys", keys::keys),
    ("manifest", manifests::manifest),
    ("wal", wal::wal),
];

/// Runs the check of a target.
///
/// # Panics
/// If the bytes break a promise, or there is no such target.
pub fn check(target: &str, bytes: &[u8]) {
    match TARGETS.iter().find(|(name, _)| *name == target) {
        Some((_, check)) => check(bytes),
        None => panic!("there is no target {target}"),
    }
}

//! Manifests, and the JSON in them.

use worldstore_core::blocks::Hash;
use worldstore_core::manifest::{decode, encode};

/// What is read as a manifest is written as the very same bytes. The bytes come as they are, and as JSON behind a first
/// line that fits, or no input would ever get past the hash.
pub fn manifest(bytes: &[u8]) {
    check(bytes);
    let header = format!("worldstore manifest 1 blake3={} bytes={}\n", Hash::of(bytes), bytes.len());
    check(&[header.as_bytes(), bytes].concat());
}

fn check(bytes: &[u8]) {
    let Ok(stored) = decode(bytes) else { return };
    match encode(&stored.manifest) {
        Ok((written, hash)) => assert!(written == bytes && hash == stored.hash, "there is one way to write a manifest"),
        Err(error) => panic!("a manifest was read and cannot be written: {error}"),
    }
}

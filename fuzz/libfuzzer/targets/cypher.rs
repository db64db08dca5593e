//! Hostile bytes for the target `cypher`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| worldstore_fuzz::check("cypher", bytes));

//! Hostile bytes for the target `keys`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| worldstore_fuzz::check("keys", bytes));

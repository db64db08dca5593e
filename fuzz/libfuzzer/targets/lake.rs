//! Hostile bytes for the target `lake`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| worldstore_fuzz::check("lake", bytes));

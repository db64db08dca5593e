//! Hostile bytes for the target `archive`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| worldstore_fuzz::check("archive", bytes));

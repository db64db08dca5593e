//! Hostile bytes for the target `wal`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| worldstore_fuzz::check("wal", bytes));

//! Hostile bytes for the target `hive`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| worldstore_fuzz::check("hive", bytes));

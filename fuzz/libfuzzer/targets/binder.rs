//! Hostile bytes for the target `binder`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| worldstore_fuzz::check("binder", bytes));

//! What the engine takes from the standard library to share between threads. Its tests put a scheduler's in their place.

pub(super) use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
pub(super) use std::sync::{Arc, Condvar, Mutex, MutexGuard};
pub(super) use std::thread;

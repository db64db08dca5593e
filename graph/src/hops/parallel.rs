//! Work over ranges of nodes, on all cores. Once it is asked to stop, it leaves the rest undone: what it gives then is of no
//! use.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::stop::Stop;

/// Nodes that are worked on at a time.
const CHUNK: usize = 1_024;
/// Less work than this (edges, about) is not worth a thread.
const WORK_MIN: usize = 100_000;

/// Fills a vector: `fill` is given a range of nodes and their places, and something of its thread's own.
pub(super) fn by_node<Own>(
    nodes: usize,
    work: usize,
    stop: &Stop,
    own: impl Fn() -> Own + Sync,
    fill: impl Fn(Range<usize>, &mut [u64], &mut Own) + Sync,
) -> Vec<u64> {
    let mut filled = vec![0; nodes];
    let chunks: Mutex<Vec<(usize, &mut [u64])>> = Mutex::new(filled.chunks_mut(CHUNK).enumerate().collect());
    let take = || chunks.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let work_off = || {
        let mut own = own();
        while let Some((chunk, places)) = take().filter(|_| !stop.is_asked()) {
            let start = chunk * CHUNK;
            fill(start..start + places.len(), places, &mut own);
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    match work < WORK_MIN || threads == 1 {
        true => work_off(),
        false => std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(work_off);
            }
        }),
    }
    drop(chunks);
    filled
}

/// Works on numbers from 0 on, each thread with something of its own, which are given back.
pub(super) fn each<Own: Send>(
    count: usize,
    stop: &Stop,
    own: impl Fn() -> Own + Sync,
    work: impl Fn(usize, &mut Own) + Sync,
) -> Vec<Own> {
    let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get).min(count.max(1));
    let next = AtomicUsize::new(0);
    let all = Mutex::new(Vec::with_capacity(threads));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut own = own();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count || stop.is_asked() {
                        break;
                    }
                    work(number, &mut own);
                }
                all.lock().unwrap_or_else(PoisonError::into_inner).push(own);
            });
        }
    });
    all.into_inner().unwrap_or_else(PoisonError::into_inner)
}

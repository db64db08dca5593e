//! Processes that are killed, and how much memory one needs.
//!
//! The tests start this binary again, with one test that does its part only if it is told to.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use worldstore_core::conformance::{Kills, victim};
use worldstore_core::{Store, WriteOptions};

use crate::{bytes, config, open};

const FOLDER: &str = "WORLDSTORE_TEST_STREAM_FOLDER";
const LARGE: usize = 96 << 20;

#[test]
fn objects_outlive_processes_that_are_killed_and_their_space_is_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let kills = Kills { victim: "crashes::is_killed", count: 20, step: Duration::from_micros(1_700) };
    kills.survive(folder.path().to_str().unwrap(), |place| open(Path::new(place))).unwrap();
    // The space of what was half written, and of what is replaced, is used again.
    let store = Store::new(open(folder.path()).unwrap());
    for _ in 0..12 {
        store.write_with("half", bytes(3_000_000), &WriteOptions::default()).unwrap();
    }
    drop(store);
    let size = config(folder.path()).path().metadata().unwrap().len();
    assert!(size < 20_000_000, "{size} bytes for 4,000,000, after 36,000,000 were replaced");
}

/// The process that is killed.
#[test]
fn is_killed() {
    victim(|place| open(Path::new(place))).unwrap();
}

#[test]
fn a_large_object_goes_through_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "crashes::streams", "--nocapture"]).env(FOLDER, folder.path());
    let output = command.output().unwrap();
    assert!(output.status.success());
    let told = String::from_utf8(output.stdout).unwrap();
    let kilobytes: usize = told.lines().find_map(|line| line.strip_prefix("peak ")).unwrap().parse().unwrap();
    assert!(kilobytes < LARGE / 1024 / 2, "{kilobytes} kB for an object of {} kB", LARGE / 1024);
}

/// The process whose memory is looked at.
#[test]
fn streams() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let store = Store::new(open(Path::new(&folder)).unwrap());
    let mut writer = store.open_writer("large", &WriteOptions::default()).unwrap();
    let chunk = bytes(1 << 20);
    (0..LARGE >> 20).for_each(|_| writer.write(chunk.clone()).unwrap());
    let _ = writer.commit().unwrap();
    let body = store.read("large", &Default::default()).unwrap().body;
    assert_eq!(body.map(|chunk| chunk.unwrap().len()).sum::<usize>(), LARGE);
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    println!("\npeak {}", peak.trim().trim_end_matches(" kB"));
}

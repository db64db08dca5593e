//! System calls that fail, and kills at system calls, by `strace`: on the real file system, under the real threads.

use std::collections::BTreeMap;
use std::process::Command;

use worldstore_core::vfs::OsVfs;

use super::ledger::Ledger;
use super::worker::Worker;
use super::{number, report};

/// The calls by which files are changed, with the numbers of the first calls that are disturbed in the tests.
const CALLS: [&str; 11] = [
    "pwrite64",
    "pwritev",
    "pwritev2",
    "fdatasync",
    "fsync",
    "renameat",
    "renameat2",
    "unlinkat",
    "ftruncate",
    "fallocate",
    "mkdirat",
];

/// Where strace is: what `cargo xtask test` and `torture` say, or in the path.
fn strace() -> String {
    std::env::var("WORLDSTORE_STRACE").unwrap_or_else(|_| "strace".to_owned())
}

/// A strace that was unpacked and not installed has libraries of its own.
fn with_libraries(command: &mut Command) -> &mut Command {
    match std::env::var_os("WORLDSTORE_STRACE_LIBRARIES") {
        Some(folders) => command.env("LD_LIBRARY_PATH", folders),
        None => command,
    }
}

/// False where there is no strace, or it may not trace.
fn is_there(test: &str) -> bool {
    let attempt = with_libraries(&mut Command::new(strace())).args(["-f", "-o", "/dev/null", "true"]).output();
    let why = match attempt {
        Ok(output) if output.status.success() => return true,
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => error.to_string(),
    };
    assert!(std::env::var_os("CI").is_none(), "strace must be there where CI is set: {why}");
    eprintln!("SKIPPED: {test}: strace cannot be used: {why}; run cargo xtask test");
    false
}

/// What came of a course under a fault.
struct Outcome {
    is_done: bool,
    failures: BTreeMap<String, u64>,
    after_failure: u64,
    acknowledged: u64,
}

/// Runs the course under a fault, then looks for all that was acknowledged; then the course again, undisturbed.
fn disturb(course: &str, call: &str, what: &str, when: &str) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let inject = format!("inject={call}:{what}:when={when}");
    let trace = format!("trace={call}");
    let strace = strace();
    let before = [strace.as_str(), "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject];
    let mut ledger = Ledger::default();
    let mut worker = Worker::start(&before, course, 1, folder.path());
    let said = worker.finish(&mut ledger);
    assert!(!said.contains("panicked"), "{inject}: {said}");
    let vfs = OsVfs::open(folder.path()).unwrap();
    ledger.verify(&vfs);
    let acknowledged = ledger.acknowledged;
    let mut next = Worker::start(&[], "steps", 2, folder.path());
    let said = next.finish(&mut ledger);
    assert!(next.is_done, "{inject}: the next writer does not come to its end: {:?} {said}", next.failures);
    ledger.verify(&vfs);
    let (is_done, after_failure) = (worker.is_done, worker.after_failure);
    Outcome { is_done, after_failure, acknowledged, failures: std::mem::take(&mut worker.failures) }
}

/// Disturbs one call after the other until none is left; gives how often, and how often it was felt.
fn each(call: &str, what: &str, most: u64, mut check: impl FnMut(&str, &Outcome)) -> (u64, u64) {
    let mut felt = 0;
    for number in 1..=most {
        let outcome = disturb("steps", call, what, &number.to_string());
        check(&format!("{call} {what} {number}"), &outcome);
        // Each thread counts its own calls, so one undisturbed course says that there are no more.
        if outcome.is_done {
            return (number, felt);
        }
        felt += 1;
    }
    (most, felt)
}

/// How many calls of a kind are disturbed at most.
fn most(default: u64) -> u64 {
    number("WORLDSTORE_CRASH_CALLS", default)
}

#[test]
fn after_a_failed_sync_nothing_is_acknowledged_and_nothing_acknowledged_is_lost() {
    if !is_there("failed syncs") {
        return;
    }
    let (mut runs, mut felt, mut poisoned) = (0, 0, 0);
    for (call, what) in [("fdatasync", "error=EIO"), ("fsync", "error=EIO")] {
        let (tried, struck) = each(call, what, most(8), |place, outcome| {
            assert_eq!(outcome.after_failure, 0, "{place}: acknowledged after a failed sync: {:?}", outcome.failures);
            poisoned += u64::from(outcome.failures.contains_key("Poisoned"));
        });
        (runs, felt) = (runs + tried, felt + struck);
    }
    assert!(felt > 2 && poisoned > 0, "{felt} of {runs} were felt, {poisoned} poisoned the log");
    report("crash::strace::syncs", &[("strace_runs", runs), ("strace_felt", felt)]);
}

#[test]
fn a_full_disk_or_a_failed_write_loses_nothing() {
    if !is_there("failed writes") {
        return;
    }
    let (mut runs, mut felt) = (0, 0);
    for what in ["error=ENOSPC", "error=EIO"] {
        for call in ["pwrite64", "pwritev", "pwritev2", "renameat2", "fallocate", "ftruncate"] {
            let (tried, struck) = each(call, what, most(3), |_, _| {});
            (runs, felt) = (runs + tried, felt + struck);
        }
    }
    assert!(felt > 2, "{felt} of {runs} were felt");
    report("crash::strace::writes", &[("strace_runs", runs), ("strace_felt", felt)]);
}

#[test]
fn a_kill_at_any_call_loses_nothing() {
    if !is_there("kills at calls") {
        return;
    }
    let (mut runs, mut felt, mut acknowledged) = (0, 0, 0);
    for call in CALLS {
        let (tried, struck) = each(call, "signal=SIGKILL", most(4), |place, outcome| {
            assert!(outcome.failures.is_empty(), "{place}: {:?}", outcome.failures);
            acknowledged += outcome.acknowledged;
        });
        (runs, felt) = (runs + tried, felt + struck);
    }
    assert!(felt > 5 && acknowledged > 0, "{felt} of {runs} were felt, {acknowledged} acknowledged");
    report("crash::strace::kills", &[("strace_runs", runs), ("strace_felt", felt)]);
}

/// A second sync that succeeds is not believed after one that failed; if it were, this test would see it.
#[test]
fn a_writer_that_syncs_again_is_caught() {
    if !is_there("syncing again") {
        return;
    }
    let outcome = |course| disturb(course, "fdatasync", "error=EIO", "3");
    assert!(!outcome("steps").is_done);
    assert!(outcome("steps+RetrySync").is_done);
    report("crash::strace::planted", &[("planted:RetrySync", 1)]);
}

//! Processes that are killed, and how much memory one needs.
//!
//! The tests start this binary again, with one test that does its part only if it is told to.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use worldstore_core::{Backend, ListOptions, Prefix, StatOptions, WriteOptions};

use crate::{bytes, config, key, open, read, write};

const FOLDER: &str = "WORLDSTORE_TEST_CHILD_FOLDER";
const PART: &str = "WORLDSTORE_TEST_CHILD_PART";
const LARGE: usize = 96 << 20;

#[test]
fn a_killed_writer_leaves_what_was_committed_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = start(folder.path(), "write");
    wait_for(&mut child, "ready");
    child.kill().unwrap();
    child.wait().unwrap();
    let backend = open(folder.path());
    let page = backend.list(&Prefix::root(), &ListOptions::default()).unwrap();
    let names: Vec<_> = page.objects.iter().map(|meta| meta.key.as_str()).collect();
    assert_eq!(names, ["large", "last", "small"]);
    assert!(read(&backend, "large") == bytes(1_000_000));
    assert_eq!(read(&backend, "small"), b"kept");
    assert!(backend.stat(&key("half"), &StatOptions::default()).unwrap_err().is_not_found());
    // The space of what was half written, and of what is replaced, is used again.
    (0..12).for_each(|_| drop(write(&backend, "half", bytes(3_000_000))));
    drop(backend);
    let size = config(folder.path()).path().metadata().unwrap().len();
    assert!(size < 20_000_000, "{size} bytes for 4,000,000, after 36,000,000 were replaced");
}

#[test]
fn a_large_object_goes_through_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = start(folder.path(), "stream");
    let line = wait_for(&mut child, "peak ");
    assert!(child.wait().unwrap().success());
    let kilobytes: usize = line.split("peak ").nth(1).unwrap().trim().parse().unwrap();
    assert!(kilobytes < LARGE / 1024 / 2, "{kilobytes} kB for an object of {} kB", LARGE / 1024);
}

/// The other process.
#[test]
fn child() {
    let (Ok(folder), Ok(part)) = (std::env::var(FOLDER), std::env::var(PART)) else { return };
    let backend = open(Path::new(&folder));
    match part.as_str() {
        "write" => {
            write(&backend, "small", "kept");
            write(&backend, "large", bytes(1_000_000));
            let mut writer = backend.open_writer(&key("half"), &WriteOptions::default()).unwrap();
            writer.write(bytes(3_000_000).into()).unwrap();
            write(&backend, "last", "kept");
            println!("\nready");
            std::thread::sleep(Duration::from_secs(600));
        }
        "stream" => {
            let mut writer = backend.open_writer(&key("large"), &WriteOptions::default()).unwrap();
            let chunk: bytes::Bytes = bytes(1 << 20).into();
            (0..LARGE >> 20).for_each(|_| writer.write(chunk.clone()).unwrap());
            let _ = writer.commit().unwrap();
            let body = backend.read(&key("large"), &Default::default()).unwrap().body;
            assert_eq!(body.map(|chunk| chunk.unwrap().len()).sum::<usize>(), LARGE);
            let status = std::fs::read_to_string("/proc/self/status").unwrap();
            let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
            println!("\npeak {}", peak.trim().trim_end_matches(" kB"));
        }
        other => panic!("no such part: {other}"),
    }
}

fn start(folder: &Path, part: &str) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "crashes::child", "--nocapture"]).env(FOLDER, folder).env(PART, part);
    command.stdout(Stdio::piped()).spawn().unwrap()
}

/// Reads what the child prints, up to a line with this text.
fn wait_for(child: &mut Child, text: &str) -> String {
    let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    lines.map(|line| line.unwrap()).find(|line| line.contains(text)).expect("the child does its part")
}

//! Processes that are killed.
//!
//! The tests start this binary again, with one test that does its part only if it is told to.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use worldstore_core::{Backend, ListOptions, Prefix, StatOptions, WriteOptions};

use crate::{bytes, key, open, read, write};

const FOLDER: &str = "WORLDSTORE_TEST_CHILD_FOLDER";
const PART: &str = "WORLDSTORE_TEST_CHILD_PART";

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

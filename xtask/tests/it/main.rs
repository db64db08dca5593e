//! Guards at work: what is left when a server's owner lets go of it.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A guard whose server is a script of the shell, in a folder of its own.
struct Guarded {
    guard: Child,
    folder: PathBuf,
    _parent: tempfile::TempDir,
}

impl Guarded {
    fn start(script: &str) -> Self {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("folder");
        std::fs::create_dir(&folder).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        let mut guard = command.arg("guard").arg(&folder).stdin(Stdio::piped()).spawn().unwrap();
        let launch = serde_json::json!({
            "words": ["/bin/sh", "-c", script], "environment": [["NAME", "value"]], "stop": "Terminate", "user": null,
        });
        writeln!(guard.stdin.as_mut().unwrap(), "{launch}").unwrap();
        Self { guard, folder, _parent: parent }
    }

    /// What is in a file of the folder, as soon as there is something.
    fn text(&self, name: &str) -> String {
        let path = self.folder.join(name);
        let text = || std::fs::read_to_string(&path).unwrap_or_default();
        wait_until(|| !text().is_empty());
        text()
    }

    /// Closes the guard's input, which is what the end of its owner does.
    fn let_go(mut self) {
        drop(self.guard.stdin.take());
        assert!(self.guard.wait().unwrap().success());
        assert!(!self.folder.exists(), "the folder is left");
    }
}

fn wait_until(condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(60), "it does not happen");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn runs(process: &str) -> bool {
    Path::new("/proc").join(process.trim()).exists()
}

#[test]
fn the_server_and_its_children_end_with_the_input() {
    // The last one has left the session and lost its parent: only the guard still knows it.
    let script = "sleep 1000 & setsid sh -c 'sleep 1000 & echo $! >> started; exec sleep 1000' & \
                  while [ ! -s started ]; do sleep 0.01; done; echo \"$$ $! $(cat started)\" > all; wait";
    let guarded = Guarded::start(script);
    let all = guarded.text("all");
    let processes: Vec<&str> = all.split_whitespace().collect();
    assert_eq!(processes.len(), 3);
    assert!(processes.iter().all(|process| runs(process)));
    guarded.let_go();
    assert!(!processes.iter().any(|process| runs(process)), "one of {all} is left");
}

#[test]
fn a_server_that_ends_by_itself_is_noted_and_its_log_kept_for_the_owner() {
    let guarded = Guarded::start("echo out $NAME; echo err >&2; exit 3");
    assert_eq!(guarded.text("exited.txt"), "exit code 3");
    assert_eq!(guarded.text("server.log"), "out value\nerr\n");
    guarded.let_go();
}

#[test]
fn a_program_that_is_not_there_is_noted() {
    let guarded = Guarded::start("exec /not/there");
    assert!(guarded.text("exited.txt").contains("127"));
    guarded.let_go();
}

#[test]
fn an_owner_that_ends_before_it_tells_what_to_start_leaves_nothing() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("folder");
    std::fs::create_dir(&folder).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    assert!(command.arg("guard").arg(&folder).stdin(Stdio::null()).status().unwrap().success());
    assert!(!folder.exists());
}

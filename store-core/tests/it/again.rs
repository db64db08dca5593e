//! One test of this binary again, in a process of its own: under another user, with mounts of its own, or to be killed.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Set in the process of [`command`]; its value is what the process shall do.
const TASK: &str = "WORLDSTORE_TEST_TASK";

/// What this process was started for; none if it is the one of the test runner.
pub fn task() -> Option<String> {
    std::env::var(TASK).ok()
}

/// The command that runs one test of this binary with a task, after the words of `before` (a program that starts it).
///
/// The binary is named through `/proc`, so that a user who cannot see its folder can run it, where there is one.
pub fn command(before: &[&str], test: &str, task: &str) -> Command {
    let own = std::env::current_exe().unwrap();
    let mut words: Vec<_> = before.iter().map(|word| (*word).to_owned()).collect();
    let own_link = Path::new("/proc/self/exe");
    let binary = if before.is_empty() && own_link.exists() { own_link } else { own.as_path() };
    words.push(binary.to_str().unwrap().to_owned());
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).args([test, "--exact", "--nocapture"]).env(TASK, task);
    command
}

/// Fails unless the test ran in the process and passed there.
pub fn expect_passed(output: &Output) {
    let (told, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let passed = output.status.success() && told.contains("test result: ok. 1 passed");
    assert!(passed, "{}\n{told}\n{errors}", output.status);
}

/// Runs `test`, which is the caller, in a process with mounts of its own, where it may mount; they vanish with it.
/// A folder to mount in, in that process.
pub fn with_own_mounts(test: &str) -> Option<PathBuf> {
    if let Some(folder) = task() {
        return Some(folder.into());
    }
    // Of this process: a folder cannot be removed while something is mounted on it.
    let folder = tempfile::tempdir().unwrap();
    let spaces: &[&str] = match rustix::process::geteuid().is_root() {
        true => &["unshare", "--mount"],
        false => &["unshare", "--user", "--map-root-user", "--mount"],
    };
    let mut attempt = Command::new(spaces[0]);
    attempt.args(&spaces[1..]).args(["mount", "-t", "tmpfs", "none"]).arg(folder.path());
    match attempt.output() {
        Ok(output) if output.status.success() => {
            let task = folder.path().to_str().unwrap();
            expect_passed(&command(spaces, test, task).output().unwrap());
        }
        Ok(output) => skip(test, String::from_utf8_lossy(&output.stderr).trim()),
        Err(error) => skip(test, error),
    }
    None
}

/// Tells that a test did not run, and what it takes.
fn skip(test: &str, why: impl Display) {
    let hint = "run it as root, or allow user namespaces (sysctl kernel.unprivileged_userns_clone=1); it needs \
                `unshare` and `mount` of util-linux";
    eprintln!("SKIPPED: {test} cannot mount: {why}; {hint}");
}

/// Mounts in this process only.
pub fn mount(arguments: &[&str], at: &Path) {
    let output = Command::new("mount").args(arguments).arg(at).output().unwrap();
    assert!(output.status.success(), "mount {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

//! The README's command lines do what they say.

use std::path::Path;
use std::process::Command;

use super::desk::{COMMAND, Desk, code_of, errors_of};

#[test]
fn the_command_lines_of_the_readme_work() {
    let desk = Desk::new();
    for link in ["data", "examples"] {
        std::os::unix::fs::symlink(Path::new(env!("CARGO_MANIFEST_DIR")).join(link), desk.path(link)).unwrap();
    }
    let readme = include_str!("../../../README.md");
    let lines: Vec<&str> = readme.lines().filter(|line| line.starts_with("worldstore ")).collect();
    assert!(lines.len() >= 5, "{lines:?}");
    for line in lines {
        let script = format!("worldstore() {{ '{COMMAND}' \"$@\"; }}; {line}");
        let output = Command::new("bash").args(["-c", &script]).current_dir(desk.path("")).output().unwrap();
        assert_eq!(code_of(&output), 0, "{line}: {}", errors_of(&output));
        assert!(!output.stdout.is_empty(), "{line}");
        assert!(!String::from_utf8_lossy(&output.stdout).contains("\n0 rows"), "{line}");
    }
}

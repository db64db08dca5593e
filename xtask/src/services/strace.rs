//! strace, with which tests of the log fail and kill at calls of the system. It is a program and no server.

use std::process::Command;

use super::programs::Program;
use crate::workspace::Workspace;

/// The variables by which the tests find it, and its libraries.
const PROGRAM: &str = "WORLDSTORE_STRACE";
const LIBRARIES: &str = "WORLDSTORE_STRACE_LIBRARIES";

/// Tells the tests that a command runs where strace is. Where there is none the tests say so themselves.
pub fn show_strace(workspace: &Workspace, command: &mut Command) {
    if !cfg!(target_os = "linux") {
        return;
    }
    match Program::get(workspace, "strace", "strace") {
        Ok(program) => {
            command.env(PROGRAM, program.word());
            let libraries = program.environment().into_iter().find(|(name, _)| name == "LD_LIBRARY_PATH");
            if let Some((_, folders)) = libraries {
                command.env(LIBRARIES, folders);
            }
        }
        Err(failure) => eprintln!("SKIPPED: no calls of the system are failed: {failure}"),
    }
}

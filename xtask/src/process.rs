//! Running other programs: with our terminal, and their exit code kept.

use std::io::{BufRead, BufReader};
use std::process::{Command, ExitStatus, Stdio};

use crate::failure::{Context, Failure, Result};

/// Runs a command with our input and output. `what` names it in the failure, as in `clippy`.
pub fn run(what: &str, command: &mut Command) -> Result<()> {
    let status = command.status().during(format_args!("starting {what} ({})", shown(command)))?;
    ended(what, command, status)
}

/// What [`run`] makes of the end of a command.
pub fn ended(what: &str, command: &Command, status: ExitStatus) -> Result<()> {
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(format!("{what} failed ({status}): {}", shown(command))).with_exit_code(exit_code(status)))
}

/// Runs a command and gives what it wrote. What it said on its error output is in the failure.
pub fn capture(what: &str, command: &mut Command) -> Result<String> {
    let output = command.output().during(format_args!("starting {what} ({})", shown(command)))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(Failure::new(format!("{what} failed ({}): {}\n{}", output.status, shown(command), said.trim())));
    }
    String::from_utf8(output.stdout).during(format_args!("reading what {what} wrote"))
}

/// Runs a command whose error output is shown as it comes, and gives that too, whether the command fails or not.
pub fn overhear(what: &str, command: &mut Command) -> Result<(Result<()>, String)> {
    let starting = format!("starting {what} ({})", shown(command));
    let mut child = command.stderr(Stdio::piped()).spawn().during(starting)?;
    let mut said = String::new();
    for line in child.stderr.take().into_iter().flat_map(|errors| BufReader::new(errors).split(b'\n')) {
        let line = line.during(format_args!("reading what {what} wrote"))?;
        let line = String::from_utf8_lossy(&line);
        eprintln!("{line}");
        said.push_str(&line);
        said.push('\n');
    }
    let status = child.wait().during(format_args!("waiting for {what}"))?;
    Ok((ended(what, command, status), said))
}

/// Whether a program can be started and succeeds; what it writes is dropped.
pub fn works(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// The seconds that processors spent on our children which have ended, and theirs. Other programs do not count.
pub fn seconds_of_children() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").during("asking Linux for times of processes")?;
    spent(&stat).ok_or_else(|| Failure::new(format!("no times of processes in {stat}")))
}

/// Fields 16 and 17 of `/proc/PID/stat`: user and system time of children, in hundredths wherever Rust runs.
fn spent(stat: &str) -> Option<f64> {
    // The name in parentheses may hold anything; the third field follows it.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let hundredths: f64 = fields.get(13)?.parse::<f64>().ok()? + fields.get(14)?.parse::<f64>().ok()?;
    Some(hundredths / 100.0)
}

/// The code to hand on: that of the program, or 1 where a signal ended it.
fn exit_code(status: ExitStatus) -> u8 {
    status.code().and_then(|code| u8::try_from(code).ok()).filter(|code| *code != 0).unwrap_or(1)
}

/// The command as a person would type it, near enough to be copied.
fn shown(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy()];
    words.extend(command.get_args().map(|argument| argument.to_string_lossy()));
    words.join(" ")
}

#[cfg(test)]
mod tests;

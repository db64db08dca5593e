//! Who runs the servers that refuse to be run by root.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::failure::{Context, Failure, Result};

/// A user of the system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// As in `/etc/passwd`.
    pub name: String,
    uid: u32,
    gid: u32,
}

impl User {
    /// `daemon` where we are root, otherwise none: then servers run as we do. It is on every system; `nobody` is, too,
    /// but systemd tells `sshd` that its account is locked.
    pub fn instead_of_root() -> Result<Option<Self>> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let users = std::fs::read_to_string("/etc/passwd").during("reading /etc/passwd")?;
        let daemon = Self::find(&users, |user| user.name == "daemon");
        daemon.map(Some).ok_or_else(|| {
            Failure::new(
                "root may not run this server, and there is no user daemon to run it: run this as another user",
            )
        })
    }

    /// The name of the user that we are.
    pub fn name_of_us() -> Result<String> {
        let us = rustix::process::geteuid().as_raw();
        let users = std::fs::read_to_string("/etc/passwd").during("reading /etc/passwd")?;
        let found = Self::find(&users, |user| user.uid == us).map(|user| user.name);
        // A directory service knows users that the file does not.
        let named = || std::env::var("USER").ok().filter(|name| !name.is_empty());
        found.or_else(named).ok_or_else(|| Failure::new(format!("no name is known for the user {us}: set USER")))
    }

    /// Has a command run as this user.
    pub fn run(&self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }

    /// Gives a file or folder to this user.
    pub fn own(&self, path: &Path) -> Result<()> {
        std::os::unix::fs::chown(path, Some(self.uid), Some(self.gid)).during(format_args!(
            "giving {} to {}",
            path.display(),
            self.name
        ))
    }

    /// The first line of `/etc/passwd` that fits.
    fn find(users: &str, fits: impl Fn(&Self) -> bool) -> Option<Self> {
        users.lines().filter_map(Self::parse).find(|user| fits(user))
    }

    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split(':');
        let (name, _password) = (fields.next()?, fields.next()?);
        let (uid, gid) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        Some(Self { name: name.to_owned(), uid, gid })
    }
}

#[cfg(test)]
mod tests;

//! Peers to test against: libraries in Python that read our tables, and an S3 server.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::failure::{Context, Failure, Result};
use crate::python;
use crate::workspace::Workspace;

/// The peers, ready to be used. The server ends when this is dropped.
pub struct Peers {
    /// The interpreter that has them.
    pub python: PathBuf,
    server: S3Server,
}

impl Peers {
    /// Installs the peers if need be and starts the server.
    pub fn start(workspace: &Workspace) -> Result<Self> {
        let python = python::environment(workspace, "peers", include_str!("../python/peers.txt"), &[])?;
        let server = S3Server::start(&python, &workspace.python_file("s3_server.py"))?;
        Ok(Self { python, server })
    }

    /// Tells the tests that a command runs where the peers are.
    pub fn show_to(&self, command: &mut Command) {
        command.env("WORLDSTORE_PYTHON", &self.python);
        command.env("WORLDSTORE_TEST_S3_ENDPOINT", &self.server.endpoint);
    }
}

/// A process that serves S3 from memory on a port of its own choice. It ends when its input closes, so it cannot
/// outlive us even where nothing is dropped.
struct S3Server {
    process: Child,
    endpoint: String,
}

impl S3Server {
    fn start(python: &Path, script: &Path) -> Result<Self> {
        let mut command = Command::new(python);
        command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().during("starting the S3 server")?;
        let mut endpoint = String::new();
        if let Some(output) = process.stdout.take() {
            BufReader::new(output).read_line(&mut endpoint).during("reading the address of the S3 server")?;
        }
        let server = Self { process, endpoint: endpoint.trim().to_owned() };
        match server.endpoint.starts_with("http://") {
            true => Ok(server),
            false => Err(Failure::new(format!("the S3 server did not start: try {}", script.display()))),
        }
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        // Nothing that it holds is wanted: there is no reason to wait for an orderly end.
        if self.process.kill().is_ok() {
            let _ = self.process.wait();
        }
    }
}

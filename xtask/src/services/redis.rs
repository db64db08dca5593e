//! Redis, in memory only and with a password.

use std::path::Path;

use super::Running;
use super::guard::{Launch, Stop};
use super::programs::Program;
use super::server::{self, Server};
use crate::failure::Result;
use crate::workspace::Workspace;

/// The user that every Redis has, by name: some clients take an empty name for another one.
const USER: &str = "default";

/// Serves with persistence off.
pub fn start(workspace: &Workspace) -> Result<Running> {
    let program = Program::get(workspace, "redis-server", "redis-server")?;
    server::on_free_port(|port| start_at(&program, port))
}

fn start_at(program: &Program, port: u16) -> Result<Running> {
    let mut server = Server::prepare("redis")?;
    let password = server::secret()?;
    let configuration = server.write("redis.conf", &configuration(&server.folder, port, &password))?;
    server.launch(&Launch {
        words: vec![program.word(), configuration.to_string_lossy().into_owned()],
        environment: program.environment(),
        stop: Stop::Terminate,
        user: None,
    })?;
    let question = format!("AUTH {USER} {password}\r\nPING\r\n");
    server.wait(|_| server::answers(port, question.as_bytes(), b"+OK\r\n+PONG\r\n").then_some(()))?;
    let url = format!("redis://{USER}:{password}@127.0.0.1:{port}");
    Ok(Running { server, variables: vec![("WORLDSTORE_TEST_REDIS_URL", url)] })
}

fn configuration(folder: &Path, port: u16, password: &str) -> String {
    format!(
        "bind 127.0.0.1\nport {port}\nrequirepass {password}\nsave \"\"\nappendonly no\ndaemonize no\ndir \"{}\"\n",
        folder.display()
    )
}

#[cfg(test)]
mod tests;

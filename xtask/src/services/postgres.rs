//! Postgres, with a cluster of its own that is made anew each time and never synced to disk.

use super::Running;
use super::guard::{Launch, Stop};
use super::programs::Program;
use super::server::{self, Server};
use super::user::User;
use crate::failure::Result;
use crate::workspace::Workspace;

/// The superuser of the cluster; tests use the database `postgres` or make their own.
const USER: &str = "worldstore";

/// Makes the cluster, and then becomes the server. Both by the user that runs the server, below its guard. Asked to end
/// meanwhile, it lets `initdb` finish, which would leave shared memory behind, and starts no server.
const SCRIPT: &str = r#"
set -eu
trap 'exit 1' TERM
"$1/initdb" --pgdata=data --username="$2" --pwfile=password --auth=scram-sha-256 --encoding=UTF8 --locale=C --no-sync
exec "$1/postgres" -D data -p "$3" -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=200 \
    -c fsync=off -c synchronous_commit=off -c full_page_writes=off
"#;

/// Serves a fresh cluster. Root may not run it; `daemon` does then.
pub fn start(workspace: &Workspace) -> Result<Running> {
    let program = Program::get(workspace, "initdb", "postgresql")?;
    server::on_free_port(|port| start_at(&program, port))
}

fn start_at(program: &Program, port: u16) -> Result<Running> {
    let mut server = Server::prepare("postgres")?;
    let user = User::instead_of_root()?;
    let program = program.open_to(user.as_ref(), &server.folder)?;
    let password = server::secret()?;
    let file = server.write("password", &password)?;
    if let Some(user) = &user {
        user.own(&file)?;
        user.own(&server.folder)?;
    }
    let folder = program.path.parent().unwrap_or(&program.path).to_string_lossy().into_owned();
    let words = ["/bin/sh", "-c", SCRIPT, "postgres", &folder, USER, &port.to_string()].map(str::to_owned);
    server.launch(&Launch { words: words.to_vec(), environment: program.environment(), stop: Stop::Insist, user })?;
    // A server that still starts answers with E, one that is ready asks for the password.
    server.wait(|_| server::answers(port, &startup(), b"R").then_some(()))?;
    let url = format!("postgres://{USER}:{password}@127.0.0.1:{port}/postgres");
    Ok(Running { server, variables: vec![("WORLDSTORE_TEST_POSTGRES_URL", url)] })
}

/// The first message of a client: its length with itself, version 3.0 of the protocol, and pairs that end with zero.
/// <https://www.postgresql.org/docs/current/protocol-message-formats.html>
fn startup() -> Vec<u8> {
    let pairs = format!("user\0{USER}\0database\0postgres\0\0");
    let length = u32::try_from(pairs.len() + 8).unwrap_or(u32::MAX);
    [&length.to_be_bytes()[..], &196_608_u32.to_be_bytes()[..], pairs.as_bytes()].concat()
}

#[cfg(test)]
mod tests;

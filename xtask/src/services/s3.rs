//! S3, from memory: moto.

use super::Running;
use super::guard::{Launch, Stop};
use super::server::{self, Server};
use crate::failure::Result;
use crate::peers;
use crate::workspace::Workspace;

/// Serves at a port of its own choice, any credentials, no bucket yet.
pub fn start(workspace: &Workspace) -> Result<Running> {
    let python = peers::python(workspace)?;
    let mut server = Server::prepare("s3")?;
    let script = workspace.python_file("s3_server.py");
    server.launch(&Launch {
        words: vec![python.to_string_lossy().into_owned(), script.to_string_lossy().into_owned()],
        environment: Vec::new(),
        stop: Stop::Terminate,
        user: None,
    })?;
    let port =
        server.wait(|server| server::port_in(&server.log()).filter(|port| server::answers_http(*port, "/", 200)))?;
    Ok(Running { server, variables: vec![("WORLDSTORE_TEST_S3_ENDPOINT", format!("http://127.0.0.1:{port}"))] })
}

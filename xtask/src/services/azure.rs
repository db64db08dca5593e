//! Azure Blob Storage, from memory: Azurite.

use super::Running;
use super::guard::{Launch, Stop};
use super::node::Node;
use super::server::{self, Server};
use crate::failure::Result;
use crate::workspace::Workspace;

/// The account that Azurite has; its key is published with it.
const ACCOUNT: &str = "devstoreaccount1";
const OPTIONS: [&str; 7] = [
    "--inMemoryPersistence",
    "--blobHost",
    "127.0.0.1",
    "--blobPort",
    "0",
    "--skipApiVersionCheck",
    "--disableTelemetry",
];

/// Serves at a port of its own choice.
pub fn start(workspace: &Workspace) -> Result<Running> {
    let node = Node::get(workspace)?;
    let mut server = Server::prepare("azure")?;
    let script = node.modules.join("azurite").join("dist").join("src").join("blob").join("main.js");
    let program = [node.program, script].map(|path| path.to_string_lossy().into_owned());
    server.launch(&Launch {
        words: program.into_iter().chain(OPTIONS.map(str::to_owned)).collect(),
        environment: Vec::new(),
        stop: Stop::Terminate,
        user: None,
    })?;
    // Without credentials it answers, and refuses.
    let path = format!("/{ACCOUNT}?comp=list");
    let port = server.wait(|server| {
        let port = server::port_in(&server.log())?;
        [400, 403].iter().any(|status| server::answers_http(port, &path, *status)).then_some(port)
    })?;
    let endpoint = format!("http://127.0.0.1:{port}/{ACCOUNT}");
    Ok(Running { server, variables: vec![("WORLDSTORE_TEST_AZURE_ENDPOINT", endpoint)] })
}

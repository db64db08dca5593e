//! Files over HTTP: nginx, with a folder that tests write to.

use std::path::Path;

use super::Running;
use super::guard::{Launch, Stop};
use super::programs::Program;
use super::server::{self, Server};
use crate::failure::Result;
use crate::workspace::Workspace;

/// Serves the folder `files`.
pub fn start(workspace: &Workspace) -> Result<Running> {
    let program = Program::get(workspace, "nginx", "nginx")?;
    server::on_free_port(|port| start_at(&program, port))
}

fn start_at(program: &Program, port: u16) -> Result<Running> {
    let mut server = Server::prepare("http")?;
    let files = server.make("files")?;
    let configuration = server.write("nginx.conf", &configuration(&server.folder, port))?;
    let folder = server.folder.to_string_lossy().into_owned();
    let words = ["-p", &folder, "-e", "stderr", "-c", &configuration.to_string_lossy()].map(str::to_owned);
    server.launch(&Launch {
        words: std::iter::once(program.word()).chain(words).collect(),
        environment: program.environment(),
        stop: Stop::Terminate,
        user: None,
    })?;
    // There is no page for the folder itself, and it is not listed.
    server.wait(|_| server::answers_http(port, "/", 403).then_some(()))?;
    let variables = vec![
        ("WORLDSTORE_TEST_HTTP_URL", format!("http://127.0.0.1:{port}")),
        ("WORLDSTORE_TEST_HTTP_FOLDER", files.to_string_lossy().into_owned()),
    ];
    Ok(Running { server, variables })
}

/// One process in the foreground that changes no user, so it reads what we write, and keeps to its folder.
fn configuration(folder: &Path, port: u16) -> String {
    let folder = folder.display();
    let kept = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let kept: Vec<String> = kept.iter().map(|kind| format!("  {kind}_temp_path \"{folder}/{kind}\";\n")).collect();
    format!(
        "daemon off;\nmaster_process off;\npid \"{folder}/nginx.pid\";\nerror_log stderr;\n\
         events {{ worker_connections 512; }}\n\
         http {{\n  access_log off;\n  default_type application/octet-stream;\n{}  server {{\n    \
         listen 127.0.0.1:{port};\n    location / {{ root \"{folder}/files\"; }}\n  }}\n}}\n",
        kept.concat()
    )
}

#[cfg(test)]
mod tests;

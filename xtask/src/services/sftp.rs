//! SFTP: a server of OpenSSH with keys of its own that opens nothing but files.

use std::path::Path;

use super::Running;
use super::guard::{Launch, Stop};
use super::programs::{self, Program};
use super::server::{self, Server};
use super::user::User;
use crate::failure::{Context, Result};
use crate::workspace::Workspace;

/// From this version on, a client that fails too often is locked out, and each connection runs programs of their own.
const WITH_PENALTIES: [u32; 2] = [9, 8];

/// Programs of newer versions, as `sshd` finds them when it is not at the place that it was built for.
const PARTS: [(&str, &str); 2] =
    [("SshdSessionPath", "usr/lib/openssh/sshd-session"), ("SshdAuthPath", "usr/lib/openssh/sshd-auth")];

/// Serves the folder `files` to one key. It runs as a normal user, `daemon` in place of root, and knows only that user:
/// so it needs no separation of privileges, no PAM and no folder in `/run`.
pub fn start(workspace: &Workspace) -> Result<Running> {
    // By its whole path, which it asks for itself.
    let program = Program::get(workspace, "sshd", "openssh-server")?;
    let keygen = Program::get(workspace, "ssh-keygen", "openssh-client")?;
    let version = programs::version(&program, "-V")?;
    server::on_free_port(|port| start_at(&program, &keygen, &version, port))
}

fn start_at(program: &Program, keygen: &Program, version: &[u32], port: u16) -> Result<Running> {
    let mut server = Server::prepare("sftp")?;
    let user = User::instead_of_root()?;
    let program = program.open_to(user.as_ref(), &server.folder)?;
    let name = user.as_ref().map_or_else(User::name_of_us, |user| Ok(user.name.clone()))?;
    let files = server.make("files")?;
    let host_key = make_key(keygen, &server, "host_key")?;
    let user_key = make_key(keygen, &server, "user_key")?;
    let authorized = server.write("authorized_keys", &user_key)?;
    let known_hosts = server.write("known_hosts", &format!("[127.0.0.1]:{port} {host_key}"))?;
    let mut configuration = configuration(&server.folder, port, &name);
    configuration.push_str(&of_newer_versions(&program, version));
    let configuration = server.write("sshd_config", &configuration)?;
    if let Some(user) = &user {
        let key = server.file("host_key");
        for path in [&key, &authorized, &configuration, &files, &server.folder] {
            user.own(path)?;
        }
    }
    let words = ["-D", "-e", "-f", &configuration.to_string_lossy()].map(str::to_owned);
    server.launch(&Launch {
        words: std::iter::once(program.word()).chain(words).collect(),
        environment: program.environment(),
        stop: Stop::Terminate,
        user,
    })?;
    server.wait(|_| server::answers(port, b"", b"SSH-2.0-").then_some(()))?;
    let shown = |path: &Path| path.to_string_lossy().into_owned();
    let variables = vec![
        ("WORLDSTORE_TEST_SFTP_URL", format!("sftp://{name}@127.0.0.1:{port}{}", files.display())),
        ("WORLDSTORE_TEST_SFTP_KEY", shown(&server.file("user_key"))),
        ("WORLDSTORE_TEST_SFTP_KNOWN_HOSTS", shown(&known_hosts)),
    ];
    Ok(Running { server, variables })
}

/// Makes a key without a password and gives its public half, as one line.
fn make_key(keygen: &Program, server: &Server, name: &str) -> Result<String> {
    let path = server.file(name);
    let arguments = ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", &path.to_string_lossy()];
    programs::run_once("ssh-keygen", keygen, &arguments)?;
    let public = path.with_extension("pub");
    std::fs::read_to_string(&public).during(format_args!("reading {}", public.display()))
}

/// Every connection is let in, however many tests make one at the same time.
fn configuration(folder: &Path, port: u16, user: &str) -> String {
    let folder = folder.display();
    format!(
        "ListenAddress 127.0.0.1\nPort {port}\nHostKey \"{folder}/host_key\"\nPidFile none\nAllowUsers {user}\n\
         AuthorizedKeysFile \"{folder}/authorized_keys\"\nStrictModes no\nUsePAM no\nUseDNS no\n\
         AuthenticationMethods publickey\n\
         Subsystem sftp internal-sftp\nForceCommand internal-sftp\nDisableForwarding yes\n\
         MaxStartups 1000\nMaxSessions 1000\nLogLevel VERBOSE\n"
    )
}

/// Lines that an older `sshd` would refuse.
fn of_newer_versions(program: &Program, version: &[u32]) -> String {
    if version < &WITH_PENALTIES[..] {
        return String::new();
    }
    let parts = PARTS.iter().filter_map(|(setting, path)| Some((setting, program.part(path)?)));
    let lines = parts.map(|(setting, path)| format!("{setting} \"{}\"\n", path.display()));
    std::iter::once("PerSourcePenalties no\n".to_owned()).chain(lines).collect()
}

#[cfg(test)]
mod tests;

//! One server: a folder of its own, a guard, a port, and the wait until it answers.

use std::fmt::Display;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::guard::Launch;
use crate::failure::{Context, Failure, Result};

/// Where a guard puts what its server writes.
pub const LOG: &str = "server.log";
/// Where a guard notes that its server ended by itself, and how.
pub const EXITED: &str = "exited.txt";

/// How long a server may take to answer, its own preparation included.
const READY_WITHIN: Duration = Duration::from_secs(60);
const LOG_LINES_MAX: usize = 30;

/// A server with its guard. Both, and the folder, are gone when this has been dropped.
pub struct Server {
    /// As in the failures about it.
    name: &'static str,
    /// For all that the server keeps. Only we may enter it at first.
    pub folder: PathBuf,
    guard: Child,
}

impl Server {
    /// Makes the folder and starts the guard, which waits for [`Server::launch`].
    pub fn prepare(name: &'static str) -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("worldstore-{name}-{}", secret()?));
        std::fs::DirBuilder::new().mode(0o700).create(&folder).during(format_args!("making {}", folder.display()))?;
        match start_guard(&folder) {
            Ok(guard) => Ok(Self { name, folder, guard }),
            Err(failure) => {
                std::fs::remove_dir(&folder).during(format_args!("removing {}", folder.display()))?;
                Err(failure)
            }
        }
    }

    /// A file in the folder of this server.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes a file in the folder of this server; only we may read it.
    pub fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        use std::os::unix::fs::OpenOptionsExt;
        let path = self.file(name);
        let mut options = std::fs::OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(&path);
        file.and_then(|mut file| file.write_all(text.as_bytes())).during(format_args!("writing {}", path.display()))?;
        Ok(path)
    }

    /// Makes a folder in the folder of this server.
    pub fn make(&self, name: &str) -> Result<PathBuf> {
        let path = self.file(name);
        std::fs::create_dir_all(&path).during(format_args!("making {}", path.display()))?;
        Ok(path)
    }

    /// Has the guard start the server.
    pub fn launch(&mut self, launch: &Launch) -> Result<()> {
        let mut line = serde_json::to_string(launch).during("writing what to start")?;
        line.push('\n');
        let input = self.guard.stdin.as_mut().ok_or_else(|| Failure::new("the guard was already let go"))?;
        input.write_all(line.as_bytes()).during("telling the guard what to start")
    }

    /// Waits until `ready` gives something. A server that ends, or takes longer than a minute, is a failure that shows
    /// the end of its log.
    pub fn wait<T>(&self, ready: impl Fn(&Self) -> Option<T>) -> Result<T> {
        let start = Instant::now();
        while start.elapsed() < READY_WITHIN {
            let answer = ready(self);
            // Another server may have answered at the port that ours did not get.
            if let Ok(how) = std::fs::read_to_string(self.file(EXITED)) {
                return Err(self.failure(format_args!("ended by itself ({how})")));
            }
            if let Some(answer) = answer {
                return Ok(answer);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err(self.failure(format_args!("did not answer within {} s", READY_WITHIN.as_secs())))
    }

    /// What the server wrote so far.
    pub fn log(&self) -> String {
        std::fs::read(self.file(LOG)).map(|log| String::from_utf8_lossy(&log).into_owned()).unwrap_or_default()
    }

    /// Tells the guard to stop the server, and does not wait for that.
    pub fn let_go(&mut self) {
        drop(self.guard.stdin.take());
    }

    fn failure(&self, what: impl Display) -> Failure {
        let log = self.log();
        Failure::new(format!("{} {what}; the end of its log:\n{}", self.name, tail(&log)))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.let_go();
        // The guard ends in any case; there is nobody to tell how.
        let _ = self.guard.wait();
    }
}

/// Starts ourselves as a guard, out of reach of the terminal.
fn start_guard(folder: &Path) -> Result<Child> {
    let us = match cfg!(target_os = "linux") {
        // This leads to us even after a build has put another file in our place.
        true => PathBuf::from("/proc/self/exe"),
        false => std::env::current_exe().during("looking for ourselves")?,
    };
    let mut command = Command::new(us);
    command.arg0("xtask").arg("guard").arg(folder).stdin(Stdio::piped()).stdout(Stdio::null()).process_group(0);
    command.spawn().during("starting a guard")
}

/// A port of this machine that was free a moment ago.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).during("looking for a free port")?;
    Ok(listener.local_addr().during("looking for a free port")?.port())
}

/// Starts a server on a free port; on another one where somebody else was faster.
pub fn on_free_port<T>(start: impl Fn(u16) -> Result<T>) -> Result<T> {
    for _ in 0..3 {
        let port = free_port()?;
        let outcome = start(port);
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err();
        if outcome.is_ok() || !taken {
            return outcome;
        }
    }
    start(free_port()?)
}

/// Whether the server at this port of ours, after it was sent `question`, answers with exactly `expected` first.
pub fn answers(port: u16, question: &[u8], expected: &[u8]) -> bool {
    exchange(port, question, expected.len()).is_ok_and(|answer| answer == expected)
}

fn exchange(port: u16, question: &[u8], length: usize) -> std::io::Result<Vec<u8>> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let patience = Duration::from_secs(5);
    let mut stream = TcpStream::connect_timeout(&address, patience)?;
    stream.set_read_timeout(Some(patience))?;
    stream.write_all(question)?;
    let mut answer = vec![0; length];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}

/// Whether a web server at this port answers to `GET path` with this status.
pub fn answers_http(port: u16, path: &str, status: u16) -> bool {
    let question = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
    answers(port, question.as_bytes(), format!("HTTP/1.1 {status} ").as_bytes())
}

/// The port in the first address of this machine that a text names, as in `listens on http://127.0.0.1:40123`.
pub fn port_in(text: &str) -> Option<u16> {
    let (_, rest) = text.split_once("http://127.0.0.1:")?;
    // Without what follows the digits, more digits may be on their way.
    let (digits, _) = rest.split_at_checked(rest.find(|letter: char| !letter.is_ascii_digit())?)?;
    digits.parse().ok().filter(|port| *port != 0)
}

/// 32 random hexadecimal digits.
pub fn secret() -> Result<String> {
    let mut bytes = [0; 16];
    let source = Path::new("/dev/urandom");
    std::fs::File::open(source)
        .and_then(|mut file| file.read_exact(&mut bytes))
        .during(format_args!("reading {}", source.display()))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES_MAX)..].join("\n")
}

#[cfg(test)]
mod tests;

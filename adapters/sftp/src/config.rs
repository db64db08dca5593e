//! Where the server is, who we are, and whom we trust: from a URI or by hand.

mod uri;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use worldstore_core::{Error, Result};

use crate::backend::Sftp;
use crate::host_keys::HostKeys;

/// How to reach a folder on a server. Secrets are never shown.
///
/// | setting | default |
/// |---|---|
/// | port | 22 |
/// | host keys | [`HostKeys::Strict`] |
/// | known hosts | `~/.ssh/known_hosts` |
/// | connect timeout | 15 s until files can be asked for |
/// | request timeout | 60 s without anything from the server while an answer is due |
/// | keepalive | every 30 s of silence; the connection ends after 3 without an answer |
/// | file mode, folder mode | 0600, 0700 |
/// | missing root | [`MissingRoot::Refuse`] |
#[derive(Clone)]
#[non_exhaustive]
pub struct SftpConfig {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) user: String,
    pub(crate) folder: String,
    pub(crate) credentials: Vec<Credential>,
    pub(crate) host_keys: HostKeys,
    pub(crate) known_hosts: Option<PathBuf>,
    pub(crate) connect_timeout: Duration,
    pub(crate) request_timeout: Duration,
    pub(crate) keepalive: Duration,
    pub(crate) file_mode: u32,
    pub(crate) folder_mode: u32,
    pub(crate) missing_root: MissingRoot,
}

/// What to do if the root folder does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MissingRoot {
    /// Connecting fails with `NotFound`.
    #[default]
    Refuse,
    /// The folder and its parents are made.
    Create,
}

/// One way to prove who we are.
#[derive(Clone)]
pub(crate) enum Credential {
    KeyFile {
        path: PathBuf,
        passphrase: Option<String>,
    },
    KeyText {
        pem: String,
        passphrase: Option<String>,
    },
    /// At this socket, or at `SSH_AUTH_SOCK`.
    Agent(Option<PathBuf>),
    Password(String),
}

impl SftpConfig {
    /// A folder of a server, by its absolute path, without credentials.
    ///
    /// # Errors
    /// `Invalid` if the folder is not an absolute path, or host or user are empty.
    pub fn new(host: impl Into<String>, user: impl Into<String>, folder: impl Into<String>) -> Result<Self> {
        let (host, user, folder) = (host.into(), user.into(), folder.into());
        if host.is_empty() || host.contains(|letter: char| letter.is_whitespace() || letter == '/') {
            return Err(Error::invalid("sftp host is empty or has a space or a slash").with("host", host));
        }
        if user.is_empty() {
            return Err(Error::invalid("sftp user is missing, write sftp://user@host/folder").with("host", host));
        }
        if !folder.starts_with('/') || folder.contains('\0') || folder.split('/').any(|part| matches!(part, "." | ".."))
        {
            return Err(Error::invalid("sftp folder is not an absolute path without dot segments")
                .with("folder", format!("{folder:?}")));
        }
        Ok(Self {
            host,
            port: 22,
            user,
            folder,
            credentials: Vec::new(),
            host_keys: HostKeys::Strict,
            known_hosts: None,
            connect_timeout: Duration::from_secs(15),
            request_timeout: Duration::from_secs(60),
            keepalive: Duration::from_secs(30),
            file_mode: 0o600,
            folder_mode: 0o700,
            missing_root: MissingRoot::Refuse,
        })
    }

    /// Reads `sftp://user@host:port/absolute/folder`. User, password (`user:password@`) and folder may be
    /// percent-encoded, and must be where they hold `%`, `?`, `#` or, before the host, `/`, `:` or `@`.
    ///
    /// # Errors
    /// `Invalid`, naming the part that is wrong.
    pub fn from_uri(uri: &str) -> Result<Self> {
        uri::parse(uri)
    }

    /// Sets the port.
    #[must_use]
    pub fn with_port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Also tries the private key in this file (OpenSSH, PKCS#8 or PuTTY format), with its passphrase if it has one.
    /// Credentials are tried in the order in which they were added.
    #[must_use]
    pub fn with_key_file(mut self, path: impl Into<PathBuf>, passphrase: Option<String>) -> Self {
        self.credentials.push(Credential::KeyFile { path: path.into(), passphrase });
        self
    }

    /// Also tries this private key.
    #[must_use]
    pub fn with_key_text(mut self, pem: impl Into<String>, passphrase: Option<String>) -> Self {
        self.credentials.push(Credential::KeyText { pem: pem.into(), passphrase });
        self
    }

    /// Also tries the keys of the agent at `SSH_AUTH_SOCK` (Unix only). An agent that cannot be used, or that does not
    /// sign, keeps nothing from being tried that was added after it.
    #[must_use]
    pub fn with_agent(mut self) -> Self {
        self.credentials.push(Credential::Agent(None));
        self
    }

    /// Also tries the keys of the agent at this socket (Unix only).
    #[must_use]
    pub fn with_agent_at(mut self, socket: impl Into<PathBuf>) -> Self {
        self.credentials.push(Credential::Agent(Some(socket.into())));
        self
    }

    /// Also tries this password.
    #[must_use]
    pub fn with_password(mut self, password: impl Into<String>) -> Self {
        self.credentials.push(Credential::Password(password.into()));
        self
    }

    /// Sets which host keys are accepted.
    #[must_use]
    pub fn with_host_keys(mut self, host_keys: HostKeys) -> Self {
        self.host_keys = host_keys;
        self
    }

    /// Sets the file of known hosts.
    #[must_use]
    pub fn with_known_hosts(mut self, path: impl Into<PathBuf>) -> Self {
        self.known_hosts = Some(path.into());
        self
    }

    /// Sets how long connecting may take, until files can be asked for.
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets how long the server may send nothing at all while an answer is due. It has to be longer than the server
    /// needs to sync a file. The connection is given up then.
    #[must_use]
    pub fn with_request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// Sets after how much silence the server is asked whether it is still there.
    #[must_use]
    pub fn with_keepalive(mut self, interval: Duration) -> Self {
        self.keepalive = interval;
        self
    }

    /// Sets the modes of files and folders that are made. The server's umask still takes from them.
    #[must_use]
    pub fn with_modes(mut self, file: u32, folder: u32) -> Self {
        (self.file_mode, self.folder_mode) = (file & 0o777, folder & 0o777);
        self
    }

    /// Sets what to do if the root folder does not exist.
    #[must_use]
    pub fn with_missing_root(mut self, missing_root: MissingRoot) -> Self {
        self.missing_root = missing_root;
        self
    }

    /// Connects, proves who we are, and looks at the root folder and at what the server can do.
    ///
    /// Call it on a tokio runtime with time and I/O; the backend belongs to that runtime.
    ///
    /// # Errors
    /// `PermissionDenied` if the host key or our credentials are refused; `Unavailable` if the server cannot be
    /// reached; `NotFound` if there is no root folder, `Invalid` if it is no folder; `Unsupported` if no algorithm is
    /// common.
    pub async fn connect(self) -> Result<Sftp> {
        Sftp::connect(self).await
    }

    /// Where it leads, without secrets.
    pub(crate) fn address(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        format!("{}@{host}:{}", self.user, self.port)
    }
}

impl fmt::Display for SftpConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sftp://{}{}", self.address(), self.folder)
    }
}

impl fmt::Debug for SftpConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SftpConfig")
            .field("uri", &self.to_string())
            .field("credentials", &self.credentials)
            .field("host_keys", &self.host_keys)
            .field("known_hosts", &self.known_hosts)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeyFile { path, .. } => write!(f, "KeyFile({})", path.display()),
            Self::KeyText { .. } => f.write_str("KeyText(***)"),
            Self::Agent(_) => f.write_str("Agent"),
            Self::Password(_) => f.write_str("Password(***)"),
        }
    }
}

#[cfg(test)]
mod tests;

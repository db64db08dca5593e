//! Whom we talk to: the server's key against what is known of it.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use russh::keys::known_hosts::{known_host_keys_path, learn_known_hosts_path};
use russh::keys::ssh_key::Fingerprint;
use russh::keys::{Algorithm, HashAlg, PublicKey, PublicKeyBase64};
use worldstore_core::{Error, ErrorKind, Result};

use crate::config::SftpConfig;

/// Which keys of a server are accepted. No key is ever accepted without one of these having said so.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum HostKeys {
    /// Only those in the file of known hosts.
    #[default]
    Strict,
    /// Those in the file of known hosts; a host of which the file has no key is trusted at first sight, and its key is
    /// written there. A key that differs from the known ones is refused.
    AcceptNew,
    /// The one with this fingerprint (`SHA256:…`, as `ssh-keygen -lf` prints it). A server with several keys shows
    /// Ed25519 before ECDSA before RSA. The file of known hosts is not read.
    Pinned(String),
}

/// What decides on a server's key: read from the file before the connection is made.
#[derive(Debug, Clone)]
pub(crate) struct Trust {
    host: String,
    port: u16,
    policy: HostKeys,
    pinned: Option<Fingerprint>,
    path: PathBuf,
    known: Vec<PublicKey>,
    /// Base64 of the keys that the file calls revoked, for whatever host.
    revoked: Vec<String>,
}

impl Trust {
    /// Reads the file of known hosts. Blocks for as long as that takes.
    pub fn load(config: &SftpConfig) -> Result<Self> {
        let (host, port, policy) = (config.host.clone(), config.port, config.host_keys.clone());
        if let HostKeys::Pinned(text) = &policy {
            let wrong = |_| Error::invalid("host key fingerprint is not like SHA256:…").with("fingerprint", text);
            let pinned = Some(Fingerprint::from_str(text).map_err(wrong)?);
            return Ok(Self { host, port, policy, pinned, path: PathBuf::new(), known: vec![], revoked: vec![] });
        }
        let path = match &config.known_hosts {
            Some(path) => path.clone(),
            None => default_known_hosts()?,
        };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(Error::io("read known hosts", source).with("path", path.display())),
        };
        let revoked = text.lines().filter_map(|line| line.strip_prefix("@revoked")).map(str::to_owned).collect();
        let known = known_host_keys_path(&host, port, &path).map_err(|source| {
            let message = "the file of known hosts has a line for this host that is no key";
            Error::new(ErrorKind::PermissionDenied, message).with("path", path.display()).caused_by(source)
        })?;
        let known = known.into_iter().map(|(_, key)| key).collect();
        Ok(Self { host, port, policy, pinned: None, path, known, revoked })
    }

    /// Puts the algorithms of known keys first, so that a server with several keys shows one that is known.
    pub fn prefer(&self, algorithms: &[Algorithm]) -> Vec<Algorithm> {
        let is_known = |algorithm: &Algorithm| {
            self.known.iter().any(|key| match (key.algorithm(), algorithm) {
                (Algorithm::Rsa { .. }, Algorithm::Rsa { .. }) => true,
                (known, algorithm) => known == *algorithm,
            })
        };
        let (mut first, rest): (Vec<_>, Vec<_>) = algorithms.iter().cloned().partition(is_known);
        first.extend(rest);
        first
    }

    /// Decides on the key that the server has just proved to have.
    pub fn decide(&self, key: &PublicKey) -> Result<()> {
        let encoded = key.public_key_base64();
        if self.revoked.iter().any(|line| line.split_ascii_whitespace().any(|word| word == encoded)) {
            return Err(self.refusal("the host key is revoked in the file of known hosts", key));
        }
        if let Some(pinned) = &self.pinned {
            return match key.fingerprint(pinned.algorithm()) == *pinned {
                true => Ok(()),
                false => Err(self.refusal("the host key is not the pinned one", key).with("pinned", pinned)),
            };
        }
        if self.known.iter().any(|known| known.key_data() == key.key_data()) {
            return Ok(());
        }
        if !self.known.is_empty() {
            let message = "the host key has changed: either the server was set up anew, or someone is in between; \
                           ask its operator for the fingerprint, then replace the line in the file of known hosts";
            return Err(self.refusal(message, key));
        }
        match self.policy {
            HostKeys::AcceptNew => self.learn(key),
            HostKeys::Strict | HostKeys::Pinned(_) => {
                let message = "the host is not known: ask its operator for the fingerprint, then add the key to the \
                               file of known hosts (ssh-keyscan prints the line), or pin the fingerprint";
                Err(self.refusal(message, key))
            }
        }
    }

    fn learn(&self, key: &PublicKey) -> Result<()> {
        learn_known_hosts_path(&self.host, self.port, key, &self.path).map_err(|source| {
            self.refusal("the new host key could not be written to the file of known hosts", key).caused_by(source)
        })
    }

    fn refusal(&self, message: &str, key: &PublicKey) -> Error {
        let error = Error::new(ErrorKind::PermissionDenied, message)
            .during("connect")
            .with("host", format!("{}:{}", self.host, self.port))
            .with("fingerprint", key.fingerprint(HashAlg::Sha256))
            .with("algorithm", key.algorithm());
        match self.path.as_os_str().is_empty() {
            true => error,
            false => error.with("known_hosts", self.path.display()),
        }
    }
}

fn default_known_hosts() -> Result<PathBuf> {
    let home = std::env::home_dir().filter(|home| !home.as_os_str().is_empty());
    let home = home.ok_or_else(|| Error::invalid("there is no home folder: say where the known hosts are"))?;
    Ok(Path::new(&home).join(".ssh").join("known_hosts"))
}

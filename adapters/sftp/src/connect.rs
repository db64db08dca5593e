//! From a configuration to a channel that speaks the protocol: TCP, SSH, host key, credentials, subsystem.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use russh::client::{self, AuthResult, Msg};
#[cfg(unix)]
use russh::keys::agent::{AgentIdentity, client::AgentClient};
use russh::keys::{Algorithm, HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKeyOrCertificate, decode_secret_key};
use russh::{Channel, ChannelMsg, MethodSet, Preferred};
use tokio::net::TcpStream;
use worldstore_core::{Error, ErrorKind, Result};

use crate::config::{Credential, SftpConfig};
use crate::host_keys::Trust;
use crate::session::Session;

/// A connection below the protocol.
pub(crate) type Ssh = client::Handle<Visitor>;

/// Connects within the connect timeout.
pub(crate) async fn connect(config: &SftpConfig) -> Result<Arc<Session>> {
    let connected = match tokio::time::timeout(config.connect_timeout, open(config)).await {
        Ok(connected) => connected,
        Err(_) => Err(Error::new(ErrorKind::Unavailable, "the server did not answer within the connect timeout")),
    };
    connected.map_err(|error| error.during("connect").with("server", config.address()))
}

async fn open(config: &SftpConfig) -> Result<Arc<Session>> {
    let settings = config.clone();
    // The file of known hosts is small, but keys with a passphrase take long on purpose.
    let prepared = tokio::task::spawn_blocking(move || prepare(&settings)).await;
    let (trust, proofs) = prepared.map_err(|source| Error::unexpected("a thread was lost").caused_by(source))??;
    let stream = TcpStream::connect((config.host.as_str(), config.port)).await.map_err(unreachable)?;
    stream.set_nodelay(true).map_err(unreachable)?;
    let mut key = trust.prefer(&Preferred::DEFAULT.key);
    if cfg!(not(feature = "rsa")) {
        // The client would agree to it and then fail to check the proof.
        key.retain(|algorithm| !matches!(algorithm, Algorithm::Rsa { .. }));
    }
    let ssh = client::Config {
        keepalive_interval: Some(config.keepalive),
        keepalive_max: 3,
        preferred: Preferred { key: Cow::Owned(key), ..Preferred::DEFAULT },
        ..client::Config::default()
    };
    let mut handle = client::connect_stream(Arc::new(ssh), stream, Visitor { trust }).await.map_err(Refusal::error)?;
    authenticate(&mut handle, config, proofs).await?;
    let channel = subsystem(&handle).await?;
    Session::begin(handle, channel, config.request_timeout).await.map_err(|failure| failure.into_error("connect"))
}

fn unreachable(source: std::io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "the server cannot be reached").caused_by(source)
}

/// A credential, ready for use.
enum Proof {
    Key(Arc<PrivateKey>),
    Agent(Option<PathBuf>),
    Password(String),
}

fn prepare(config: &SftpConfig) -> Result<(Trust, Vec<Proof>)> {
    let trust = Trust::load(config)?;
    if config.credentials.is_empty() {
        let message = "no credentials: give a key file, a key, a password, or ask for the agent";
        return Err(Error::invalid(message));
    }
    let proofs = config.credentials.iter().map(|credential| match credential {
        Credential::Agent(socket) => Ok(Proof::Agent(socket.clone())),
        Credential::Password(password) => Ok(Proof::Password(password.clone())),
        Credential::KeyText { pem, passphrase } => key(pem, passphrase.as_deref()),
        Credential::KeyFile { path, passphrase } => {
            let unread =
                |source: std::io::Error| Error::invalid("the private key file cannot be read").caused_by(source);
            let text = std::fs::read_to_string(path).map_err(unread);
            text.and_then(|pem| key(&pem, passphrase.as_deref())).map_err(|error| error.with("path", path.display()))
        }
    });
    Ok((trust, proofs.collect::<Result<_>>()?))
}

fn key(pem: &str, passphrase: Option<&str>) -> Result<Proof> {
    let key = decode_secret_key(pem, passphrase).map_err(|source| {
        let message = "the private key cannot be read: it is of no known kind, or its passphrase is missing or wrong";
        Error::invalid(message).caused_by(source)
    })?;
    if cfg!(not(feature = "rsa")) && matches!(key.algorithm(), Algorithm::Rsa { .. }) {
        return Err(Error::unsupported("rsa keys need the feature rsa of this crate"));
    }
    Ok(Proof::Key(Arc::new(key)))
}

async fn authenticate(ssh: &mut Ssh, config: &SftpConfig, proofs: Vec<Proof>) -> Result<()> {
    let (mut accepted, mut unusable) = (None, None);
    for proof in proofs {
        let result = match proof {
            Proof::Key(key) => {
                let hash = rsa_hash(ssh, &key.algorithm()).await?;
                ssh.authenticate_publickey(&config.user, PrivateKeyWithHashAlg::new(key, hash)).await.map_err(broken)?
            }
            Proof::Password(password) => ssh.authenticate_password(&config.user, password).await.map_err(broken)?,
            Proof::Agent(socket) => match with_agent(ssh, &config.user, socket).await {
                // What was added after it may do.
                Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::Unsupported) => {
                    unusable = Some(error);
                    continue;
                }
                tried => tried?,
            },
        };
        match result {
            AuthResult::Success => return Ok(()),
            AuthResult::Failure { remaining_methods, .. } => accepted = methods(&remaining_methods).or(accepted),
        }
    }
    if ssh.is_closed() {
        let message = "the server ended the connection while the credentials were tried";
        return Err(Error::new(ErrorKind::PermissionDenied, message));
    }
    match (accepted, unusable) {
        // The server was shown nothing that it could refuse.
        (None, Some(error)) => Err(error),
        (accepted, unusable) => Err(refused(&config.user, accepted, unusable)),
    }
}

fn refused(user: &str, accepted: Option<String>, unusable: Option<Error>) -> Error {
    let mut error = Error::new(ErrorKind::PermissionDenied, "the server refuses the credentials").with("user", user);
    if let Some(accepted) = accepted {
        error = error.with("server_accepts", accepted);
    }
    match unusable {
        Some(source) => error.caused_by(source),
        None => error,
    }
}

/// The methods by which a server lets users in; none if it tells none that are known.
fn methods(accepted: &MethodSet) -> Option<String> {
    let names: Vec<&'static str> = accepted.iter().map(Into::into).collect();
    (!names.is_empty()).then(|| names.join(" "))
}

/// The best hash that the server takes with an RSA key. Asking may take a second, so only for such keys.
async fn rsa_hash(ssh: &Ssh, algorithm: &Algorithm) -> Result<Option<HashAlg>> {
    match algorithm {
        Algorithm::Rsa { .. } => Ok(ssh.best_supported_rsa_hash().await.map_err(broken)?.flatten()),
        _ => Ok(None),
    }
}

#[cfg(unix)]
async fn with_agent(ssh: &mut Ssh, user: &str, socket: Option<PathBuf>) -> Result<AuthResult> {
    let failed = |source: russh::keys::Error| {
        Error::new(ErrorKind::PermissionDenied, "the ssh agent cannot be used").caused_by(source)
    };
    let mut agent = match socket {
        Some(socket) => AgentClient::connect_uds(socket).await.map_err(failed)?,
        None => AgentClient::connect_env().await.map_err(failed)?,
    };
    let mut tried = Ok(AuthResult::Failure { remaining_methods: MethodSet::empty(), partial_success: false });
    for identity in agent.request_identities().await.map_err(failed)? {
        let AgentIdentity::PublicKey { key, .. } = identity else { continue };
        let hash = rsa_hash(ssh, &key.algorithm()).await?;
        tried = match ssh.authenticate_publickey_with(user, key, hash, &mut agent).await {
            Ok(AuthResult::Success) => return Ok(AuthResult::Success),
            Ok(refused) => tried.and(Ok(refused)),
            // It may sign with another key: for some it asks its user.
            Err(source) => Err(Error::new(ErrorKind::PermissionDenied, "the ssh agent did not sign").caused_by(source)),
        };
    }
    tried
}

#[cfg(not(unix))]
async fn with_agent(_ssh: &mut Ssh, _user: &str, _socket: Option<PathBuf>) -> Result<AuthResult> {
    Err(Error::unsupported("the ssh agent is only supported on unix"))
}

async fn subsystem(ssh: &Ssh) -> Result<Channel<Msg>> {
    let mut channel = ssh.channel_open_session().await.map_err(broken)?;
    channel.request_subsystem(true, "sftp").await.map_err(broken)?;
    loop {
        match channel.wait().await {
            Some(ChannelMsg::Success) => return Ok(channel),
            Some(ChannelMsg::Failure) => return Err(Error::unsupported("the server has no sftp subsystem")),
            Some(ChannelMsg::Eof | ChannelMsg::Close) | None => {
                return Err(Error::new(ErrorKind::Unavailable, "the server closed the channel"));
            }
            Some(_) => {}
        }
    }
}

/// What looks at the server's key.
pub(crate) struct Visitor {
    trust: Trust,
}

/// Why there is no connection.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// We refuse the server.
    Ours(Error),
    /// The client could not connect.
    Client(russh::Error),
}

impl From<russh::Error> for Refusal {
    fn from(source: russh::Error) -> Self {
        Self::Client(source)
    }
}

impl Refusal {
    fn error(self) -> Error {
        match self {
            Self::Ours(error) => error,
            Self::Client(source) => broken(source),
        }
    }
}

impl client::Handler for Visitor {
    type Error = Refusal;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, Refusal> {
        match key {
            PublicKeyOrCertificate::PublicKey { key, .. } => {
                self.trust.decide(key).map(|()| true).map_err(Refusal::Ours)
            }
            PublicKeyOrCertificate::Certificate(_) => Err(Refusal::Ours(Error::new(
                ErrorKind::PermissionDenied,
                "the server shows a certificate, which was not asked for",
            ))),
        }
    }
}

/// Translates a failure of the connection below the protocol.
fn broken(source: russh::Error) -> Error {
    use russh::Error as Ssh;
    let (kind, message) = match &source {
        Ssh::NoCommonAlgo { .. } => {
            (ErrorKind::Unsupported, "client and server have no algorithm in common; rsa needs the feature rsa")
        }
        Ssh::WrongServerSig | Ssh::UnknownKey | Ssh::KeyChanged { .. } => {
            (ErrorKind::PermissionDenied, "the server did not prove that the host key is its own")
        }
        Ssh::IO(_)
        | Ssh::Disconnect
        | Ssh::HUP
        | Ssh::SendError
        | Ssh::RecvError
        | Ssh::ConnectionTimeout
        | Ssh::KeepaliveTimeout
        | Ssh::InactivityTimeout
        | Ssh::Elapsed(_) => (ErrorKind::Unavailable, "the connection to the server broke"),
        Ssh::ChannelOpenFailure(_) => (ErrorKind::Unavailable, "the server opens no channel"),
        _ => (ErrorKind::Unexpected, "the ssh connection failed"),
    };
    Error::new(kind, message).caused_by(source)
}

#[cfg(test)]
mod tests;

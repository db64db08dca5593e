//! Whom we trust and who trusts us; nothing is accepted silently.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use worldstore_core::{Error, ErrorKind};
use worldstore_sftp::{HostKeys, MissingRoot, Sftp, SftpConfig};

use crate::service::{Service, names, service};

/// Keys that no server and no user has. The private one has the passphrase `passphrase`.
const STRANGER: &str = include_str!("keys/stranger");
const OTHER_ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFCMAt9P6T1ePSBMm8gEd+9N6R49OokG4jXCTMrVgdIR";
const OTHER_ECDSA: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBBk074V20tULvV8eyeOdH\
                           avF62zy+za5UG+Ku8UhOugjI1+87Q2TF62lO7dObL5ghEwZjbBM30cvIDcHb7oXHf0=";

/// The server's fingerprint, as it is told to whoever does not know the host.
pub async fn fingerprint(service: &Service) -> String {
    let empty = tempfile::tempdir().unwrap();
    let config = service.config().with_known_hosts(empty.path().join("none"));
    let error = refused(config).await;
    context(&error, "fingerprint").to_owned()
}

fn context<'error>(error: &'error Error, key: &str) -> &'error str {
    error
        .context()
        .find(|(have, _)| *have == key)
        .map(|(_, value)| value)
        .unwrap_or_else(|| panic!("no {key}: {error}"))
}

async fn refused(config: SftpConfig) -> Error {
    config.connect().await.map(|backend: Sftp| backend.to_string()).unwrap_err()
}

/// A file of known hosts with this key for the server.
fn known(service: &Service, folder: &Path, line: &str) -> SftpConfig {
    let (host, port) =
        service.address().rsplit_once(':').map(|(host, port)| (host.to_owned(), port.to_owned())).unwrap();
    let path = folder.join("known_hosts");
    std::fs::write(&path, line.replace("HOST", &format!("[{host}]:{port}"))).unwrap();
    service.config().with_known_hosts(path)
}

#[tokio::test]
async fn an_unknown_host_is_refused_and_told() {
    let Some(service) = service() else { return };
    let folder = tempfile::tempdir().unwrap();
    for line in ["", "# HOST ssh-ed25519 AAAA\n", "[elsewhere]:22 ssh-ed25519 AAAA\n"] {
        let config = known(&service, folder.path(), line);
        let before = std::fs::read(folder.path().join("known_hosts")).unwrap();
        let error = refused(config).await;
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
        assert!(
            error.message().contains("not known") && context(&error, "fingerprint").starts_with("SHA256:"),
            "{error}"
        );
        assert!(context(&error, "known_hosts").ends_with("known_hosts"), "{error}");
        assert_eq!(std::fs::read(folder.path().join("known_hosts")).unwrap(), before, "nothing is learned");
    }
}

#[tokio::test]
async fn a_changed_key_is_refused_whatever_the_policy() {
    let Some(service) = service() else { return };
    let folder = tempfile::tempdir().unwrap();
    for policy in [HostKeys::Strict, HostKeys::AcceptNew] {
        for other in [OTHER_ED25519, OTHER_ECDSA] {
            let config = known(&service, folder.path(), &format!("HOST {other}\n")).with_host_keys(policy.clone());
            let before = std::fs::read(folder.path().join("known_hosts")).unwrap();
            let error = refused(config).await;
            assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
            assert!(error.message().contains("changed"), "{error}");
            assert_eq!(std::fs::read(folder.path().join("known_hosts")).unwrap(), before);
        }
    }
}

#[tokio::test]
async fn a_new_host_is_learned_if_that_was_asked_for() {
    let Some(service) = service() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new").join("known_hosts");
    let config = service.config().with_known_hosts(&path);
    config.clone().with_host_keys(HostKeys::AcceptNew).connect().await.unwrap();
    let learned = std::fs::read_to_string(&path).unwrap();
    assert_eq!(learned.lines().filter(|line| line.contains("ssh-")).count(), 1, "{learned}");
    config.clone().connect().await.unwrap();
    config.with_host_keys(HostKeys::AcceptNew).connect().await.unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), learned, "only once");
}

#[tokio::test]
async fn a_revoked_key_is_refused_even_if_it_is_known() {
    let Some(service) = service() else { return };
    let folder = tempfile::tempdir().unwrap();
    let known_hosts = std::fs::read_to_string(&service.known_hosts).unwrap();
    let key = known_hosts.lines().find(|line| line.contains("ssh-ed25519")).unwrap().split_once(' ').unwrap().1;
    let config = known(&service, folder.path(), &format!("HOST {key}\n"));
    config.connect().await.unwrap();
    let config = known(&service, folder.path(), &format!("HOST {key}\n@revoked * {key}\n"));
    let error = refused(config).await;
    assert!(error.kind() == ErrorKind::PermissionDenied && error.message().contains("revoked"), "{error}");
}

#[tokio::test]
async fn a_pinned_key_needs_no_file() {
    let Some(service) = service() else { return };
    let pinned = fingerprint(&service).await;
    let config = service.config().with_known_hosts("/nowhere");
    config.clone().with_host_keys(HostKeys::Pinned(pinned.clone())).connect().await.unwrap();
    let wrong = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned();
    let error = refused(config.clone().with_host_keys(HostKeys::Pinned(wrong))).await;
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    assert_eq!(context(&error, "fingerprint"), pinned);
    let error = refused(config.with_host_keys(HostKeys::Pinned("not a fingerprint".into()))).await;
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
}

#[tokio::test]
async fn wrong_credentials_are_refused_and_never_shown() {
    let Some(service) = service() else { return };
    let bare = SftpConfig::from_uri(&service.url).unwrap().with_known_hosts(&service.known_hosts);
    let stranger = bare.clone().with_key_text(STRANGER, Some("passphrase".into()));
    let password = bare.clone().with_password("pa55word");
    for config in [stranger.clone(), password.clone(), stranger.with_password("pa55word")] {
        let error = refused(config).await;
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
        assert!(!format!("{error:?}").contains("pa55word"), "{error:?}");
    }
    for config in [
        bare.clone(),
        bare.clone().with_key_text(STRANGER, None),
        bare.clone().with_key_text(STRANGER, Some("wr0ng".into())),
        bare.clone().with_key_text("no key", None),
        bare.clone().with_key_file("/nowhere/key", None),
    ] {
        let error = refused(config).await;
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(!format!("{error:?}").contains("wr0ng"), "{error:?}");
    }
    // The next credential is tried when one is refused.
    let config = password.with_key_file(&service.key, None).with_missing_root(MissingRoot::Create);
    assert_eq!(names(&config.connect().await.unwrap()).await, [""; 0]);
}

#[tokio::test]
async fn a_missing_root_and_a_missing_server_are_told_apart() {
    let Some(service) = service() else { return };
    let error = refused(service.config().with_missing_root(MissingRoot::Refuse)).await;
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert!(context(&error, "root").ends_with(service.folder.to_str().unwrap()), "{error}");
    service.connect().await;
    std::fs::write(service.folder.join("file"), "x").unwrap();
    let file = service.config_at(&format!("{}/file", service.url)).with_missing_root(MissingRoot::Refuse);
    assert_eq!(refused(file).await.kind(), ErrorKind::Invalid);
    let nobody = refused(service.config_at(&service.url_by(1))).await;
    assert_eq!(nobody.kind(), ErrorKind::Unavailable, "{nobody}");
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let config = service.config_at(&service.url_by(silent.local_addr().unwrap().port()));
    let error = refused(config.with_connect_timeout(Duration::from_millis(300))).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}

#[tokio::test]
async fn an_agent_signs_for_us() {
    let Some(service) = service() else { return };
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("agent");
    let Some(agent) = agent(&socket).await else { return };
    let bare = SftpConfig::from_uri(&service.url).unwrap().with_known_hosts(&service.known_hosts);
    let config = bare.with_agent_at(&socket).with_missing_root(MissingRoot::Create);
    let error = refused(config.clone()).await;
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "it holds no key: {error}");
    add(&socket, &["-q"], &service);
    config.clone().connect().await.unwrap();
    drop(agent);
    assert_eq!(refused(config).await.kind(), ErrorKind::PermissionDenied);
}

#[tokio::test]
async fn what_comes_after_an_agent_of_no_use_is_tried() {
    let Some(service) = service() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (socket, nowhere) = (folder.path().join("agent"), folder.path().join("nowhere"));
    let bare = SftpConfig::from_uri(&service.url).unwrap().with_known_hosts(&service.known_hosts);
    let bare = bare.with_missing_root(MissingRoot::Create);
    let missing = bare.clone().with_agent_at(&nowhere);
    missing.clone().with_key_file(&service.key, None).connect().await.unwrap();
    let error = refused(missing.clone()).await;
    assert!(error.kind() == ErrorKind::PermissionDenied && error.message().contains("cannot be used"), "{error}");
    let error = refused(missing.with_password("pa55word")).await;
    assert_eq!(context(&error, "server_accepts"), "publickey");
    assert!(format!("{error:?}").contains("cannot be used"), "the agent is not forgotten: {error:?}");

    let Some(_agent) = agent(&socket).await else { return };
    // It asks before it signs, and there is nobody to say yes.
    add(&socket, &["-q", "-c"], &service);
    let unwilling = bare.with_agent_at(&socket);
    let error = refused(unwilling.clone()).await;
    assert!(error.kind() == ErrorKind::PermissionDenied && error.message().contains("did not sign"), "{error}");
    unwilling.with_key_file(&service.key, None).connect().await.unwrap();
}

/// An agent without keys at this socket. Asked for a confirmation, it refuses.
async fn agent(socket: &Path) -> Option<Ended> {
    let mut command = Command::new("ssh-agent");
    command.arg("-D").arg("-a").arg(socket).env("SSH_ASKPASS", "/bin/false").stdout(Stdio::null());
    let Ok(agent) = command.spawn() else {
        assert!(std::env::var_os("CI").is_none(), "there is no ssh-agent");
        eprintln!("SKIPPED: there is no ssh-agent, install the OpenSSH client");
        return None;
    };
    let agent = Ended(agent);
    while !socket.exists() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Some(agent)
}

/// Gives an agent the user's key.
fn add(socket: &Path, options: &[&str], service: &Service) {
    let added = Command::new("ssh-add").args(options).arg(&service.key).env("SSH_AUTH_SOCK", socket).status().unwrap();
    assert!(added.success());
}

/// A process that ends with its test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

//! What a URI may hold, what is wrong with others, and that secrets are not shown.

use super::*;

fn shown(uri: &str) -> String {
    SftpConfig::from_uri(uri).unwrap().to_string()
}

#[test]
fn a_uri_is_read_byte_for_byte() {
    assert_eq!(shown("sftp://me@host/a/b"), "sftp://me@host:22/a/b");
    assert_eq!(shown("sftp://me@host:2222/a/b/"), "sftp://me@host:2222/a/b");
    assert_eq!(shown("sftp://me@host/"), "sftp://me@host:22/");
    assert_eq!(shown("sftp://me@[::1]:7/x"), "sftp://me@[::1]:7/x");
    assert_eq!(shown("sftp://me@[::1]/x"), "sftp://me@[::1]:22/x");
    assert_eq!(shown("sftp://m%40e@host/a%20b/%25/ü c"), "sftp://m@e@host:22/a b/%/ü c");
    let config = SftpConfig::from_uri("sftp://me:p%3A%40ss@host/a").unwrap();
    assert!(matches!(&config.credentials[..], [Credential::Password(password)] if password == "p:@ss"));
    assert_eq!((config.user.as_str(), config.host.as_str(), config.port), ("me", "host", 22));
}

#[test]
fn a_wrong_uri_names_the_part() {
    for (uri, part) in [
        ("ftp://me@host/a", "scheme: ftp"),
        ("me@host:/a", "scheme: none"),
        ("sftp://me@host", "no folder"),
        ("sftp://host/a", "user is missing"),
        ("sftp://@host/a", "user is missing"),
        ("sftp://me@/a", "host is empty"),
        ("sftp://me@ho st/a", "host: ho st"),
        ("sftp://me@host:/a", "port"),
        ("sftp://me@host:0/a", "port: 0"),
        ("sftp://me@host:+22/a", "port: +22"),
        ("sftp://me@host:65536/a", "port: 65536"),
        ("sftp://me@host:x/a", "port: x"),
        ("sftp://me@[::1/a", "bracket"),
        ("sftp://me@[::1]x/a", "bracket"),
        ("sftp://me@host/a/../b", "dot segments"),
        ("sftp://me@host/./b", "dot segments"),
        ("sftp://me@host/%2e%2e", "dot segments"),
        ("sftp://me@host/a%00", "absolute path"),
        ("sftp://me@host/a?b=c", "a query"),
        ("sftp://me@host/a#b", "a fragment"),
        ("sftp://me@host/%", "part: folder"),
        ("sftp://me@host/%zz", "part: folder"),
        ("sftp://me@host/%ff", "part: folder"),
        ("sftp://%4@host/a", "part: user"),
        ("sftp://me:%s3cret@host/a", "part: password"),
    ] {
        let error = SftpConfig::from_uri(uri).unwrap_err();
        assert_eq!(error.kind(), worldstore_core::ErrorKind::Invalid, "{uri}");
        assert!(error.to_string().contains(part), "{uri}: {error}");
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
    }
}

#[test]
fn secrets_are_masked() {
    let config = SftpConfig::from_uri("sftp://me:s3cret@host/a").unwrap();
    let config = config.with_key_file("/keys/mine", Some("s3cret".into()));
    let config = config.with_key_text("s3cret", Some("s3cret".into())).with_password("s3cret").with_agent();
    let shown = format!("{config} {config:?} {config:#?}");
    assert!(!shown.contains("s3cret"), "{shown}");
    for part in ["sftp://me@host:22/a", "KeyFile(/keys/mine)", "KeyText(***)", "Password(***)", "Agent", "Strict"] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
}

#[test]
fn a_folder_by_hand_is_checked_too() {
    for (host, user, folder) in
        [("", "me", "/a"), ("h", "", "/a"), ("h", "me", "a"), ("h", "me", "/a/.."), ("h", "me", "")]
    {
        assert!(SftpConfig::new(host, user, folder).is_err(), "{host} {user} {folder}");
    }
}

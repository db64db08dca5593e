//! URIs, limits, and what is shown of them.

use std::time::Duration;

use worldstore_core::ErrorKind;
use worldstore_redis::{Persistence, RedisConfig};

use crate::scratch;

#[test]
fn a_uri_names_server_database_and_namespace() {
    let shown = |uri: &str| RedisConfig::from_uri(uri).unwrap().to_string();
    assert_eq!(shown("redis://host"), "host:6379/0?namespace=worldstore");
    assert_eq!(shown("redis://me:p%40ss@host:7000/3?namespace=a-b/c"), "host:7000/3?namespace=a-b/c");
    assert_eq!(shown("redis://[::1]:7000/"), "[::1]:7000/0?namespace=worldstore");
    let built = RedisConfig::new("host", 7000).unwrap().with_database(3).with_namespace("a").unwrap();
    assert_eq!(built.to_string(), "host:7000/3?namespace=a");
}

#[test]
fn wrong_uris_are_refused_without_their_password() {
    for uri in [
        "redis://:secret@",
        "redis://me:secret@host/x",
        "redis://me:secret@host/-1",
        "redis://me:secret@host:port/1",
        "redis://me:secret@host?namespace=",
        "redis://me:secret@host?namespace=a{b}",
        "redis://me:secret@host?name=a",
        "redis://me:secret@host#insecure",
        "redis://me:secret@host/1/2",
        "unix:///secret",
        "http://me:secret@host",
        "",
    ] {
        let error = RedisConfig::from_uri(uri).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{uri}: {error}");
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }
    let tls = RedisConfig::from_uri("rediss://me:secret@host");
    match cfg!(feature = "tls") {
        true => assert!(tls.is_ok()),
        false => assert_eq!(tls.unwrap_err().kind(), ErrorKind::Unsupported),
    }
    assert_eq!(RedisConfig::new("", 1).unwrap_err().kind(), ErrorKind::Invalid);
}

#[test]
fn secrets_are_not_shown() {
    let config = RedisConfig::from_uri("redis://me:secret%21@127.0.0.1:1/0").unwrap();
    let built = RedisConfig::new("127.0.0.1", 1).unwrap().with_credentials(Some("me"), "secret!");
    for config in [config, built] {
        let error = config.connect().unwrap_err();
        for shown in [format!("{config:?}"), config.to_string(), error.to_string(), format!("{error:?}")] {
            assert!(!shown.contains("secret"), "{shown}");
        }
        assert!(format!("{config:?}").contains("me"));
    }
}

#[test]
fn limits_of_nothing_are_refused() {
    let config = || RedisConfig::new("127.0.0.1", 1).unwrap();
    for config in [
        config().with_connections_max(0),
        config().with_command_timeout(Duration::ZERO),
        config().with_connect_timeout(Duration::ZERO),
        config().with_piece_bytes(0),
    ] {
        assert_eq!(config.connect().unwrap_err().kind(), ErrorKind::Invalid);
    }
}

#[test]
fn durability_is_declared_only_if_the_server_has_it() {
    use redis::Commands;
    use worldstore_core::Backend;
    let Some(scratch) = scratch("durable") else { return };
    let setting = |name: &str| -> String {
        let pair: Vec<String> = redis::cmd("CONFIG").arg("GET").arg(name).query(&mut scratch.server()).unwrap();
        pair[1].clone()
    };
    let _: Option<String> = scratch.server().get("nothing").unwrap();
    let syncs = setting("appendonly") == "yes" && setting("appendfsync") == "always";
    match scratch.config.clone().with_persistence(Persistence::Always).connect() {
        Ok(backend) => assert!(syncs && backend.info().capability.durable),
        Err(error) => assert!(!syncs && error.kind() == ErrorKind::Unsupported, "{error}"),
    }
    assert!(!scratch.connect().info().capability.durable);
}

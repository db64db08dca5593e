//! URIs and settings that are wrong, and secrets that do not show.

use worldstore_core::ErrorKind;

use super::*;
use crate::connection::Transport;

#[test]
fn a_uri_names_bucket_and_root_literally() {
    let config = S3Config::from_uri("s3://some-bucket.v2/a folder/100%/é/").expect("a valid URI");
    assert_eq!((config.bucket.as_str(), config.root.as_str()), ("some-bucket.v2", "a folder/100%/é"));
    for root in ["s3://some-bucket", "s3://some-bucket/"] {
        assert!(S3Config::from_uri(root).expect("a valid URI").root.is_root());
    }
}

#[test]
fn a_wrong_uri_is_refused_with_its_reason() {
    for (uri, reason) in [
        ("bucket/folder", "start with s3://"),
        ("s3a://bucket", "start with s3://"),
        ("s3://", "names no bucket"),
        ("s3:///folder", "names no bucket"),
        ("s3://ab", "3 to 63"),
        ("s3://Upper", "small letters"),
        ("s3://-lead", "begins and ends"),
        ("s3://a..b", "two dots"),
        ("s3://fast--x-s3/x", "directory buckets"),
        ("s3://key:secret@bucket", "neither user nor port"),
        ("s3://bucket:9000/x", "neither user nor port"),
        ("s3://bucket/x?versionId=1", "neither query"),
        ("s3://bucket/a//b", "empty segment"),
        ("s3://bucket/a/../b", "dot segment"),
        ("s3://bucket/a//", "empty segment"),
    ] {
        let error = S3Config::from_uri(uri).expect_err(uri);
        assert_eq!(error.kind(), ErrorKind::Invalid, "{uri}");
        assert!(error.to_string().contains(reason), "{uri}: {error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[test]
fn plain_http_must_be_allowed() {
    let config = S3Config::from_uri("s3://bucket").expect("a valid URI").with_credentials("key", "hidden");
    let plain = config.clone().with_endpoint("http://127.0.0.1:9");
    let error = plain.connect().expect_err("plain HTTP");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let allowed = Connection::default().with_transport(Transport::HttpAllowed);
    assert!(plain.with_connection(allowed).connect().is_ok());
    for endpoint in ["ftp://host", "no url", "https://user:hidden@host", "https://host/?x=1"] {
        let error = config.clone().with_endpoint(endpoint).connect().expect_err(endpoint);
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(!error.to_string().contains("hidden"), "{error}");
    }
}

#[test]
fn secrets_do_not_show() {
    let config = S3Config::from_uri("s3://bucket/root").expect("a valid URI").with_credentials("AKIA", "hidden");
    let backend = config.connect().expect("a backend");
    for text in [format!("{config:?}"), format!("{config:#?}"), backend.to_string()] {
        assert!(!text.contains("hidden") && !text.contains("AKIA"), "{text}");
    }
    assert!(!format!("{backend:?}").contains("hidden"));
    assert_eq!(backend.to_string(), "s3(s3://bucket/root)");
}

/// A service for credentials that answers everything so.
async fn answering(status: u16) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let answer = format!("HTTP/1.1 {status} Answer\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            // Whoever goes away has no answer.
            let _ = client.read(&mut [0; 4096]).await;
            let _ = client.write_all(answer.as_bytes()).await;
        }
    });
    address
}

#[tokio::test]
async fn requests_for_credentials_say_nothing_of_an_object() {
    use worldstore_async::AsyncBackend;
    use worldstore_core::{
        Condition, DeleteOptions, Deleted, Key, SettleOptions, StatOptions, Version, WriteOptions, WriteToken,
    };
    for status in [404, 412, 503] {
        let config = S3Config::from_uri("s3://bucket").unwrap().with_endpoint("http://127.0.0.1:1");
        let connection = Connection::default().with_transport(Transport::HttpAllowed);
        let config = config.with_connection(connection.with_retries(0, std::time::Duration::from_millis(100)));
        let config = config.with_delete_conditions(Conditions::Kept);
        let watching = Watching::default();
        let builder = config.builder(&watching).unwrap().with_metadata_endpoint(answering(status).await);
        let backend = config.connect_by(builder, &watching).unwrap();
        let key = Key::new("key").unwrap();
        let error = backend.stat(&key, &StatOptions::default()).await.unwrap_err();
        assert!(![ErrorKind::NotFound, ErrorKind::ConditionFailed].contains(&error.kind()), "{status}: {error:?}");
        for options in [WriteOptions::if_absent(), WriteOptions::default()] {
            assert!(backend.write(&key, "x".into(), &options).await.is_err(), "{status}: nothing was sent");
        }
        let token = WriteToken::new("token").unwrap();
        assert!(backend.settle(&key, &token, &SettleOptions::default()).await.is_err(), "{status}");
        let options = DeleteOptions::default().with_condition(Condition::IfMatch(Version::new("\"1\"")));
        let deleted = backend.delete(&[key], &options).await.unwrap();
        let [Deleted::Failed(error)] = deleted.as_slice() else { panic!("{status}: {deleted:?}") };
        assert_ne!(error.kind(), ErrorKind::OutcomeUnknown, "{status}: nothing was sent");
    }
}

#[test]
fn the_service_is_told_apart_from_others() {
    let config = S3Config::from_uri("s3://bucket").expect("a valid URI");
    let backend = config.with_endpoint("https://Here.example:443/").connect().expect("a backend");
    assert_eq!(backend.service(), Some("https://here.example"));
}

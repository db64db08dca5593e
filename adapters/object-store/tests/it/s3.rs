//! Over S3 by its real protocol, against the service at `WORLDSTORE_TEST_S3_ENDPOINT`.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use object_store::aws::AmazonS3Builder;
use object_store::list::{PaginatedListOptions, PaginatedListStore};
use worldstore_async::AsyncBackend;
use worldstore_core::{
    CheckOptions, Condition, ErrorKind, ListOptions, Outcome, Prefix, ReadOptions, StatOptions, WriteOptions,
};
use worldstore_object_store::{Conditions, ObjectStoreBackend, S3Config, UploadConditions};

use crate::proxy::{Proxy, Trouble};
use crate::service::{address, links_work, patient, unique};
use crate::suite::{self, applied, body, bytes, key, write, write_parts};

const CREDENTIALS: (&str, &str) = ("testing", "testing-secret");

pub fn service() -> Option<String> {
    address(
        "WORLDSTORE_TEST_S3_ENDPOINT",
        "pip install 'moto[server]' && moto_server -p 5000, at http://127.0.0.1:5000",
    )
}

fn create_bucket(endpoint: &str) -> String {
    let (bucket, address) = (unique("ws"), endpoint.trim_start_matches("http://").trim_end_matches('/'));
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!(
        "PUT /{bucket} HTTP/1.1\r\nhost: {address}\r\ncontent-length: 0\r\nconnection: close\r\n\
         authorization: AWS4-HMAC-SHA256 Credential={}/20260101/us-east-1/s3/aws4_request, \
         SignedHeaders=host, Signature=0\r\n\r\n",
        CREDENTIALS.0
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
    bucket
}

fn config(endpoint: &str, uri: &str) -> S3Config {
    let config = S3Config::from_uri(uri).unwrap().with_endpoint(endpoint).with_region("us-east-1");
    config
        .with_connection(patient())
        .with_credentials(CREDENTIALS.0, CREDENTIALS.1)
        .with_upload_conditions(UploadConditions::IfAbsentOnly)
        .with_delete_conditions(Conditions::Kept)
}

pub fn backend(endpoint: &str) -> ObjectStoreBackend {
    config(endpoint, &format!("s3://{}", create_bucket(endpoint))).connect().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_holds() {
    let Some(endpoint) = service() else { return };
    suite::everything(&backend(&endpoint)).await;
    let below = format!("s3://{}/some root/é %41", create_bucket(&endpoint));
    suite::everything(&config(&endpoint, &below).connect().unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn races_have_one_winner_and_lose_no_step() {
    let Some(endpoint) = service() else { return };
    suite::create_race(Arc::new(backend(&endpoint)), 300).await;
    suite::counter_race(Arc::new(backend(&endpoint)), 10).await;
    // No race of uploads: this service looks first and commits then. `fake` has it.
}

#[tokio::test]
async fn links_are_signed() {
    let Some(endpoint) = service() else { return };
    links_work(&backend(&endpoint), "link/é a+b", ("content-type", "text/plain")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn listings_go_past_the_page_of_the_protocol() {
    let Some(endpoint) = service() else { return };
    suite::many_keys(Arc::new(backend(&endpoint)), 1_050).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_the_same_bytes_in_the_bucket() {
    let Some(endpoint) = service() else { return };
    let bucket = create_bucket(&endpoint);
    let ours = config(&endpoint, &format!("s3://{bucket}/root %41")).connect().unwrap();
    let name = "a+b c/%2F/é/#?&=~^{}";
    applied(write(&ours, name, "x", Condition::IfAbsent).await);
    let theirs = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_endpoint(&endpoint)
        .with_allow_http(true)
        .with_access_key_id(CREDENTIALS.0)
        .with_secret_access_key(CREDENTIALS.1)
        .build()
        .unwrap();
    let page = theirs.list_paginated(None, PaginatedListOptions::default()).await.unwrap();
    let names: Vec<_> = page.result.objects.iter().map(|meta| meta.location.as_ref()).collect();
    assert_eq!(names, [format!("root %41/{name}")]);
}

#[tokio::test]
async fn a_check_sees_the_bucket_and_its_conditions() {
    let Some(endpoint) = service() else { return };
    let there = backend(&endpoint);
    there.check(&CheckOptions::default()).await.unwrap();
    let page = there.list(&Prefix::root(), &ListOptions::default()).await.unwrap();
    assert!(page.objects.is_empty(), "the probe is removed");
    // The service that the tests use ignores this one, and the check says so.
    let uri = format!("s3://{}", create_bucket(&endpoint));
    let ignoring = config(&endpoint, &uri).with_upload_conditions(UploadConditions::Kept).connect().unwrap();
    let error = ignoring.check(&CheckOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    let missing = config(&endpoint, &format!("s3://{}", unique("ws"))).connect().unwrap();
    let error = missing.check(&CheckOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    let error = missing.write(&key("a"), Bytes::new(), &WriteOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert!(error.to_string().contains("s3(s3://"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_reply_of_a_conditional_put_is_resolved_and_not_repeated() {
    let Some(endpoint) = service() else { return };
    let uri = format!("s3://{}", create_bucket(&endpoint));
    let direct = config(&endpoint, &uri).connect().unwrap();
    let first = applied(write(&direct, "swap", "1", Condition::None).await).version.unwrap();
    for (name, condition) in [("create", Condition::IfAbsent), ("swap", Condition::IfMatch(first))] {
        let proxy = Proxy::start(&endpoint, Trouble::LoseReply).await;
        let lossy = config(&proxy.endpoint, &uri).connect().unwrap();
        let meta = applied(write(&lossy, name, "mine", condition).await);
        let found = direct.stat(&key(name), &StatOptions::default()).await.unwrap();
        assert_eq!((meta.size, meta.version), (4, found.version));
        assert_eq!(proxy.puts.load(Ordering::SeqCst), 1, "sent once");
        assert_eq!(write(&lossy, name, "theirs", Condition::IfAbsent).await, Outcome::Unknown, "proves nothing");
        assert_eq!(bytes(&direct, name, ReadOptions::default()).await.unwrap(), b"mine");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_request_is_unknown_and_a_conflict_is_no_rejection() {
    let Some(endpoint) = service() else { return };
    let uri = format!("s3://{}", create_bucket(&endpoint));
    for (trouble, expected) in [
        (Trouble::LoseRequest, Ok(Outcome::Unknown)),
        (Trouble::Answer(500), Ok(Outcome::Unknown)),
        (Trouble::Answer(503), Ok(Outcome::Unknown)),
        (Trouble::Answer(412), Ok(Outcome::Rejected)),
        (Trouble::Answer(409), Err(ErrorKind::Conflict)),
        (Trouble::Answer(403), Err(ErrorKind::PermissionDenied)),
        (Trouble::Answer(429), Err(ErrorKind::Unavailable)),
        (Trouble::Answer(501), Err(ErrorKind::Unsupported)),
        (Trouble::Answer(400), Err(ErrorKind::Unexpected)),
    ] {
        let proxy = Proxy::start(&endpoint, trouble).await;
        let lossy = config(&proxy.endpoint, &uri)
            .with_connection(patient().with_request_timeout(Duration::from_secs(5)))
            .connect()
            .unwrap();
        let written = lossy.write(&key("key"), Bytes::from_static(b"x"), &WriteOptions::if_absent()).await;
        assert_eq!(written.map_err(|error| error.kind()), expected, "{trouble:?}");
        assert_eq!(proxy.puts.load(Ordering::SeqCst), 1, "{trouble:?}: sent once");
    }
    let nobody = config("http://127.0.0.1:1", &uri).connect().unwrap();
    let refused = nobody.write(&key("key"), Bytes::new(), &WriteOptions::if_absent()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unavailable, "nothing was sent: {refused}");
}

/// Unfinished uploads of a bucket, as the service tells them.
fn uploads(endpoint: &str, uri: &str) -> usize {
    let address = endpoint.trim_start_matches("http://").trim_end_matches('/');
    let bucket = uri.trim_start_matches("s3://");
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!("GET /{bucket}?uploads HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    assert!(reply.contains("ListMultipartUploadsResult"), "{reply}");
    reply.matches("<UploadId>").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_that_are_given_up_leave_nothing() {
    let Some(endpoint) = service() else { return };
    let uri = format!("s3://{}", create_bucket(&endpoint));
    let backend = config(&endpoint, &uri).connect().unwrap();
    let large = body(17_000_000);
    let open = write_parts(&backend, "aborted", &large, Condition::None).await.unwrap();
    assert_eq!(uploads(&endpoint, &uri), 1);
    open.abort().await.unwrap();
    assert_eq!(uploads(&endpoint, &uri), 0);
    drop(write_parts(&backend, "dropped", &large, Condition::None).await.unwrap());
    let mut left = uploads(&endpoint, &uri);
    for _ in 0..50 {
        if left == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        left = uploads(&endpoint, &uri);
    }
    assert_eq!(left, 0, "a dropped writer removes its parts");
    let page = backend.list(&Prefix::root(), &ListOptions::default()).await.unwrap();
    assert!(page.objects.is_empty());
}

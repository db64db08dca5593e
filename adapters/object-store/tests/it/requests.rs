//! What is asked of a service, and what is made of its failures: over a service in memory that counts and fails.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use worldstore_async::AsyncBackend;
use worldstore_core::{
    CheckOptions, Condition, CopyOptions, DeleteOptions, ErrorKind, Key, ListOptions, Outcome, Prefix, ReadOptions,
    ReadRangesOptions, Result, SettleOptions, Settled, StatOptions, Version, WriteOptions, WriteToken,
};
use worldstore_object_store::{
    AzureConfig, Conditions, Connection, GcsConfig, HttpConfig, ObjectStoreBackend, Redirects, S3Config, Transport,
    UploadConditions,
};

use crate::fake::{Fake, Trouble};
use crate::service::patient;
use crate::suite::{self, applied, body, bytes, key, write, write_parts};

/// Deadlines so short that a hanging server is given up soon.
pub fn hasty() -> Connection {
    Connection::default()
        .with_transport(Transport::HttpAllowed)
        .with_request_timeout(Duration::from_millis(300))
        .with_retries(2, Duration::from_millis(500))
}

pub fn s3(fake: &Fake, connection: Connection) -> ObjectStoreBackend {
    S3Config::from_uri("s3://bucket")
        .unwrap()
        .with_endpoint(&fake.endpoint)
        .with_credentials("key", "secret")
        .with_upload_conditions(UploadConditions::Kept)
        .with_delete_conditions(Conditions::Kept)
        .with_connection(connection)
        .connect()
        .unwrap()
}

fn gcs(fake: &Fake, connection: Connection) -> ObjectStoreBackend {
    let config = GcsConfig::from_uri("gs://bucket").unwrap().with_endpoint(&fake.endpoint);
    config.with_bearer_token("token").with_connection(connection).connect().unwrap()
}

/// The same objects by the names of Azure, of whose protocol the fake knows what it has in common with S3.
fn azure(fake: &Fake) -> ObjectStoreBackend {
    let config = AzureConfig::from_uri("az://box").unwrap().with_endpoint(format!("{}/bucket", fake.endpoint));
    config.with_account("bucket").with_access_key("a2V5").with_connection(hasty()).connect().unwrap()
}

/// The same objects as a web server shows them.
fn http(fake: &Fake, redirects: Redirects) -> ObjectStoreBackend {
    let config = HttpConfig::from_uri(&format!("{}/bucket", fake.endpoint)).unwrap();
    config.with_connection(hasty()).with_redirects(redirects).connect().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_holds_over_both_protocols() {
    let fake = Fake::start().await;
    suite::everything(&s3(&fake, patient())).await;
    let fake = Fake::start().await;
    suite::everything(&gcs(&fake, patient())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn races_have_one_winner() {
    for backend in [s3(&Fake::start().await, patient()), gcs(&Fake::start().await, patient())] {
        let backend = Arc::new(backend);
        suite::create_race(backend.clone(), 300).await;
        suite::counter_race(backend.clone(), 50).await;
        suite::upload_race(backend, 3).await;
    }
}

#[tokio::test]
async fn checks_find_the_conditions_kept() {
    let fake = Fake::start().await;
    for backend in [s3(&fake, patient()), gcs(&fake, patient())] {
        backend.check(&CheckOptions::default()).await.unwrap();
        let page = backend.list(&Prefix::root(), &ListOptions::default()).await.unwrap();
        assert!(page.objects.is_empty() && fake.uploads() == 0, "the probes are removed");
    }
}

#[tokio::test]
async fn every_operation_takes_as_few_requests_as_it_can() {
    let fake = Fake::start().await;
    for (backend, deletes) in [(s3(&fake, patient()), 3), (gcs(&fake, patient()), 2_001)] {
        let one = key("one");
        let meta = applied(write(&backend, "one", body(100_000), Condition::None).await);
        assert_eq!(fake.requests(), ["PUT"]);
        let swapped = write(&backend, "one", body(100_000), Condition::IfMatch(meta.version.unwrap())).await;
        let version = applied(swapped).version.unwrap();
        assert_eq!(fake.requests(), ["PUT"]);
        assert_eq!(write(&backend, "one", "", Condition::IfAbsent).await, Outcome::Rejected);
        assert_eq!(fake.requests(), ["PUT"]);
        backend.stat(&one, &StatOptions::default()).await.unwrap();
        assert_eq!(fake.requests(), ["HEAD"]);
        bytes(&backend, "one", ReadOptions::default().with_version(version)).await.unwrap();
        assert_eq!(fake.requests(), ["GET"]);
        let near = [0..10, 500..700, 99_000..100_000];
        backend.read_ranges(&one, &near, &ReadRangesOptions::default()).await.unwrap();
        assert_eq!(fake.requests(), ["GET"]);
        let mut writer = backend.open_writer(&one, &WriteOptions::default()).await.unwrap();
        writer.write(body(1_000)).await.unwrap();
        applied(writer.commit().await.unwrap());
        assert_eq!(fake.requests(), ["PUT"]);
        backend.list(&Prefix::root(), &ListOptions::default()).await.unwrap();
        assert_eq!(fake.requests(), ["GET list-type=2"]);
        backend.list(&Prefix::root(), &ListOptions::default().one_level()).await.unwrap();
        let level = fake.requests();
        assert!(level.len() == 1 && level[0].contains("delimiter=%2F"), "{level:?}");
        let keys: Vec<Key> = (0..2_001).map(|at| key(&format!("many/{at}"))).collect();
        backend.delete(&keys, &DeleteOptions::default()).await.unwrap();
        assert_eq!(fake.requests().len(), deletes);
    }
}

#[tokio::test]
async fn a_service_that_fails_is_told_apart() {
    for (trouble, read, changed) in [
        (Trouble::Status(403, None), ErrorKind::PermissionDenied, Err(ErrorKind::PermissionDenied)),
        (Trouble::Status(404, None), ErrorKind::NotFound, Err(ErrorKind::NotFound)),
        (Trouble::Status(409, None), ErrorKind::Conflict, Err(ErrorKind::Conflict)),
        (Trouble::Status(412, None), ErrorKind::ConditionFailed, Ok(Outcome::Rejected)),
        (Trouble::Status(429, Some(7)), ErrorKind::Unavailable, Err(ErrorKind::Unavailable)),
        (Trouble::Status(500, None), ErrorKind::Unavailable, Ok(Outcome::Unknown)),
        (Trouble::Status(503, Some(7)), ErrorKind::Unavailable, Ok(Outcome::Unknown)),
        (Trouble::Hang, ErrorKind::Unavailable, Ok(Outcome::Unknown)),
        (Trouble::Close, ErrorKind::Unavailable, Ok(Outcome::Unknown)),
    ] {
        let fake = Fake::start().await;
        for backend in [s3(&fake, hasty()), gcs(&fake, hasty())] {
            fake.heal();
            applied(write(&backend, "key", "0123456789", Condition::None).await);
            fake.requests();
            for method in ["GET", "HEAD", "PUT"] {
                fake.fail(method, "", trouble, 1_000);
            }
            let error = bytes(&backend, "key", ReadOptions::default()).await.unwrap_err();
            assert_eq!(error.kind(), read, "{trouble:?}: {error:?}");
            if let Trouble::Status(_, pause) = trouble {
                assert_eq!(error.retry_after(), pause.map(Duration::from_secs), "{trouble:?}");
            }
            assert!(fake.requests().len() <= 3, "retries are bounded");
            let written = backend.write(&key("new"), Bytes::from_static(b"x"), &WriteOptions::if_absent()).await;
            assert_eq!(written.map_err(|error| error.kind()), changed, "{trouble:?}");
            let puts = fake.requests().iter().filter(|request| *request == "PUT").count();
            assert_eq!(puts, 1, "{trouble:?}: a change with a condition is sent once");
            fake.heal();
            let error = backend.stat(&key("new"), &StatOptions::default()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotFound, "{trouble:?}: nothing is written");
        }
    }
}

#[tokio::test]
async fn what_may_pass_is_asked_again() {
    for trouble in [Trouble::Status(503, None), Trouble::Status(429, None), Trouble::Close, Trouble::CutBody] {
        let fake = Fake::start().await;
        for backend in [s3(&fake, hasty()), gcs(&fake, hasty())] {
            applied(write(&backend, "key", body(100_000), Condition::None).await);
            fake.fail("GET", "", trouble, 1);
            assert!(bytes(&backend, "key", ReadOptions::default()).await.unwrap() == body(100_000), "{trouble:?}");
        }
    }
    // A body that is cut for good is an error, not a short object.
    let fake = Fake::start().await;
    for backend in [s3(&fake, hasty()), gcs(&fake, hasty())] {
        applied(write(&backend, "key", body(100_000), Condition::None).await);
        fake.fail("GET", "", Trouble::CutBody, 1_000);
        let error = bytes(&backend, "key", ReadOptions::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        let (key, options) = (key("key"), ReadRangesOptions::default());
        let error = backend.read_ranges(&key, &[0..50_000, 60_000..100_000], &options).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        fake.heal();
    }
}

#[tokio::test]
async fn a_lost_reply_is_resolved_by_the_token() {
    let fake = Fake::start().await;
    for (at, backend) in [s3(&fake, hasty()), gcs(&fake, hasty())].iter().enumerate() {
        let (name, token) = (format!("swap {at}"), WriteToken::new(format!("token-{at}")).unwrap());
        fake.fail("PUT", "", Trouble::LoseReply, 1);
        let options = WriteOptions::if_absent().with_token(token.clone());
        let meta = applied(backend.write(&key(&name), "mine".into(), &options).await.unwrap());
        // If it cannot be read back either, the outcome stays open, until somebody asks.
        fake.fail("PUT", "", Trouble::LoseReply, 1);
        fake.fail("HEAD", "", Trouble::Status(503, None), 3);
        let next = WriteToken::new(format!("next-{at}")).unwrap();
        let options = WriteOptions::default().with_condition(Condition::IfMatch(meta.version.unwrap()));
        let open = backend.write(&key(&name), "next".into(), &options.with_token(next.clone())).await.unwrap();
        assert_eq!(open, Outcome::Unknown);
        let settled = |token: WriteToken| {
            let name = name.clone();
            async move { backend.settle(&key(&name), &token, &SettleOptions::default()).await.unwrap() }
        };
        assert!(matches!(settled(next).await, Settled::Applied(_)));
        assert!(matches!(settled(token).await, Settled::Other(_)));
    }
}

/// The end of an upload is sent once, with its condition, and its parts do not stay.
#[tokio::test]
async fn an_upload_under_a_condition_ends_once() {
    let fake = Fake::start().await;
    let backend = s3(&fake, hasty());
    let commit = |name: &'static str, condition| {
        let backend = &backend;
        async move { write_parts(backend, name, &body(9_000_000), condition).await?.commit().await }
    };
    let first = applied(commit("key", Condition::IfAbsent).await.unwrap()).version.unwrap();
    assert_eq!(commit("key", Condition::IfAbsent).await.unwrap(), Outcome::Rejected);
    applied(commit("key", Condition::IfMatch(first.clone())).await.unwrap());
    assert_eq!(commit("key", Condition::IfMatch(first)).await.unwrap(), Outcome::Rejected);
    assert_eq!(fake.uploads(), 0);
    for (trouble, expected) in [
        (Trouble::LoseReply, None),
        (Trouble::Status(503, None), Some(Ok(Outcome::Unknown))),
        (Trouble::Status(429, None), Some(Err(ErrorKind::Unavailable))),
        (Trouble::Status(409, None), Some(Err(ErrorKind::Conflict))),
    ] {
        fake.heal();
        fake.requests();
        fake.fail("POST", "uploadId=", trouble, 1);
        let name = if trouble == Trouble::LoseReply { "lost" } else { "refused" };
        let outcome = commit(name, Condition::IfAbsent).await.map_err(|error| error.kind());
        match expected {
            None => assert_eq!(applied(outcome.unwrap()).size, 9_000_000),
            Some(expected) => assert_eq!(outcome, expected, "{trouble:?}"),
        }
        let ends = fake.requests().iter().filter(|request| request.starts_with("POST uploadId=")).count();
        assert_eq!(ends, 1, "{trouble:?}");
    }
    let error = backend.stat(&key("refused"), &StatOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(fake.uploads(), 1, "only that stays whose end may have happened");
}

#[tokio::test]
async fn a_delete_under_a_condition_is_sent_once() {
    let fake = Fake::start().await;
    for backend in [s3(&fake, hasty()), gcs(&fake, hasty())] {
        for (trouble, kind) in [
            (Trouble::LoseReply, ErrorKind::OutcomeUnknown),
            (Trouble::Status(503, None), ErrorKind::OutcomeUnknown),
            (Trouble::Status(429, Some(3)), ErrorKind::Unavailable),
        ] {
            let version = applied(write(&backend, "key", "1", Condition::None).await).version.unwrap();
            fake.requests();
            fake.fail("DELETE", "", trouble, 1);
            let options = DeleteOptions::default().with_condition(Condition::IfMatch(version));
            match backend.delete(&[key("key")], &options).await.unwrap().as_slice() {
                [worldstore_core::Deleted::Failed(error)] => assert_eq!(error.kind(), kind, "{trouble:?}"),
                other => panic!("{trouble:?}: {other:?}"),
            }
            assert_eq!(fake.requests().len(), 1, "{trouble:?}");
        }
    }
}

#[tokio::test]
async fn a_bucket_that_vanishes_in_the_middle_of_a_listing_is_an_error() {
    let fake = Fake::start().await;
    for backend in [s3(&fake, hasty()), gcs(&fake, hasty())] {
        fake.heal();
        for at in 0..1_500 {
            applied(write(&backend, &format!("many/{at:04}"), "", Condition::None).await);
        }
        fake.fail("GET", "continuation-token", Trouble::Status(404, None), 1_000);
        let listed = backend.list(&Prefix::root(), &ListOptions::default().with_limit(1_200)).await;
        assert_eq!(listed.map(|_| ()).unwrap_err().kind(), ErrorKind::NotFound);
        let listed = backend.list(&Prefix::new("many").unwrap(), &ListOptions::default().one_level()).await;
        assert_eq!(listed.map(|_| ()).unwrap_err().kind(), ErrorKind::NotFound);
        // Page by page too.
        let first = backend.list(&Prefix::root(), &ListOptions::default()).await.unwrap();
        fake.fail("GET", "start-after", Trouble::Status(404, None), 1_000);
        let options = ListOptions::default().with_token(first.next.unwrap());
        let second: Result<_> = backend.list(&Prefix::root(), &options).await;
        assert_eq!(second.map(|_| ()).unwrap_err().kind(), ErrorKind::NotFound);
    }
}

/// object_store 0.13 takes the two modes of a copy for each other on Google Cloud Storage.
#[tokio::test]
async fn copies_keep_their_conditions() {
    let fake = Fake::start().await;
    let backend = gcs(&fake, patient());
    for name in ["from", "to"] {
        applied(write(&backend, name, name, Condition::None).await);
    }
    let (from, to) = (key("from"), key("to"));
    assert_eq!(backend.copy(&from, &to, &CopyOptions::if_absent()).await.unwrap(), Outcome::Rejected);
    let version = applied(backend.copy(&from, &to, &CopyOptions::default()).await.unwrap()).version.unwrap();
    assert_eq!(bytes(&backend, "to", ReadOptions::default()).await.unwrap(), b"from");
    let when = |version| CopyOptions::default().with_condition(Condition::IfMatch(version));
    applied(backend.copy(&from, &to, &when(version.clone())).await.unwrap());
    assert_eq!(backend.copy(&from, &to, &when(version)).await.unwrap(), Outcome::Rejected);
}

#[tokio::test]
async fn a_web_server_is_asked_once_and_followed_only_on_its_host() {
    let fake = Fake::start().await;
    applied(write(&s3(&fake, patient()), "key", body(100_000), Condition::None).await);
    fake.requests();
    let (same, any) = (http(&fake, Redirects::SameHost), http(&fake, Redirects::AnyHost));
    same.stat(&key("key"), &StatOptions::default()).await.unwrap();
    assert_eq!(fake.requests(), ["HEAD"]);
    assert!(bytes(&same, "key", ReadOptions::default()).await.unwrap() == body(100_000));
    assert_eq!(fake.requests(), ["GET"]);
    same.read_ranges(&key("key"), &[0..10, 99_000..100_000], &ReadRangesOptions::default()).await.unwrap();
    assert_eq!(fake.requests(), ["GET"]);
    fake.fail("GET", "", Trouble::With(302, "location", "/bucket/key?moved"), 1);
    assert!(bytes(&same, "key", ReadOptions::default()).await.unwrap() == body(100_000));
    for (backend, kind) in [(&same, ErrorKind::Invalid), (&any, ErrorKind::Unavailable)] {
        fake.heal();
        fake.fail("GET", "", Trouble::With(302, "location", "http://127.0.0.1:1/key"), 1_000);
        let error = bytes(backend, "key", ReadOptions::default()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "nobody listens there: {error:?}");
    }
    for (trouble, kind) in [
        (Trouble::Hang, ErrorKind::Unavailable),
        (Trouble::Close, ErrorKind::Unavailable),
        (Trouble::CutBody, ErrorKind::Unavailable),
        (Trouble::Status(429, Some(7)), ErrorKind::Unavailable),
        (Trouble::Status(500, None), ErrorKind::Unavailable),
        (Trouble::Status(403, None), ErrorKind::PermissionDenied),
    ] {
        fake.heal();
        fake.fail("GET", "", trouble, 1_000);
        let error = bytes(&same, "key", ReadOptions::default()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{trouble:?}: {error:?}");
    }
}

#[tokio::test]
async fn codes_of_azure_tell_a_false_condition_from_a_conflict() {
    let code = |status, code| Trouble::With(status, "x-ms-error-code", code);
    let (gone, exists, lease) =
        (code(400, "InvalidBlockList"), code(409, "BlobAlreadyExists"), code(409, "LeaseAlreadyPresent"));
    let fake = Fake::start().await;
    let backend = azure(&fake);
    applied(write(&backend, "there", "1", Condition::None).await);
    for (name, trouble, condition, expected) in [
        ("there", gone, Condition::IfAbsent, Ok(Outcome::Rejected)),
        ("none", gone, Condition::IfAbsent, Err(ErrorKind::Conflict)),
        ("there", gone, Condition::None, Err(ErrorKind::Conflict)),
        ("there", gone, Condition::IfMatch(Version::new("\"other\"")), Ok(Outcome::Rejected)),
        ("none", exists, Condition::IfAbsent, Ok(Outcome::Rejected)),
        ("none", lease, Condition::IfAbsent, Err(ErrorKind::Conflict)),
    ] {
        fake.heal();
        // Blocks are taken and forgotten.
        fake.fail("PUT", "comp=blocklist", trouble, 1);
        fake.fail("PUT", "comp=block&", Trouble::Status(201, None), 10);
        let writer = write_parts(&backend, name, &body(9_000_000), condition).await.unwrap();
        let committed = writer.commit().await.map_err(|error| error.kind());
        assert_eq!(committed, expected, "{name}: {trouble:?}");
    }
    fake.heal();
    for (trouble, expected) in [(exists, Ok(Outcome::Rejected)), (lease, Err(ErrorKind::Conflict))] {
        fake.fail("PUT", "", trouble, 1);
        let written = backend.write(&key("new"), "x".into(), &WriteOptions::if_absent()).await;
        assert_eq!(written.map_err(|error| error.kind()), expected);
    }
}

#[tokio::test]
async fn a_copy_that_goes_on_is_waited_for() {
    let fake = Fake::start().await;
    let backend = azure(&fake);
    applied(write(&backend, "from", "1", Condition::None).await);
    applied(write(&backend, "to", "old", Condition::None).await);
    let (from, to) = (key("from"), key("to"));
    let status = |status, text| Trouble::With(status, "x-ms-copy-status", text);
    fake.fail("PUT", "", status(202, "pending"), 1);
    fake.requests();
    let meta = applied(backend.copy(&from, &to, &CopyOptions::default()).await.unwrap());
    assert_eq!((meta.size, fake.requests()), (3, vec!["PUT".into(), "HEAD".into(), "HEAD".into()]), "as it is by now");
    fake.fail("PUT", "", status(202, "failed"), 1);
    let error = backend.copy(&from, &to, &CopyOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unexpected, "{error}");
}

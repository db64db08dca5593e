//! Over Azure Blob Storage by its real protocol, against the service at `WORLDSTORE_TEST_AZURE_ENDPOINT`.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use object_store::azure::{AzureAccessKey, AzureAuthorizer, AzureCredential};
use object_store::client::HttpRequestBody;
use worldstore_async::AsyncBackend;
use worldstore_core::{
    Access, CheckOptions, Condition, ErrorKind, ListOptions, Outcome, Prefix, PresignOptions, ReadOptions, WriteOptions,
};
use worldstore_object_store::{AzureConfig, ObjectStoreBackend};

use crate::proxy::{Proxy, Trouble};
use crate::service::{self, links_work, patient, send, unique};
use crate::suite::{self, applied, body, bytes, key, write, write_parts};

const ACCOUNT: &str = "devstoreaccount1";
/// The key of Azurite's account, which is the same everywhere and public.
const KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

fn service() -> Option<String> {
    service::address(
        "WORLDSTORE_TEST_AZURE_ENDPOINT",
        "npm install azurite && npx azurite-blob --inMemoryPersistence --skipApiVersionCheck, at \
         http://127.0.0.1:10000/devstoreaccount1",
    )
}

fn config(endpoint: &str, uri: &str) -> AzureConfig {
    let config = AzureConfig::from_uri(uri).unwrap().with_endpoint(endpoint).with_connection(patient());
    config.with_account(ACCOUNT).with_access_key(KEY)
}

async fn create_container(endpoint: &str) -> String {
    let name = unique("ws");
    let request = http::Request::put(format!("{endpoint}/{name}?restype=container")).header("content-length", "0");
    let mut request = request.body(HttpRequestBody::empty()).unwrap();
    let credential = AzureCredential::AccessKey(AzureAccessKey::try_new(KEY).unwrap());
    AzureAuthorizer::new(&credential, ACCOUNT).authorize(&mut request);
    let (status, reply) = send(request).await;
    assert_eq!(status, 201, "{reply:?}");
    name
}

async fn backend(endpoint: &str) -> ObjectStoreBackend {
    config(endpoint, &format!("az://{}", create_container(endpoint).await)).connect().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_holds() {
    let Some(endpoint) = service() else { return };
    suite::everything(&backend(&endpoint).await).await;
    let below = format!("azure://{}/some root/é %41", create_container(&endpoint).await);
    suite::everything(&config(&endpoint, &below).connect().unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn races_have_one_winner_and_lose_no_step() {
    let Some(endpoint) = service() else { return };
    let backend = Arc::new(backend(&endpoint).await);
    suite::create_race(backend.clone(), 300).await;
    suite::counter_race(backend.clone(), 10).await;
    suite::upload_race(backend, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn listings_go_past_the_page_of_the_protocol() {
    let Some(endpoint) = service() else { return };
    suite::many_keys(Arc::new(backend(&endpoint).await), 1_050).await;
}

#[tokio::test]
async fn links_are_signed() {
    let Some(endpoint) = service() else { return };
    let backend = backend(&endpoint).await;
    links_work(&backend, "link/a-b_c", ("x-ms-blob-type", "BlockBlob")).await;
    let presign = backend.presign().expect("links");
    for name in ["é", "a b", "50%", "what?"] {
        let error = presign.sign(&key(name), &PresignOptions::new(Access::Read)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "object_store would sign another name: {name}");
    }
}

#[tokio::test]
async fn a_check_sees_the_container_and_its_conditions() {
    let Some(endpoint) = service() else { return };
    let there = backend(&endpoint).await;
    there.check(&CheckOptions::default()).await.unwrap();
    let page = there.list(&Prefix::root(), &ListOptions::default()).await.unwrap();
    assert!(page.objects.is_empty(), "the probe is removed");
    let missing = config(&endpoint, "az://not-there").connect().unwrap();
    let error = missing.check(&CheckOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    let error = missing.write(&key("a"), Bytes::new(), &WriteOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    let other_key = config(&endpoint, "az://not-there").with_access_key("aGlkZGVuLWhpZGRlbg==").connect().unwrap();
    let error = other_key.check(&CheckOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
}

/// A commit throws away the blocks of every other upload to the blob.
#[tokio::test]
async fn an_upload_that_another_one_threw_away_is_a_conflict() {
    let Some(endpoint) = service() else { return };
    let backend = backend(&endpoint).await;
    let one = write_parts(&backend, "key", &body(9_000_000), Condition::None).await.unwrap();
    let other = write_parts(&backend, "key", &body(9_000_001), Condition::None).await.unwrap();
    applied(one.commit().await.unwrap());
    match other.commit().await {
        Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}"),
        Ok(outcome) => assert!(matches!(outcome, Outcome::Applied(_)), "{outcome:?}"),
    }
    let late = write_parts(&backend, "key", &body(9_000_002), Condition::IfAbsent).await.unwrap();
    applied(write(&backend, "key", "small", Condition::None).await);
    assert_eq!(late.commit().await.unwrap(), Outcome::Rejected);
    assert_eq!(bytes(&backend, "key", ReadOptions::default()).await.unwrap(), b"small");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_reply_of_a_conditional_put_is_resolved_and_not_repeated() {
    let Some(endpoint) = service() else { return };
    let uri = format!("az://{}", create_container(&endpoint).await);
    let direct = config(&endpoint, &uri).connect().unwrap();
    let (host, path) = endpoint.trim_start_matches("http://").split_once('/').expect("an account");
    let first = applied(write(&direct, "swap", "1", Condition::None).await).version.unwrap();
    for (name, condition) in [("create", Condition::IfAbsent), ("swap", Condition::IfMatch(first))] {
        let proxy = Proxy::start(host, Trouble::LoseReply).await;
        let lossy = config(&format!("{}/{path}", proxy.endpoint), &uri).connect().unwrap();
        applied(write(&lossy, name, "mine", condition).await);
        assert_eq!(proxy.puts.load(Ordering::SeqCst), 1, "sent once");
        assert_eq!(bytes(&direct, name, ReadOptions::default()).await.unwrap(), b"mine");
    }
}

#[tokio::test]
async fn a_shared_access_signature_reads_what_it_is_for() {
    let Some(endpoint) = service() else { return };
    let uri = format!("az://{}", create_container(&endpoint).await);
    let owner = config(&endpoint, &uri).connect().unwrap();
    applied(write(&owner, "shared", "one", Condition::None).await);
    let link = owner.presign().expect("links").sign(&key("shared"), &PresignOptions::new(Access::Read)).await.unwrap();
    let (_, token) = link.split_once('?').expect("a signature");
    let guest = AzureConfig::from_uri(&uri).unwrap().with_endpoint(&endpoint).with_account(ACCOUNT);
    let guest = guest.with_connection(patient()).with_sas_token(token).connect().unwrap();
    assert_eq!(bytes(&guest, "shared", ReadOptions::default()).await.unwrap(), b"one");
    let error = guest.list(&Prefix::root(), &ListOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error:?}");
    assert!(!format!("{error:?}").contains("sig="), "{error:?}");
    assert!(guest.presign().is_none());
}

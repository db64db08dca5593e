//! Where the services are, and requests to them that go past the backends.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use object_store::ClientOptions;
use object_store::client::{HttpConnector, HttpRequest, HttpRequestBody, ReqwestConnector};
use worldstore_async::AsyncBackend;
use worldstore_core::{Access, ErrorKind, PresignOptions, ReadOptions};
use worldstore_object_store::{Connection, Transport};

use crate::suite::{bytes, key};

/// The address in a variable. Without one the test is skipped, loudly, but never where everything must run.
pub fn address(variable: &str, by_hand: &str) -> Option<String> {
    match std::env::var(variable) {
        Ok(address) => Some(address.trim_end_matches('/').to_owned()),
        Err(_) if std::env::var_os("CI").is_some() => panic!("{variable} is not set"),
        Err(_) => {
            eprintln!("SKIPPED: {variable} is not set. Run `cargo xtask test`, or start a service by hand:");
            eprintln!("    {by_hand}");
            None
        }
    }
}

/// Patient with services on a busy machine: a deadline that passes makes an outcome unknown.
pub fn patient() -> Connection {
    Connection::default().with_transport(Transport::HttpAllowed).with_request_timeout(Duration::from_secs(180))
}

/// A name that no other test and no other run has.
pub fn unique(start: &str) -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
    format!("{start}-{now}-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst))
}

/// Sends a request as it is and tells status and body of the reply.
pub async fn send(request: HttpRequest) -> (u16, Bytes) {
    let client = ReqwestConnector::default().connect(&ClientOptions::new().with_allow_http(true)).unwrap();
    let reply = client.execute(request).await.unwrap();
    (reply.status().as_u16(), reply.into_body().bytes().await.unwrap())
}

/// Signed links read and write an object without credentials, and only for so long as a service allows.
pub async fn links_work(backend: &dyn AsyncBackend, name: &str, header: (&str, &str)) {
    let presign = backend.presign().expect("links");
    let link = presign.sign(&key(name), &PresignOptions::new(Access::Write)).await.unwrap();
    let request = http::Request::put(link).header(header.0, header.1).header("content-length", "4");
    let (status, reply) = send(request.body(HttpRequestBody::from(Bytes::from_static(b"link"))).unwrap()).await;
    assert!((200..300).contains(&status), "{status} {reply:?}");
    assert_eq!(bytes(backend, name, ReadOptions::default()).await.unwrap(), b"link");
    let link = presign.sign(&key(name), &PresignOptions::new(Access::Read)).await.unwrap();
    let (status, body) = send(http::Request::get(link).body(HttpRequestBody::empty()).unwrap()).await;
    assert_eq!((status, &body[..]), (200, &b"link"[..]));
    for seconds in [0, 8 * 24 * 3600] {
        let options = PresignOptions::new(Access::Read).valid_for(Duration::from_secs(seconds));
        assert_eq!(presign.sign(&key(name), &options).await.unwrap_err().kind(), ErrorKind::Invalid);
    }
}

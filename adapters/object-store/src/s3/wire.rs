//! The HTTP client of object_store, watched.

use async_trait::async_trait;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService, ReqwestConnector,
};

use crate::attempts;

/// Makes clients that note how each request ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Watching;

impl HttpConnector for Watching {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let client = ReqwestConnector::default().connect(options)?;
        Ok(HttpClient::new(Watched { client }))
    }
}

#[derive(Debug)]
struct Watched {
    client: HttpClient,
}

#[async_trait]
impl HttpService for Watched {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let reply = self.client.execute(request).await;
        match &reply {
            Ok(response) => attempts::replied(response.status().as_u16()),
            Err(error) if error.kind() == HttpErrorKind::Connect => attempts::not_sent(),
            // object_store takes some of these for "not sent"; a connection that closes early proves no such thing.
            Err(_) => attempts::lost(),
        }
        reply
    }
}

//! Requests to the server: where they go, with which token, and what their failure says of their effect.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::{Mutex, OnceCell};
use worldstore_core::{Error, ErrorKind, Result};

use super::settings::Settings;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// How often a reading request is sent, and the pause before the second time, which doubles.
const READ_ATTEMPTS: u32 = 4;
const READ_PAUSE: Duration = Duration::from_millis(100);
/// A token that ends so soon is not used any more.
const TOKEN_MARGIN: Duration = Duration::from_secs(30);
/// Characters of a server's message that are shown at most.
const MESSAGE_MAX: usize = 300;

/// What the server answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: StatusCode,
    body: Vec<u8>,
}

/// A request without an answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// It had no effect.
    Unsent(Error),
    /// It may have had its effect, or may have it yet.
    Unclear(Error),
}

impl Failure {
    pub fn into_error(self) -> Error {
        match self {
            Self::Unsent(error) | Self::Unclear(error) => error,
        }
    }
}

/// What the server says of itself.
#[derive(Debug, Deserialize)]
struct Config {
    #[serde(default)]
    defaults: HashMap<String, String>,
    #[serde(default)]
    overrides: HashMap<String, String>,
}

#[derive(Deserialize)]
struct TokenReply {
    access_token: String,
    expires_in: Option<u64>,
}

struct Token {
    text: String,
    until: Option<Instant>,
}

/// A connection to the server, opened when it is first needed.
pub(super) struct Client {
    http: reqwest::Client,
    settings: Settings,
    /// What paths of the catalog begin with.
    paths: OnceCell<String>,
    token: Mutex<Option<Token>>,
}

impl Client {
    /// No I/O.
    pub fn new(settings: Settings) -> Result<Self> {
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            // One that is sent elsewhere is not one that was refused.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|source| Error::unexpected("no HTTP client").caused_by(source.without_url()))?;
        let token = settings.token.clone().map(|text| Token { text, until: None });
        Ok(Self { http, settings, paths: OnceCell::new(), token: Mutex::new(token) })
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// A request that reads. It is sent again while the server is not there or fails.
    pub async fn read(&self, path: &str) -> Result<Answer> {
        let mut attempt = 1;
        loop {
            let failed = match self.send(Method::GET, path, None).await {
                Ok(answer) if !answer.status.is_server_error() => return Ok(answer),
                Ok(answer) => answer.error(),
                Err(failure) => failure.into_error(),
            };
            if attempt == READ_ATTEMPTS || failed.kind() != ErrorKind::Unavailable {
                return Err(failed);
            }
            tokio::time::sleep(READ_PAUSE * 2_u32.pow(attempt - 1)).await;
            attempt += 1;
        }
    }

    /// Sends a request once, below the catalog's paths. A token that the server does not take is replaced by a new one,
    /// if there is a credential for that: what was refused had no effect.
    pub async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> std::result::Result<Answer, Failure> {
        let paths = self.paths.get_or_try_init(|| self.look_up()).await.map_err(Failure::Unsent)?;
        self.authorized(method, &format!("{paths}/{path}"), &[], body).await
    }

    /// Asks the server what its paths begin with.
    async fn look_up(&self) -> Result<String> {
        let settings = &self.settings;
        let url = format!("{}/v1/config", settings.base);
        let query: Vec<_> = settings.warehouse.iter().map(|warehouse| ("warehouse", warehouse.as_str())).collect();
        let answer = self.authorized(Method::GET, &url, &query, None).await.map_err(Failure::into_error)?;
        let mut config: Config = answer.expect()?;
        let base = config.overrides.remove("uri").unwrap_or_else(|| settings.base.clone());
        let prefix = config.overrides.remove("prefix").or_else(|| settings.prefix.clone());
        let base = base.trim_end_matches('/');
        Ok(match prefix.or_else(|| config.defaults.remove("prefix")).filter(|prefix| !prefix.is_empty()) {
            Some(prefix) => format!("{base}/v1/{prefix}"),
            None => format!("{base}/v1"),
        })
    }

    async fn authorized(
        &self,
        method: Method,
        url: &str,
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> std::result::Result<Answer, Failure> {
        let token = self.token(None).await.map_err(Failure::Unsent)?;
        let answer = self.once(method.clone(), url, query, body, token.as_deref()).await?;
        // "Authentication timeout" is Iceberg's own status.
        if !matches!(answer.status.as_u16(), 401 | 419) || self.settings.credential.is_none() {
            return Ok(answer);
        }
        let token = self.token(token).await.map_err(Failure::Unsent)?;
        self.once(method, url, query, body, token.as_deref()).await
    }

    async fn once(
        &self,
        method: Method,
        url: &str,
        query: &[(&str, &str)],
        body: Option<&Value>,
        token: Option<&str>,
    ) -> std::result::Result<Answer, Failure> {
        let mut request = self.http.request(method, url).header("accept", "application/json");
        if !query.is_empty() {
            request = request.query(query);
        }
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        answered(request).await
    }

    /// The token to send, if any; another one than `refused`.
    async fn token(&self, refused: Option<String>) -> Result<Option<String>> {
        let mut held = self.token.lock().await;
        let lasts = |token: &&Token| {
            let in_time = token.until.is_none_or(|until| until > Instant::now());
            in_time && refused.as_ref().is_none_or(|refused| *refused != token.text)
        };
        if let Some(token) = held.as_ref().filter(lasts) {
            return Ok(Some(token.text.clone()));
        }
        if self.settings.credential.is_none() {
            return Ok(held.as_ref().map(|token| token.text.clone()));
        }
        let token = self.new_token().await?;
        Ok(Some(held.insert(token).text.clone()))
    }

    /// Asks for a token by the OAuth2 flow of client credentials.
    async fn new_token(&self) -> Result<Token> {
        let settings = &self.settings;
        let mut form = vec![("grant_type", "client_credentials"), ("scope", settings.scope.as_str())];
        if let Some((name, secret)) = &settings.credential {
            form.extend(name.as_deref().map(|name| ("client_id", name)));
            form.push(("client_secret", secret));
        }
        let url = settings.token_uri.clone().unwrap_or_else(|| format!("{}/v1/oauth/tokens", settings.base));
        let answer = answered(self.http.post(url).form(&form)).await.map_err(Failure::into_error)?;
        if answer.status.is_client_error() {
            return Err(Error::new(ErrorKind::PermissionDenied, "the catalog's server refused the credential")
                .with("status", answer.status.as_u16()));
        }
        let reply: TokenReply = answer.expect()?;
        let lasts = reply.expires_in.map(|seconds| Duration::from_secs(seconds).saturating_sub(TOKEN_MARGIN));
        // One that lasts less than the margin is used until the server refuses it.
        let until = lasts.filter(|lasts| !lasts.is_zero()).and_then(|lasts| Instant::now().checked_add(lasts));
        Ok(Token { text: reply.access_token, until })
    }
}

async fn answered(request: reqwest::RequestBuilder) -> std::result::Result<Answer, Failure> {
    let told = |source: reqwest::Error| {
        let error = Error::new(ErrorKind::Unavailable, "the catalog's server cannot be reached");
        error.caused_by(source.without_url())
    };
    let response = request.send().await.map_err(|source| match source.is_connect() || source.is_builder() {
        true => Failure::Unsent(told(source)),
        false => Failure::Unclear(told(source)),
    })?;
    let status = response.status();
    let body = response.bytes().await.map_err(|source| Failure::Unclear(told(source)))?;
    Ok(Answer { status, body: body.to_vec() })
}

impl Answer {
    /// What a successful answer holds.
    ///
    /// # Errors
    /// That of the status; `Corrupt` if it holds something else.
    pub fn expect<Reply: DeserializeOwned>(&self) -> Result<Reply> {
        if !self.status.is_success() {
            return Err(self.error());
        }
        serde_json::from_slice(&self.body)
            .map_err(|source| Error::new(ErrorKind::Corrupt, "the catalog's answer cannot be read").caused_by(source))
    }

    /// The error that a status says.
    pub fn error(&self) -> Error {
        let (kind, message) = match self.status.as_u16() {
            400 | 406 | 422 => (ErrorKind::Invalid, "the catalog's server does not take the request"),
            401 | 403 | 419 => (ErrorKind::PermissionDenied, "the catalog's server refused the token"),
            404 => (ErrorKind::NotFound, "the catalog's server has no such thing"),
            409 => (ErrorKind::Conflict, "another change came first"),
            405 | 501 => (ErrorKind::Unsupported, "the catalog's server does not have this"),
            429 | 500..=599 => (ErrorKind::Unavailable, "the catalog's server is not available"),
            _ => (ErrorKind::Unexpected, "the catalog's server answered with an unexpected status"),
        };
        let error = Error::new(kind, message).with("status", self.status.as_u16());
        match self.message() {
            Some(said) => error.with("said", said),
            None => error,
        }
    }

    /// The server's own words, as far as they are in the form that Iceberg asks for.
    fn message(&self) -> Option<String> {
        let body: Value = serde_json::from_slice(&self.body).ok()?;
        let message = body.get("error")?.get("message")?.as_str()?;
        Some(message.chars().filter(|each| !each.is_control()).take(MESSAGE_MAX).collect())
    }
}

//! What the URI of a REST catalog says.

use std::fmt;

use reqwest::Url;
use worldstore_core::{Error, Result};

use crate::catalog::NAMESPACE;

/// The parameters of a URI.
const KNOWN: &str = "namespace warehouse prefix token credential scope oauth2_server_uri";

/// Where the server is, and how to speak to it.
#[derive(Clone)]
pub(super) struct Settings {
    /// What paths begin with, without `/` at the end.
    pub base: String,
    /// The namespace of the tables.
    pub namespace: String,
    /// What the server is asked for, if it keeps several.
    pub warehouse: Option<String>,
    /// What comes after the version in paths, unless the server says something else.
    pub prefix: Option<String>,
    /// A token to begin with.
    pub token: Option<String>,
    /// The name, if there is one, and the secret that tokens are asked for with.
    pub credential: Option<(Option<String>, String)>,
    pub scope: String,
    /// Where tokens are asked for; at the catalog itself by default.
    pub token_uri: Option<String>,
}

impl Settings {
    /// Reads `rest+https://host/path?namespace=...`.
    ///
    /// # Errors
    /// `Invalid` if it is none. The URI may hold secrets: no value of it is shown.
    pub fn parse(uri: &str) -> Result<Self> {
        let wrong = || Error::invalid("the catalog's URI is none").with("expected", "rest+http://... rest+https://...");
        let url = uri.strip_prefix("rest+").and_then(|url| Url::parse(url).ok()).ok_or_else(wrong)?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !url.username().is_empty() {
            return Err(wrong());
        }
        let (place, _) = uri.trim_start_matches("rest+").split_once('?').unwrap_or((url.as_str(), ""));
        let mut settings = Self {
            base: place.trim_end_matches('/').to_owned(),
            namespace: NAMESPACE.to_owned(),
            warehouse: None,
            prefix: None,
            token: None,
            credential: None,
            scope: "catalog".to_owned(),
            token_uri: None,
        };
        for (name, value) in url.query_pairs() {
            settings.set(&name, value.into_owned())?;
        }
        Ok(settings)
    }

    fn set(&mut self, name: &str, value: String) -> Result<()> {
        match name {
            "namespace" => {
                let plain = |each: char| each.is_ascii_alphanumeric() || matches!(each, '_' | '-');
                if value.is_empty() || !value.chars().all(plain) {
                    return Err(Error::invalid("a namespace is letters, digits, _ and -").with("namespace", value));
                }
                self.namespace = value;
            }
            "warehouse" => self.warehouse = Some(value),
            "prefix" => self.prefix = Some(value),
            "token" => self.token = Some(value),
            "credential" => {
                self.credential = Some(match value.split_once(':') {
                    Some((name, secret)) => (Some(name.to_owned()), secret.to_owned()),
                    None => (None, value),
                });
            }
            "scope" => self.scope = value,
            "oauth2_server_uri" => self.token_uri = Some(value),
            other => {
                return Err(Error::invalid("unknown parameter of a REST catalog")
                    .with("got", other)
                    .with("known", KNOWN));
            }
        }
        Ok(())
    }
}

/// Without what is secret.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("base", &self.base).field("namespace", &self.namespace).finish_non_exhaustive()
    }
}

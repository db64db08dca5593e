//! The names that the server lists, page after page.

use reqwest::{StatusCode, Url};
use serde::Deserialize;
use worldstore_core::{Error, ErrorKind, Result, percent};

use super::RestCatalog;
use super::fence::FENCE;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Listed {
    identifiers: Vec<Identifier>,
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
struct Identifier {
    name: String,
}

impl RestCatalog {
    /// The names of all tables but the fence's, sorted; none without the namespace.
    pub(super) async fn listed(&self) -> Result<Vec<String>> {
        let (mut names, mut page) = (Vec::new(), String::new());
        loop {
            let answer = self.client.read(&format!("{}{page}", self.tables())).await?;
            if answer.status == StatusCode::NOT_FOUND {
                return match page.is_empty() {
                    true => Ok(Vec::new()),
                    // What came before is not all.
                    false => Err(broken_off().caused_by(answer.error())),
                };
            }
            let listed: Listed = answer.expect()?;
            names.extend(listed.identifiers.into_iter().map(|found| found.name).filter(|name| name != FENCE));
            match listed.next_page_token.filter(|token| !token.is_empty()) {
                Some(token) => {
                    let query = Url::parse_with_params("http://none", [("pageToken", token)]);
                    page = query.ok().and_then(|url| Some(format!("?{}", url.query()?))).unwrap_or_default();
                }
                None => break,
            }
        }
        names.sort();
        names.dedup();
        Ok(names)
    }
}

fn broken_off() -> Error {
    Error::new(ErrorKind::Unavailable, "the catalog's server broke off its list of tables")
}

/// A name of any kind as a part of a path.
pub(super) fn escaped(name: &str) -> String {
    percent::encode_path(name).replace('/', "%2F")
}

//! What the services say differently: versions, conditions, and what their protocols leave out.

use worldstore_core::{Condition, Version};

use crate::attempts::Guard;

/// The ways of one service.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Protocol {
    /// What a version is.
    pub versions: Versions,
    /// How a finished upload gets a condition; none if it cannot have one.
    pub commits: Option<Commits>,
    /// How a delete gets a condition.
    pub deletes: Deletes,
    /// Copies are told their condition in this header instead of by object_store's mode.
    pub copy_header: Option<CopyHeader>,
    /// The last bytes of an object can be asked for without its size.
    pub suffix_ranges: bool,
    /// Keys of one delete request.
    pub delete_keys_max: usize,
    /// Objects can be listed.
    pub lists: bool,
    /// The keys for which object_store signs links rightly.
    pub links: Links,
}

/// What a version is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Versions {
    /// The etag as it is.
    Etag,
    /// The etag, which listings show without its quotes.
    QuotedEtag,
    /// The etag, unless it is a weak one: that names more than one state.
    StrongEtag,
    /// The generation. In listings it stands in the place of the etag, without quotes: see `gcs::listing`.
    Generation,
}

/// The request that finishes an upload.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Commits {
    pub method: &'static str,
    pub query: &'static str,
    /// It takes `If-Match`, not only `If-None-Match`.
    pub if_match: bool,
}

/// The keys for which object_store signs links rightly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Links {
    /// All.
    AllKeys,
    /// Those without `%`, `?` and `#`, which it reads as parts of a URL.
    NoMarks,
    /// Those that look the same in a URL: it signs the encoded name, the service checks the decoded one.
    PlainKeys,
}

#[cfg(feature = "cloud")]
impl Links {
    /// Whether a link to this name is signed rightly.
    pub fn to(self, name: &str) -> bool {
        match self {
            Self::AllKeys => true,
            Self::NoMarks => !name.contains(['%', '?', '#']),
            Self::PlainKeys => {
                name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~/!$&()*,;=:@".contains(&byte))
            }
        }
    }
}

/// How a delete gets a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deletes {
    /// It cannot have one.
    Plain,
    /// By `If-Match`, on a request of our own.
    Direct,
    /// By a header of the service on object_store's own request.
    Header(&'static str),
}

/// The headers that tell a copy its condition.
#[derive(Debug, Clone, Copy)]
pub(crate) enum CopyHeader {
    /// `If-None-Match` and `If-Match`.
    Etag,
    /// The generation of the target; zero for none.
    Generation(&'static str),
}

impl Protocol {
    /// The ways of any object store: etags, and nothing beyond object_store.
    pub const ANY: Self = Self {
        versions: Versions::Etag,
        commits: None,
        deletes: Deletes::Plain,
        copy_header: None,
        suffix_ranges: true,
        delete_keys_max: 1_000,
        lists: true,
        links: Links::AllKeys,
    };

    /// The version of a state, if the service told one.
    pub fn version(&self, etag: Option<String>, generation: Option<String>) -> Option<Version> {
        match self.versions {
            Versions::Etag => etag.map(Version::new),
            Versions::QuotedEtag => etag.map(|etag| match etag.starts_with(['"', 'W']) {
                true => Version::new(etag),
                false => Version::new(format!("\"{etag}\"")),
            }),
            Versions::StrongEtag => etag.filter(|etag| !etag.starts_with("W/")).map(Version::new),
            Versions::Generation => {
                let digits = |etag: &String| etag.bytes().all(|byte| byte.is_ascii_digit());
                generation.or_else(|| etag.filter(digits)).map(Version::new)
            }
        }
    }

    /// The text of a version if it can be that of a single state: a list or a `*` would match more than one.
    pub fn single<'version>(&self, version: &'version Version) -> Option<&'version str> {
        let text = version.as_str();
        let single = match self.versions {
            Versions::Generation => {
                text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() && !text.starts_with('0')
            }
            _ => text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',') && !matches!(text, "" | "*"),
        };
        single.then_some(text)
    }

    /// Whether an upload in parts can be finished under this condition.
    pub fn commits_under(&self, condition: &Condition) -> bool {
        match (condition, self.commits) {
            (Condition::None, _) => true,
            (Condition::IfMatch(_), Some(commits)) => commits.if_match,
            (_, commits) => commits.is_some(),
        }
    }

    /// The guard that puts a condition on the request that finishes an upload.
    pub fn commit_guard(&self, condition: &Condition) -> Option<Guard> {
        let commits = self.commits?;
        let (name, value) = etag_header(condition)?;
        Some(Guard::new(commits.method, commits.query, name, Some(value)).once())
    }

    /// The guard that tells a copy its condition.
    pub fn copy_guard(&self, condition: &Condition) -> Option<Guard> {
        match self.copy_header? {
            CopyHeader::Etag => {
                let (name, value) = etag_header(condition)?;
                Some(Guard::new("PUT", "", name, Some(value)).once())
            }
            CopyHeader::Generation(name) => {
                let guard = |value| Guard::new("PUT", "", name, value);
                match condition {
                    Condition::IfAbsent => Some(guard(Some("0".to_owned())).once()),
                    Condition::IfMatch(version) => Some(guard(Some(version.to_string())).once()),
                    _ => Some(guard(None)),
                }
            }
        }
    }
}

fn etag_header(condition: &Condition) -> Option<(&'static str, String)> {
    match condition {
        Condition::IfAbsent => Some(("if-none-match", "*".to_owned())),
        Condition::IfMatch(version) => Some(("if-match", version.to_string())),
        _ => None,
    }
}

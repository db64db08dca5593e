//! Changing: puts under conditions, copies and renames, and what is made of a lost reply.

use std::time::Duration;

use object_store::path::Path;
use object_store::{
    Attribute, Attributes, CopyMode, GetOptions, PutMode, PutOptions, PutPayload, RenameTargetMode, UpdateVersion,
};
use uuid::Uuid;
use worldstore_core::{
    Capability, Condition, Error, Key, ObjectMeta, Outcome, Result, Settled, WriteOptions, WriteToken,
};

use crate::attempts::{Hint, Seen, guarded, watched};
use crate::backend::ObjectStoreBackend;
use crate::failure::{Fate, fate};

/// The name of the user metadata that holds the write token. Azure allows no hyphens in it.
const TOKEN: Attribute = Attribute::Metadata(std::borrow::Cow::Borrowed("worldstorewrite"));

/// How often a copy that goes on is looked at, and the pause between two looks: a minute.
const COPY_LOOKS: usize = 300;
const COPY_PAUSE: Duration = Duration::from_millis(200);

/// The mark of one write, which travels with the object.
#[derive(Debug, Clone)]
pub(crate) struct Token(Option<String>);

impl Token {
    /// The caller's token, else a random one, where objects carry tokens.
    pub fn new(options: &WriteOptions, capability: Capability) -> Self {
        let given = || options.token.as_ref().map(WriteToken::to_string);
        let token = || given().unwrap_or_else(|| Uuid::new_v4().simple().to_string());
        Self(capability.write_tokens.then(token))
    }

    pub fn attributes(&self) -> Attributes {
        self.0.iter().map(|token| (TOKEN, token.clone())).collect()
    }

    /// True if the object with these attributes is the one of this write.
    fn marks(&self, attributes: &Attributes) -> bool {
        self.0.as_deref().is_some_and(|token| attributes.get(&TOKEN).is_some_and(|found| found.as_ref() == token))
    }
}

/// A change that the store answered with an error.
pub(crate) struct Failed<'change> {
    pub operation: &'static str,
    pub key: &'change Key,
    pub path: &'change Path,
    pub condition: &'change Condition,
    pub token: &'change Token,
}

impl ObjectStoreBackend {
    /// Refuses a write that the capability does not have.
    pub(crate) fn allow_write(&self, options: &WriteOptions) -> Result<()> {
        self.declared(self.capability.write, "the store is read-only")?;
        self.declared(options.token.is_none() || self.capability.write_tokens, "the store keeps no write tokens")?;
        match &options.condition {
            Condition::None => Ok(()),
            Condition::IfAbsent => self.declared(self.capability.write_if_absent, "the store cannot write if absent"),
            Condition::IfMatch(_) => self.declared(self.capability.write_if_match, "the store cannot write if match"),
            _ => Err(Error::unsupported("the condition is not known here").with("backend", self)),
        }
    }

    /// Stores an object with one request.
    pub(crate) async fn put(
        &self,
        key: &Key,
        payload: PutPayload,
        condition: &Condition,
        token: &Token,
    ) -> Result<Outcome> {
        let path = self.path(key)?;
        let (mode, store) = match condition {
            Condition::IfAbsent => (PutMode::Create, &self.conditional),
            Condition::IfMatch(version) => match self.protocol.single(version) {
                Some(text) => {
                    let text = Some(text.to_owned());
                    (PutMode::Update(UpdateVersion { e_tag: text.clone(), version: text }), &self.conditional)
                }
                // No state of an object has such a version.
                None => return Ok(Outcome::Rejected),
            },
            _ => (PutMode::Overwrite, &self.store),
        };
        let size = payload.content_length() as u64;
        let options = PutOptions { mode, attributes: token.attributes(), ..PutOptions::default() };
        let (result, seen) = watched(store.put_opts(&path, payload, options)).await;
        match result {
            Ok(put) => Ok(Outcome::Applied(self.versioned(ObjectMeta::new(key.clone(), size), put.e_tag, put.version))),
            Err(error) => {
                let change = Failed { operation: "write", key, path: &path, condition, token };
                self.settle_failed(change, error, seen).await
            }
        }
    }

    /// What a failed change comes to. One whose fate is open is looked for by its token.
    pub(crate) async fn settle_failed(
        &self,
        change: Failed<'_>,
        error: object_store::Error,
        seen: Seen,
    ) -> Result<Outcome> {
        let missing =
            matches!((&error, change.condition), (object_store::Error::NotFound { .. }, Condition::IfMatch(_)));
        match fate(&error, seen, change.condition) {
            Fate::Rejected => Ok(Outcome::Rejected),
            Fate::Failed if missing && change.operation == "write" => Ok(Outcome::Rejected),
            Fate::Failed if seen.hint == Some(Hint::BlocksGone) && self.is_false(&change).await? => {
                Ok(Outcome::Rejected)
            }
            Fate::Failed => Err(self.error(change.operation, change.key.as_str(), error, seen)),
            Fate::Unclear => Ok(self.look_for(change.path, change.token).await),
        }
    }

    /// Whether a condition is false now. Only for changes that certainly did not happen and may not happen any more.
    async fn is_false(&self, change: &Failed<'_>) -> Result<bool> {
        if *change.condition == Condition::None {
            return Ok(false);
        }
        let found = match self.head(change.key, None).await {
            Ok(meta) => Some(meta),
            Err(error) if error.is_not_found() => None,
            Err(error) => return Err(error),
        };
        Ok(match change.condition {
            Condition::IfAbsent => found.is_some(),
            Condition::IfMatch(version) => found.and_then(|meta| meta.version).as_ref() != Some(version),
            _ => false,
        })
    }

    /// Reads back what became of a write with this token.
    pub(crate) async fn settle_token(&self, key: &Key, token: &WriteToken) -> Result<Settled> {
        self.declared(self.capability.write_tokens, "the store keeps no write tokens")?;
        let path = self.path(key)?;
        let options = GetOptions { head: true, ..GetOptions::default() };
        let (result, seen) = watched(self.store.get_opts(&path, options)).await;
        match result.map_err(|error| self.error("settle", key.as_str(), error, seen)) {
            Ok(found) => {
                let ours = Token(Some(token.to_string())).marks(&found.attributes);
                let meta = self.meta_of(found.meta)?;
                Ok(if ours { Settled::Applied(meta) } else { Settled::Other(meta) })
            }
            Err(error) if error.is_not_found() => Ok(Settled::Absent),
            Err(error) => Err(error),
        }
    }

    /// An object that carries the token proves that its write happened. Anything else proves nothing: the request may
    /// still be under way, or another write may have followed.
    pub(crate) async fn look_for(&self, path: &Path, token: &Token) -> Outcome {
        if token.0.is_none() {
            return Outcome::Unknown;
        }
        let options = GetOptions { head: true, ..GetOptions::default() };
        match self.store.get_opts(path, options).await {
            Ok(found) if token.marks(&found.attributes) => match self.meta_of(found.meta) {
                Ok(meta) => Outcome::Applied(meta),
                Err(_) => Outcome::Unknown,
            },
            _ => Outcome::Unknown,
        }
    }

    pub(crate) async fn copy_object(&self, from: &Key, to: &Key, condition: &Condition) -> Result<Outcome> {
        self.declared(self.capability.write && self.capability.copy, "the store cannot copy")?;
        match condition {
            Condition::None => {}
            Condition::IfAbsent => self.declared(self.capability.copy_if_absent, "the store cannot copy if absent")?,
            Condition::IfMatch(version) => {
                self.declared(self.capability.copy_if_match, "the store cannot copy if match")?;
                if self.protocol.single(version).is_none() {
                    return self.head(from, None).await.map(|_| Outcome::Rejected);
                }
            }
            _ => return Err(Error::unsupported("the condition is not known here").with("backend", self)),
        }
        let (source, target) = (self.path(from)?, self.path(to)?);
        let guard = self.protocol.copy_guard(condition);
        let mode = match condition {
            Condition::IfAbsent if self.protocol.copy_header.is_none() => CopyMode::Create,
            _ => CopyMode::Overwrite,
        };
        let store = if *condition == Condition::None { &self.store } else { &self.conditional };
        let options = object_store::CopyOptions::new().with_mode(mode);
        let (result, seen) = guarded(guard, store.copy_opts(&source, &target, options)).await;
        if result.is_ok() && matches!(seen.hint, Some(Hint::CopyGoesOn | Hint::CopyFailed)) {
            return self.await_copy(to, &target, seen).await;
        }
        let outcome = self.moved("copy", (from, to), &target, condition, result, seen).await?;
        if outcome == Outcome::Rejected {
            // A source that is missing says more than a condition that is false, and services differ in what they say.
            self.head(from, None).await?;
        }
        Ok(outcome)
    }

    /// Waits for a copy that goes on after its request, for [`COPY_LOOKS`] looks.
    async fn await_copy(&self, to: &Key, target: &Path, mut seen: Seen) -> Result<Outcome> {
        for _ in 0..COPY_LOOKS {
            match seen.hint {
                Some(Hint::CopyGoesOn) => tokio::time::sleep(COPY_PAUSE).await,
                Some(Hint::CopyFailed) => {
                    return Err(Error::unexpected("the service began the copy and could not end it")
                        .during("copy")
                        .with("backend", self)
                        .with("key", to));
                }
                _ => return self.head(to, None).await.map(Outcome::Applied),
            }
            let options = GetOptions { head: true, ..GetOptions::default() };
            let (result, looked) = watched(self.store.get_opts(target, options)).await;
            result.map_err(|error| self.error("copy", to.as_str(), error, looked))?;
            seen = looked;
        }
        Ok(Outcome::Unknown)
    }

    pub(crate) async fn rename_object(&self, from: &Key, to: &Key, condition: &Condition) -> Result<Outcome> {
        let message = "the store cannot rename: copying and deleting would show two objects";
        self.declared(self.capability.write && self.capability.rename, message)?;
        let mode = match condition {
            Condition::None => RenameTargetMode::Overwrite,
            Condition::IfAbsent => {
                self.declared(self.capability.rename_if_absent, "the store cannot rename if absent")?;
                RenameTargetMode::Create
            }
            _ => return Err(Error::unsupported("object stores cannot rename if match").with("backend", self)),
        };
        let (source, target) = (self.path(from)?, self.path(to)?);
        if from == to && *condition == Condition::None {
            return self.head(from, None).await.map(Outcome::Applied);
        }
        let options = object_store::RenameOptions::new().with_target_mode(mode);
        let (result, seen) = watched(self.conditional.rename_opts(&source, &target, options)).await;
        self.moved("rename", (from, to), &target, condition, result, seen).await
    }

    /// Stores do not tell the new state, so it is looked up; another writer may have been there in between.
    async fn moved(
        &self,
        operation: &'static str,
        (from, to): (&Key, &Key),
        path: &Path,
        condition: &Condition,
        result: object_store::Result<()>,
        seen: Seen,
    ) -> Result<Outcome> {
        match result {
            Ok(()) => self.head(to, None).await.map(Outcome::Applied),
            Err(error) => {
                let change = Failed { operation, key: from, path, condition, token: &Token(None) };
                self.settle_failed(change, error, seen).await
            }
        }
    }
}

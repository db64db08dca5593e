//! Changing: puts under conditions, copies and renames, and what is made of a lost reply.

use object_store::path::Path;
use object_store::{
    Attribute, Attributes, CopyMode, GetOptions, PutMode, PutOptions, PutPayload, RenameTargetMode, UpdateVersion,
};
use uuid::Uuid;
use worldstore_core::{Condition, Error, Key, ObjectMeta, Outcome, Result};

use crate::attempts::{Seen, watched};
use crate::backend::{ObjectStoreBackend, WriteTokens, etag};
use crate::failure::{Fate, fate};

/// The name of the user metadata that holds the write token.
const TOKEN: Attribute = Attribute::Metadata(std::borrow::Cow::Borrowed("worldstore-write"));

/// The mark of one write, which travels with the object.
#[derive(Debug, Clone)]
pub(crate) struct WriteToken(Option<String>);

impl WriteToken {
    pub fn new(tokens: WriteTokens) -> Self {
        Self((tokens == WriteTokens::On).then(|| Uuid::new_v4().simple().to_string()))
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
    pub token: &'change WriteToken,
}

impl ObjectStoreBackend {
    /// Refuses a write that the capability does not have.
    pub(crate) fn allow_write(&self, condition: &Condition) -> Result<()> {
        self.declared(self.capability.write, "the store is read-only")?;
        match condition {
            Condition::None => Ok(()),
            Condition::IfAbsent => self.declared(self.capability.write_if_absent, "the store cannot write if absent"),
            Condition::IfMatch(_) => self.declared(self.capability.write_if_match, "the store cannot write if match"),
            _ => Err(Error::unsupported("the condition is not known here").with("backend", self)),
        }
    }

    /// Stores an object with one request.
    pub(crate) async fn put(&self, key: &Key, payload: PutPayload, condition: &Condition) -> Result<Outcome> {
        let path = self.path(key)?;
        let (mode, store) = match condition {
            Condition::IfAbsent => (PutMode::Create, &self.conditional),
            Condition::IfMatch(version) => match etag(version) {
                Some(etag) => {
                    let version = UpdateVersion { e_tag: Some(etag.to_owned()), version: None };
                    (PutMode::Update(version), &self.conditional)
                }
                // No state of an object has such a version.
                None => return Ok(Outcome::Rejected),
            },
            _ => (PutMode::Overwrite, &self.store),
        };
        let (size, token) = (payload.content_length() as u64, WriteToken::new(self.tokens));
        let options = PutOptions { mode, attributes: token.attributes(), ..PutOptions::default() };
        let (result, seen) = watched(store.put_opts(&path, payload, options)).await;
        match result {
            Ok(put) => Ok(Outcome::Applied(self.versioned(ObjectMeta::new(key.clone(), size), put.e_tag))),
            Err(error) => {
                let change = Failed { operation: "write", key, path: &path, condition, token: &token };
                self.settle(change, error, seen).await
            }
        }
    }

    /// What a failed change comes to. One whose fate is open is looked for by its token.
    pub(crate) async fn settle(&self, change: Failed<'_>, error: object_store::Error, seen: Seen) -> Result<Outcome> {
        match fate(&error, seen, change.condition) {
            Fate::Rejected => Ok(Outcome::Rejected),
            Fate::Failed => Err(self.error(change.operation, change.key.as_str(), error, seen)),
            Fate::Unclear => Ok(self.look_for(change.path, change.token).await),
        }
    }

    /// An object that carries the token proves that its write happened. Anything else proves nothing: the request may
    /// still be under way, or another write may have followed.
    async fn look_for(&self, path: &Path, token: &WriteToken) -> Outcome {
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
        let mode = match condition {
            Condition::None => CopyMode::Overwrite,
            Condition::IfAbsent => {
                self.declared(self.capability.copy_if_absent, "the store cannot copy if absent")?;
                CopyMode::Create
            }
            _ => return Err(Error::unsupported("object stores cannot copy if match").with("backend", self)),
        };
        let (source, target) = (self.path(from)?, self.path(to)?);
        let store = if *condition == Condition::None { &self.store } else { &self.conditional };
        let options = object_store::CopyOptions::new().with_mode(mode);
        let (result, seen) = watched(store.copy_opts(&source, &target, options)).await;
        self.moved("copy", (from, to), &target, condition, result, seen).await
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
                let change = Failed { operation, key: from, path, condition, token: &WriteToken(None) };
                self.settle(change, error, seen).await
            }
        }
    }
}

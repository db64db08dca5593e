//! The commit: create the manifest if absent, and compare and set the watermark in it.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use lance_core::Error as LanceError;
use lance_io::object_store::ObjectStore;
use lance_table::format::pb::transaction::Operation;
use lance_table::format::{IndexMetadata, Manifest, Transaction};
use lance_table::io::commit::{
    CommitError, CommitHandler, ConditionalPutCommitHandler, ManifestLocation, ManifestNamingScheme, ManifestWriter,
};
use object_store::path::Path;
use worldstore_async::AsyncBackend;
use worldstore_core::table::{AppendOptions, WatermarkStep};
use worldstore_core::{DeleteOptions, Error, ErrorKind, Key, Result};

use crate::lineage::{self, Commit, Standing};
use crate::spans;

/// The key in a Lance manifest's config that holds the table's watermark: the last sequence number of its rows.
pub const WATERMARK_KEY: &str = "worldstore.watermark";

/// The key that holds the epoch of the last writer that gave one.
pub const EPOCH_KEY: &str = "worldstore.epoch";

/// The key that holds the transaction that set the watermark, so that its writer can tell it from another's.
const STEP_KEY: &str = "worldstore.step";

const CREATE: &str = "worldstore.create";
const EXPECTED: &str = "worldstore.expected";
const NEXT: &str = "worldstore.next";

/// Step, epoch and spans of the rows as properties of a transaction; none if the append has none of them.
pub(crate) fn properties(options: &AppendOptions, spans: Option<String>) -> Option<Arc<HashMap<String, String>>> {
    let mut properties = HashMap::new();
    properties.extend(spans.map(|spans| (spans::SPANS_KEY.to_owned(), spans)));
    if let Some(step) = options.watermark {
        properties.insert(EXPECTED.to_owned(), step.expected.to_string());
        properties.insert(NEXT.to_owned(), step.next.to_string());
    }
    if let Some(epoch) = options.epoch {
        properties.insert(EPOCH_KEY.to_owned(), epoch.to_string());
    }
    (!properties.is_empty()).then(|| Arc::new(properties))
}

/// Marks a transaction that creates a table, so that it makes no later version.
pub(crate) fn creation() -> Arc<HashMap<String, String>> {
    Arc::new(HashMap::from([(CREATE.to_owned(), "true".to_owned())]))
}

/// The watermark in a manifest's config; 0 if there is none.
pub(crate) fn watermark(config: &HashMap<String, String>) -> Result<u64> {
    config.get(WATERMARK_KEY).map_or(Ok(0), |text| number(WATERMARK_KEY, text))
}

/// The epoch in a manifest's config; 0 if there is none.
pub(crate) fn epoch(config: &HashMap<String, String>) -> Result<u64> {
    config.get(EPOCH_KEY).map_or(Ok(0), |text| number(EPOCH_KEY, text))
}

/// True if this transaction is the one that set the watermark.
pub(crate) fn is_set_by(config: &HashMap<String, String>, transaction: &str) -> bool {
    config.get(STEP_KEY).is_some_and(|setter| setter == transaction)
}

fn number(key: &'static str, text: &str) -> Result<u64> {
    text.parse().map_err(|source| {
        Error::new(ErrorKind::Corrupt, "mark in the manifest is no number")
            .with("property", key)
            .with("value", text)
            .caused_by(source)
    })
}

/// Commits by creating the manifest if absent. The config of a manifest is inherited by the next, so the manifest at
/// hand holds the watermark of the version before; and as creating it proves that no other came in between, comparing
/// and setting it there is free of races. Compaction and index commits inherit it as it is. Every commit notes itself
/// in the [lineage] and brings the [spans] up to date.
#[derive(Debug)]
pub(crate) struct GuardedCommit {
    backend: Arc<dyn AsyncBackend>,
}

impl GuardedCommit {
    pub fn new(backend: Arc<dyn AsyncBackend>) -> Self {
        Self { backend }
    }

    /// Ids of fragments that were reserved too late belong to others. What is written under them then must not be
    /// committed, so this is the place to find out.
    async fn check_reserved(&self, commit: Commit<'_>) -> Result<()> {
        let path = commit.naming.manifest_path(commit.base, commit.version);
        match lineage::standing(&self.backend, commit).await? {
            Standing::Holds => Ok(()),
            Standing::Overtaken => {
                self.backend.delete(&[Key::new(path.as_ref())?], &DeleteOptions::default()).await?;
                Err(Error::new(ErrorKind::Conflict, "other changes came first and their versions have expired"))
            }
        }
    }
}

fn guard(manifest: &mut Manifest, transaction: &Transaction) -> Result<()> {
    let properties = &transaction.inner.transaction_properties;
    if properties.contains_key(CREATE) && manifest.version != 1 {
        // Another writer created the table meanwhile. Lance would go on and overwrite its rows.
        return Err(Error::new(ErrorKind::AlreadyExists, "table exists already"));
    }
    if let Some(text) = properties.get(EPOCH_KEY) {
        let options = AppendOptions::default().with_epoch(number(EPOCH_KEY, text)?);
        let epoch = options.check_epoch(epoch(&manifest.config)?)?;
        manifest.config_mut().insert(EPOCH_KEY.to_owned(), epoch.to_string());
    }
    if let (Some(expected), Some(next)) = (properties.get(EXPECTED), properties.get(NEXT)) {
        let step = WatermarkStep { expected: number(EXPECTED, expected)?, next: number(NEXT, next)? };
        let next = step.check(watermark(&manifest.config)?)?;
        manifest.config_mut().insert(WATERMARK_KEY.to_owned(), next.to_string());
        manifest.config_mut().insert(STEP_KEY.to_owned(), transaction.inner.uuid.clone());
    }
    lineage::note(manifest, &transaction.inner.uuid)?;
    spans::carry(manifest, &transaction.inner)
}

fn refused(error: Error) -> CommitError {
    CommitError::OtherError(LanceError::external(Box::new(error)))
}

#[async_trait]
impl CommitHandler for GuardedCommit {
    async fn commit(
        &self,
        manifest: &mut Manifest,
        indices: Option<Vec<IndexMetadata>>,
        base_path: &Path,
        object_store: &ObjectStore,
        manifest_writer: ManifestWriter,
        naming_scheme: ManifestNamingScheme,
        transaction: Option<Transaction>,
    ) -> Result<ManifestLocation, CommitError> {
        match &transaction {
            Some(transaction) => guard(manifest, transaction).map_err(refused)?,
            // Lance leaves out what is above 20 MiB; the guard must not be left out with it.
            None => return Err(refused(Error::unsupported("transaction is too large to be guarded"))),
        }
        let reserves = transaction
            .as_ref()
            .is_some_and(|transaction| matches!(transaction.inner.operation, Some(Operation::ReserveFragments(_))));
        let location = ConditionalPutCommitHandler
            .commit(manifest, indices, base_path, object_store, manifest_writer, naming_scheme, transaction)
            .await?;
        if reserves {
            let (version, config) = (manifest.version, &manifest.config);
            let commit = Commit { version, base: base_path, naming: naming_scheme, config, store: object_store };
            self.check_reserved(commit).await.map_err(refused)?;
        }
        Ok(location)
    }

    /// Our store is consistent: a manifest that is not found was not committed.
    fn is_version_not_found_definitive(&self) -> bool {
        true
    }

    /// A commit that is read back as done is done, whatever its answer was.
    fn propagate_commit_error_after_success(&self) -> bool {
        false
    }
}

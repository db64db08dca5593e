//! What keeps tables in shape: columns, compaction, expiry, removal.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::Schema;
use lance::Dataset;
use lance::dataset::optimize::{CompactionOptions, compact_files};
use lance::dataset::write::delete::DeleteBuilder;
use lance::dataset::{ColumnAlteration, NewColumnTransform};
use worldstore_core::table::{
    ColumnChange, CompactOptions, Compaction, ExpireOptions, Expiry, TableFile, TableInfo, TableName,
};
use worldstore_core::{DeleteOptions, Deleted, Error, ErrorKind, Key, ListOptions, Result};

use crate::caught;
use crate::expression::translate;
use crate::files::files_of;
use crate::hidden::has_parts;
use crate::lineage::{Standing, standing_of};
use crate::tables::{LanceTables, explain, schema_of};
use crate::types::check_columns;

/// Objects that are deleted with one call.
const DELETE_KEYS_MAX: usize = 1_000;
/// Where a table's manifests are, in its folder.
const MANIFESTS: &str = "_versions";
/// A compaction that others came before is made anew so often.
const ATTEMPTS_MAX: usize = 3;

impl LanceTables {
    pub(crate) async fn change_columns(&self, table: &TableName, change: &ColumnChange) -> Result<TableInfo> {
        self.expect_open(table)?;
        let mut dataset = self.latest(table).await?;
        let after = change.apply(&schema_of(&dataset)).map_err(|error| error.with("table", table))?;
        check_columns(&after).map_err(|error| error.with("table", table))?;
        let changed = match change {
            ColumnChange::Add(fields) => {
                let added = Arc::new(Schema::new(fields.clone()));
                dataset.add_columns(NewColumnTransform::AllNulls(added), None, None).await
            }
            ColumnChange::Rename { from, to } => {
                dataset.alter_columns(&[ColumnAlteration::new(from.clone()).rename(to.clone())]).await
            }
            other => {
                return Err(Error::unsupported("change of columns is not known").with("change", format!("{other:?}")));
            }
        };
        changed.map_err(|source| expired(explain(source, table)))?;
        self.settle(table, &dataset).await?;
        self.info_of(table, &dataset).await
    }

    pub(crate) async fn pack(&self, table: &TableName, options: &CompactOptions) -> Result<Compaction> {
        options.check()?;
        self.expect_open(table)?;
        let mut attempt = 1;
        let mut packed = loop {
            match caught::work(self.pack_once(table, options)).await {
                Err(error) if error.kind() == ErrorKind::Conflict && attempt < ATTEMPTS_MAX => attempt += 1,
                done => break done?,
            }
        };
        self.index_compacted(table).await?;
        packed.version = self.latest(table).await?.version().version;
        Ok(packed)
    }

    async fn pack_once(&self, table: &TableName, options: &CompactOptions) -> Result<Compaction> {
        let mut dataset = self.latest(table).await?;
        let before = dataset.version().version;
        let files_before = dataset.fragments().len() as u64;
        let dropped_rows = drop_rows(&mut dataset, options).await;
        let dropped_rows = dropped_rows.map_err(|error| expired(error.with("table", table)))?;
        let how = CompactionOptions {
            target_rows_per_fragment: options.file_rows,
            materialize_deletions_threshold: 0.0,
            ..CompactionOptions::default()
        };
        let packed = match has_parts(&schema_of(&dataset)) {
            true => self.rewrite(&mut dataset, &how).await,
            false => compact_files(&mut dataset, how, None).await.map(|_| ()),
        };
        packed.map_err(|source| expired(explain(source, table)))?;
        if dataset.version().version != before {
            self.settle(table, &dataset).await?;
        }
        let files_after = dataset.fragments().len() as u64;
        Ok(Compaction::new(dataset.version().version, files_before, files_after, dropped_rows))
    }

    /// Holds a dataset after a commit that the table stands on.
    ///
    /// # Errors
    /// `Conflict` if others came first and the table does not stand on it; `OutcomeUnknown` if that cannot be told.
    pub(crate) async fn settle(&self, table: &TableName, committed: &Dataset) -> Result<()> {
        match standing_of(self.backend(), committed).await.map_err(|error| error.with("table", table))? {
            Standing::Holds => {
                self.hold(table, committed);
                Ok(())
            }
            Standing::Overtaken => Err(self.take_back(table, committed).await),
        }
    }

    /// Removes the manifest of a commit that the table does not stand on, and returns the error that says so. If that
    /// fails it stays an old version, which goes when versions expire.
    pub(crate) async fn take_back(&self, table: &TableName, overtaken: &Dataset) -> Error {
        self.forget_held(table);
        let manifest = Key::new(overtaken.manifest_location().path.as_ref());
        let removed = match manifest {
            Ok(manifest) => self.delete(&[manifest]).await,
            Err(error) => Err(error),
        };
        if let Err(error) = removed {
            tracing::warn!(target: "worldstore", %table, %error, "an overtaken manifest could not be removed");
        }
        Error::new(ErrorKind::Conflict, "other changes came first and their versions have expired").with("table", table)
    }

    /// Deletes what expired versions have and no other: manifests first, so that whatever happens in between no version
    /// can be opened that misses a file. What no version has, as files of an append under way, is left alone.
    pub(crate) async fn forget(&self, table: &TableName, options: &ExpireOptions) -> Result<Expiry> {
        self.expect_open(table)?;
        let newest = self.latest(table).await?;
        let mut versions = newest.versions().await.map_err(|source| explain(source, table))?;
        versions.sort_by_key(|version| version.version);
        let versions: Vec<_> =
            versions.iter().map(|version| (version.version, version.timestamp.timestamp_millis())).collect();
        let mut expired = options.expired(&versions).map_err(|error| error.with("table", table))?;
        let named = named_versions(&newest).await.map_err(|source| explain(source, table))?;
        expired.retain(|version| !named.contains(version));
        let (mut gone, mut kept) = (BTreeSet::new(), BTreeSet::new());
        for (version, _) in &versions {
            let dataset = newest.checkout_version(*version).await.map_err(|source| explain(source, table))?;
            let files = if expired.contains(version) { &mut gone } else { &mut kept };
            files.extend(files_of(self.backend(), &dataset).await?);
        }
        let gone = gone.difference(&kept).map(|file| file.key.clone());
        let gone: Vec<Key> = gone.filter(|key| !options.retain_files.contains(key)).collect();
        let bytes = self.bytes_of(table, &gone).await?;
        let expiry = Expiry::new(expired, gone.len() as u64, bytes);
        if !options.dry_run {
            let (manifests, others): (Vec<Key>, Vec<Key>) = gone.into_iter().partition(is_manifest);
            self.delete(&manifests).await?;
            self.delete(&others).await?;
        }
        Ok(expiry)
    }

    pub(crate) async fn files_at(&self, table: &TableName, version: Option<u64>) -> Result<Vec<TableFile>> {
        let dataset = self.at(table, version).await?;
        Ok(files_of(self.backend(), &dataset).await?.into_iter().collect())
    }

    /// Deletes manifests, the newest last, and then the rest: until the table is gone it can be read.
    pub(crate) async fn discard(&self, table: &TableName) -> Result<()> {
        self.expect_open(table)?;
        let found = self.latest(table).await;
        if let Err(error) = &found
            && !error.is_not_found()
        {
            return found.map(|_| ());
        }
        let all = self.objects(table).await?;
        let (mut manifests, others): (Vec<Key>, Vec<Key>) = all.into_iter().map(|(key, _)| key).partition(is_manifest);
        // Their names count down: the newest comes first.
        manifests.reverse();
        for manifest in &manifests {
            self.delete(std::slice::from_ref(manifest)).await?;
        }
        self.forget_life(table)?;
        self.delete(&others).await?;
        found.map(|_| ())
    }

    /// Every object of a table, with its bytes.
    async fn objects(&self, table: &TableName) -> Result<Vec<(Key, u64)>> {
        let folder = self.config().folder_of(table)?;
        let mut options = ListOptions::default();
        let mut objects = Vec::new();
        loop {
            let page = self.backend().list(&folder, &options).await?;
            objects.extend(page.objects.into_iter().map(|object| (object.key, object.size)));
            match page.next {
                Some(token) => options = options.with_token(token),
                None => return Ok(objects),
            }
        }
    }

    async fn bytes_of(&self, table: &TableName, keys: &[Key]) -> Result<u64> {
        if keys.is_empty() {
            return Ok(0);
        }
        let wanted: BTreeSet<&Key> = keys.iter().collect();
        let objects = self.objects(table).await?;
        Ok(objects.iter().filter(|(key, _)| wanted.contains(key)).map(|(_, bytes)| bytes).sum())
    }

    async fn delete(&self, keys: &[Key]) -> Result<()> {
        for some in keys.chunks(DELETE_KEYS_MAX) {
            let answers = self.backend().delete(some, &DeleteOptions::default()).await?;
            let failed = answers.into_iter().find_map(|answer| match answer {
                Deleted::Failed(error) => Some(error),
                _ => None,
            });
            failed.map_or(Ok(()), Err)?;
        }
        Ok(())
    }

    /// Whether the table was ever committed.
    pub(crate) async fn has_version(&self, table: &TableName) -> Result<bool> {
        let versions = self.config().folder_of(table)?.join(MANIFESTS)?;
        let page = self.backend().list(&versions, &ListOptions::default().with_limit(1)).await?;
        Ok(!page.objects.is_empty())
    }
}

/// Versions that have a tag, and those from which a branch goes out.
async fn named_versions(dataset: &Dataset) -> lance::Result<BTreeSet<u64>> {
    let tags = dataset.tags().list().await?;
    let branches = dataset.list_branches().await?;
    // What a branch of a branch needs is kept by the version that its branch goes out from.
    let tagged = tags.values().filter(|tag| tag.branch.is_none()).map(|tag| tag.version);
    let parents = branches.values().filter(|branch| branch.parent_branch.is_none()).map(|branch| branch.parent_version);
    Ok(tagged.chain(parents).collect())
}

/// After the table was found, what is not found is a version that has expired in between.
pub(crate) fn expired(error: Error) -> Error {
    match error.is_not_found() {
        true => Error::new(ErrorKind::Conflict, "a version that the change stands on has expired").caused_by(error),
        false => error,
    }
}

fn is_manifest(key: &Key) -> bool {
    key.as_str().rsplit('/').nth(1) == Some(MANIFESTS)
}

/// Removes the rows that the options leave out, and tells how many they were. Without such rows there is no commit.
async fn drop_rows(dataset: &mut Dataset, options: &CompactOptions) -> Result<u64> {
    let Some(predicate) = &options.drop else { return Ok(0) };
    let expression = translate(predicate, &schema_of(dataset))?;
    let mut scanner = dataset.scan();
    scanner.filter_expr(expression.clone());
    if scanner.count_rows().await.map_err(crate::error::from_lance)? == 0 {
        return Ok(0);
    }
    let deleted = DeleteBuilder::from_expr(Arc::new(dataset.clone()), expression).execute().await;
    let deleted = deleted.map_err(crate::error::from_lance)?;
    *dataset = Arc::unwrap_or_clone(deleted.new_dataset);
    Ok(deleted.num_deleted_rows)
}

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
use worldstore_core::{DeleteOptions, Deleted, Error, Key, ListOptions, Prefix, Result};

use crate::expression::translate;
use crate::files::files_of;
use crate::tables::{FOLDER_ENDING, LanceTables, explain, schema_of};
use crate::types::check_columns;

/// Objects that are deleted with one call.
const DELETE_KEYS_MAX: usize = 1_000;
/// Where a table's manifests are, in its folder.
const MANIFESTS: &str = "_versions/";

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
        changed.map_err(|source| explain(source, table))?;
        self.hold(table, &dataset);
        self.info_of(table, &dataset).await
    }

    pub(crate) async fn pack(&self, table: &TableName, options: &CompactOptions) -> Result<Compaction> {
        options.check()?;
        self.expect_open(table)?;
        let mut dataset = self.latest(table).await?;
        let files_before = dataset.fragments().len() as u64;
        let dropped_rows = drop_rows(&mut dataset, options).await.map_err(|error| error.with("table", table))?;
        let how = CompactionOptions {
            target_rows_per_fragment: options.file_rows,
            materialize_deletions_threshold: 0.0,
            ..CompactionOptions::default()
        };
        compact_files(&mut dataset, how, None).await.map_err(|source| explain(source, table))?;
        self.hold(table, &dataset);
        let files_after = dataset.fragments().len() as u64;
        Ok(Compaction::new(dataset.version().version, files_before, files_after, dropped_rows))
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
        let expired = options.expired(&versions).map_err(|error| error.with("table", table))?;
        let (mut gone, mut kept) = (BTreeSet::new(), BTreeSet::new());
        for (version, _) in &versions {
            let dataset = newest.checkout_version(*version).await.map_err(|source| explain(source, table))?;
            let files = if expired.contains(version) { &mut gone } else { &mut kept };
            files.extend(files_of(self.backend(), &dataset).await?);
        }
        let gone: Vec<Key> = gone.difference(&kept).map(|file| file.key.clone()).collect();
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
        self.forget_held(table);
        self.delete(&others).await?;
        found.map(|_| ())
    }

    /// Every object of a table, with its bytes.
    async fn objects(&self, table: &TableName) -> Result<Vec<(Key, u64)>> {
        let folder = self.folder(table)?;
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

    fn folder(&self, table: &TableName) -> Result<Prefix> {
        self.prefix().join(format!("{table}{FOLDER_ENDING}"))
    }
}

fn is_manifest(key: &Key) -> bool {
    key.as_str().contains(MANIFESTS)
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

//! The objects that one version of a dataset is made of.

use std::collections::BTreeSet;
use std::sync::Arc;

use lance::Dataset;
use lance::index::DatasetIndexExt;
use lance_table::io::deletion::deletion_file_path;
use object_store::path::Path;
use worldstore_async::AsyncBackend;
use worldstore_core::table::{FileRole, TableFile};
use worldstore_core::{Key, ListOptions, Prefix, Result};

use crate::error::from_lance;

/// Manifest, transaction, data files, deletion files and indexes of a version.
pub(crate) async fn files_of(backend: &Arc<dyn AsyncBackend>, dataset: &Dataset) -> Result<BTreeSet<TableFile>> {
    let mut files = BTreeSet::new();
    let mut add = |path: Path, role| -> Result<()> {
        files.insert(TableFile::new(Key::new(path.as_ref())?, role));
        Ok(())
    };
    add(dataset.manifest_location().path.clone(), FileRole::Metadata)?;
    if let Some(transaction) = &dataset.manifest().transaction_file {
        add(dataset.transactions_dir().join(transaction.as_str()), FileRole::Metadata)?;
    }
    for fragment in dataset.fragments().iter() {
        for file in &fragment.files {
            add(dataset.data_dir().join(file.path.as_str()), FileRole::Data)?;
        }
        if let Some(deletion) = &fragment.deletion_file {
            add(deletion_file_path(&dataset.branch_location().path, fragment.id, deletion), FileRole::Data)?;
        }
    }
    for index in dataset.load_indices().await.map_err(from_lance)?.iter() {
        let folder = dataset.indices_dir().join(index.uuid.to_string());
        let mut options = ListOptions::default();
        loop {
            let page = backend.list(&Prefix::new(folder.as_ref())?, &options).await?;
            files.extend(page.objects.into_iter().map(|object| TableFile::new(object.key, FileRole::Metadata)));
            match page.next {
                Some(token) => options = options.with_token(token),
                None => break,
            }
        }
    }
    Ok(files)
}

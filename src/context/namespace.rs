//! Namespaces in a byte store: a folder with a document that says so, and the worlds in it.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use worldstore_async::AsyncStore;
use worldstore_core::{Error, ErrorKind, ListOptions, Result, WriteOptions};

use crate::storage::Storage;
use crate::world::TableFormat;

/// The document of a namespace.
const NAMESPACE: &str = "namespace.json";
/// The document of a world.
const WORLD: &str = "world.json";
/// The layout that this code writes and reads.
const LAYOUT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Document {
    layout: u32,
    name: String,
}

/// The one thing that a context asks of a world that it does not open.
#[derive(Deserialize)]
struct WorldDocument {
    tables: TableFormat,
}

/// Makes a namespace, if there is none. What is there must be of this release.
pub(super) async fn make(storage: &Storage, name: &str) -> Result<()> {
    let (store, key) = (storage.store(), format!("{name}/{NAMESPACE}"));
    let text = match store.read_bytes(&key).await {
        Err(error) if error.is_not_found() => {
            let document = serde_json::to_vec_pretty(&Document { layout: LAYOUT, name: name.to_owned() })
                .map_err(|source| Error::unexpected("document cannot be written as JSON").caused_by(source))?;
            match store.write_with(&key, Bytes::from(document), &WriteOptions::if_absent()).await {
                // Another process has made it meanwhile.
                Err(error) if matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::ConditionFailed) => {}
                made => return made.map(|_| ()),
            }
            store.read_bytes(&key).await?
        }
        read => read?,
    };
    let corrupt =
        |source| Error::new(ErrorKind::Corrupt, "document cannot be understood").with("key", &key).caused_by(source);
    let document: Document = serde_json::from_slice(&text).map_err(corrupt)?;
    match document.layout {
        LAYOUT => Ok(()),
        other => Err(Error::unsupported("the namespace has a layout of another release")
            .with("namespace", name)
            .with("layout", other)),
    }
}

pub(super) async fn list(storage: &Storage) -> Result<Vec<String>> {
    folders_with(&storage.store(), "", NAMESPACE).await
}

pub(super) async fn worlds(storage: &Storage, namespace: &str) -> Result<Vec<String>> {
    folders_with(&storage.store(), namespace, WORLD).await
}

/// The table format of a world; none if there is no world.
pub(super) async fn format_of(storage: &Storage, namespace: &str, world: &str) -> Result<Option<TableFormat>> {
    let key = format!("{namespace}/{world}/{WORLD}");
    let text = match storage.store().read_bytes(&key).await {
        Err(error) if error.is_not_found() => return Ok(None),
        read => read?,
    };
    let document: WorldDocument = serde_json::from_slice(&text).map_err(|source| {
        Error::new(ErrorKind::Corrupt, "document cannot be understood").with("key", &key).caused_by(source)
    })?;
    Ok(Some(document.tables))
}

/// The names of the folders below this one that hold a document, sorted.
async fn folders_with(store: &AsyncStore, folder: &str, document: &str) -> Result<Vec<String>> {
    let mut options = ListOptions::default().one_level();
    let mut found = Vec::new();
    loop {
        let page = store.list_page(folder, &options).await?;
        for below in &page.folders {
            let path = below.to_string();
            let path = path.trim_end_matches('/');
            if store.is_file(&format!("{path}/{document}")).await? {
                found.push(path.rsplit('/').next().unwrap_or(path).to_owned());
            }
        }
        match page.next {
            Some(token) => options = options.with_token(token),
            None => break,
        }
    }
    found.sort_unstable();
    Ok(found)
}

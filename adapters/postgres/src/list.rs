//! Listing: a walk along the keys that leaps over folders.

use worldstore_core::listing::{self, Start};
use worldstore_core::{Error, Key, ListOptions, ListPage, ObjectMeta, PageToken, Prefix, Result};

use crate::error::translate;
use crate::objects::COLUMNS;
use crate::server::Server;

/// Rows that are fetched at a time.
const ROWS: usize = 1_001;

impl Server {
    pub(crate) async fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        options.token.as_ref().map_or(Ok(()), check)?;
        let below = if prefix.is_root() { String::new() } else { format!("{prefix}/") };
        // One more than the page holds tells whether it is the last.
        let wanted = options.limit.unwrap_or(listing::PAGE_DEFAULT).saturating_add(1);
        let (mut start, mut metas) = (Some(listing::start(&below, options)), Vec::new());
        while let (Some(from), true) = (start.take(), metas.len() < wanted) {
            let rows = self.rows(prefix, &from, wanted.min(ROWS)).await?;
            let last = rows.last().filter(|_| rows.len() == wanted.min(ROWS)).map(|meta| meta.key.clone());
            start = last.map(|last| Start::After(last.as_str().to_owned()));
            for meta in rows {
                let behind = options.one_level.then(|| behind_folder(prefix, &meta.key)).flatten();
                if skipped(prefix, metas.last(), &meta.key, options.one_level) {
                    continue;
                }
                metas.push(meta);
                // The rest of a folder is leapt over unless the next fetch begins behind it anyway.
                if let (Some(Start::After(last)), Some(behind)) = (&start, behind)
                    && last.as_str() < behind.as_str()
                {
                    start = Some(Start::At(behind));
                }
            }
        }
        listing::page(prefix, options, metas.into_iter().map(Ok))
    }

    async fn rows(&self, prefix: &Prefix, start: &Start, rows: usize) -> Result<Vec<ObjectMeta>> {
        let (operator, from) = match start {
            Start::At(from) => (">=", from),
            Start::After(from) => (">", from),
        };
        let sql = self.sql(&format!(
            "SELECT {COLUMNS} FROM {{ns}}.objects o
             WHERE o.key {operator} $1 AND ($2::bytea IS NULL OR o.key < $2) ORDER BY o.key LIMIT $3"
        ));
        // Behind everything below the folder: `0` follows `/` in byte order.
        let end = (!prefix.is_root()).then(|| format!("{prefix}0").into_bytes());
        let query = sqlx::query(&sql).bind(from.as_bytes()).bind(end).bind(rows as i64);
        let rows = query.fetch_all(&self.pool).await.map_err(translate)?;
        rows.iter().map(|row| Ok(self.object_of(row)?.meta)).collect()
    }
}

/// A token is the last entry of a page: a key, or a folder with its `/`.
fn check(token: &PageToken) -> Result<()> {
    let name = token.as_str().strip_suffix('/').unwrap_or(token.as_str());
    Key::new(name).map(drop).map_err(|error| Error::invalid("token of a page is not of this backend").caused_by(error))
}

/// The first text behind the folder that stands for the key in a listing of one level; none if the key is no deeper.
fn behind_folder(prefix: &Prefix, key: &Key) -> Option<String> {
    let (_, deeper) = prefix.strip(key.as_str())?.split_once('/')?;
    let end = key.as_str().len() - deeper.len() - 1;
    Some(format!("{}0", &key.as_str()[..end]))
}

/// True if the folder of the key is in the page already.
fn skipped(prefix: &Prefix, last: Option<&ObjectMeta>, key: &Key, one_level: bool) -> bool {
    let folder = behind_folder(prefix, key);
    one_level && folder.is_some() && last.is_some_and(|last| behind_folder(prefix, &last.key) == folder)
}

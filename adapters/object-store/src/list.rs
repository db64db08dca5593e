//! Listing: pages of keys in byte order, from stores that stream them or hand out a level at once.

use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use worldstore_core::listing::{self, Start};
use worldstore_core::{Error, Key, ListOptions, ListPage, ObjectMeta, PageToken, Prefix, Result};

use crate::attempts::watched;
use crate::backend::ObjectStoreBackend;

/// Entries of a page if none are asked for. S3 sends a thousand at a time, and one more than the page holds must be
/// seen to know whether it was the last.
const PAGE: usize = 999;

impl ObjectStoreBackend {
    pub(crate) async fn list_page(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        self.declared(self.protocol.lists, "the service cannot list")?;
        let limit = options.limit.unwrap_or(PAGE);
        if limit == 0 {
            return Err(Error::invalid("a page of no entries was asked for"));
        }
        let below = if prefix.is_root() { String::new() } else { format!("{prefix}/") };
        let start = listing::start(&below, options);
        match options.one_level {
            true => self.level(prefix, options.after.as_ref(), &start, limit).await,
            false => {
                let objects = self.walk(prefix, &start, limit.saturating_add(1)).await?;
                let options = options.clone().with_limit(limit);
                listing::page(prefix, &options, objects.into_iter().map(Ok))
            }
        }
    }

    /// Objects below the prefix from the start on, in order, at least so many unless there are fewer.
    async fn walk(&self, prefix: &Prefix, start: &Start, enough: usize) -> Result<Vec<ObjectMeta>> {
        let folder = self.folder(prefix)?;
        let stream = match start {
            Start::After(after) if self.capability.list_sorted => {
                self.store.list_with_offset(folder.as_ref(), &self.path_of(after)?)
            }
            _ => self.store.list(folder.as_ref()),
        };
        match self.capability.list_sorted {
            true => self.collect_sorted(prefix, folder.as_ref(), stream, start, enough).await,
            false => {
                let mut objects = self.collect(prefix, folder.as_ref(), stream, start).await?;
                objects.sort_by(|one, two| one.key.cmp(&two.key));
                Ok(objects)
            }
        }
    }

    async fn collect(
        &self,
        prefix: &Prefix,
        folder: Option<&Path>,
        stream: BoxStream<'static, object_store::Result<object_store::ObjectMeta>>,
        start: &Start,
    ) -> Result<Vec<ObjectMeta>> {
        let (listed, seen) = watched(stream.try_collect::<Vec<_>>()).await;
        let listed = listed.map_err(|error| self.error("list", prefix.as_str(), error, seen))?;
        let inside = listed.into_iter().filter(|meta| Some(&meta.location) != folder);
        let metas = inside.map(|meta| self.meta_of(meta));
        metas.filter(|meta| !matches!(meta, Ok(meta) if start.skips(meta.key.as_str()))).collect()
    }

    /// Reads no further than needed, and trusts the order only as far as it sees it.
    async fn collect_sorted(
        &self,
        prefix: &Prefix,
        folder: Option<&Path>,
        mut stream: BoxStream<'static, object_store::Result<object_store::ObjectMeta>>,
        start: &Start,
        enough: usize,
    ) -> Result<Vec<ObjectMeta>> {
        let mut objects: Vec<ObjectMeta> = Vec::new();
        while objects.len() < enough {
            let (next, seen) = watched(stream.next()).await;
            let Some(next) = next else { break };
            let next = next.map_err(|error| self.error("list", prefix.as_str(), error, seen))?;
            if Some(&next.location) == folder {
                continue;
            }
            let (size, next) = (next.size, self.meta_of(next)?);
            let sorted = objects.last().is_none_or(|last| last.key < next.key);
            match (sorted, size) {
                _ if start.skips(next.key.as_str()) => {}
                (true, _) => objects.push(next),
                // The empty marker `name/` of a folder, which object_store shows as `name`. It is no object.
                (false, 0) => {}
                (false, _) => {
                    let message = "the store lists out of order although it was declared to be sorted";
                    return Err(Error::unexpected(message).with("backend", self).with("key", next.key));
                }
            }
        }
        Ok(objects)
    }

    /// One level comes from the store as a whole and is paged here.
    async fn level(&self, prefix: &Prefix, after: Option<&Key>, start: &Start, limit: usize) -> Result<ListPage> {
        let folder = self.folder(prefix)?;
        let (listed, seen) = watched(self.store.list_with_delimiter(folder.as_ref())).await;
        let listed = listed.map_err(|error| self.error("list", prefix.as_str(), error, seen))?;
        let mut entries = Vec::new();
        for path in &listed.common_prefixes {
            let name = Prefix::new(self.below_root(path)?)?;
            if self.reaches_past(&name, after, start).await? {
                entries.push((format!("{name}/"), Entry::Folder(name)));
            }
        }
        let inside = listed.objects.into_iter().filter(|meta| Some(&meta.location) != folder.as_ref());
        for meta in inside {
            let meta = self.meta_of(meta)?;
            if !start.skips(meta.key.as_str()) {
                entries.push((meta.key.to_string(), Entry::Object(meta)));
            }
        }
        entries.sort_by(|one, two| one.0.cmp(&two.0));
        let mut page = ListPage::default();
        if let (true, Some((last, _))) = (entries.len() > limit, entries.get(limit - 1)) {
            page.next = Some(PageToken::new(last.as_str()));
        }
        for (_, entry) in entries.into_iter().take(limit) {
            match entry {
                Entry::Folder(folder) => page.folders.push(folder),
                Entry::Object(meta) => page.objects.push(meta),
            }
        }
        Ok(page)
    }

    /// Whether a folder holds anything from the start on. That takes a look into it only where the start is inside.
    async fn reaches_past(&self, folder: &Prefix, after: Option<&Key>, start: &Start) -> Result<bool> {
        let inside = after.is_some_and(|after| folder.strip(after.as_str()).is_some());
        match start {
            Start::After(text) if inside && folder.strip(text).is_some() => {
                self.walk(folder, start, 1).await.map(|objects| !objects.is_empty())
            }
            _ => Ok(!start.skips(&format!("{folder}/"))),
        }
    }
}

enum Entry {
    Folder(Prefix),
    Object(ObjectMeta),
}

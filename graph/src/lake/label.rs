//! A virtual label: a template, and what was learnt of its files.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use arrow::datatypes::{Field, Fields, Schema, SchemaRef};
use futures::{StreamExt, TryStreamExt, stream};
use parquet::arrow::parquet_to_arrow_schema;
use parquet::file::metadata::{KeyValue, ParquetMetaData};
use parquet::schema::types::SchemaDescriptor;
use tokio::sync::OnceCell;
use worldstore_async::{AsyncBackend, lake};
use worldstore_core::lake::{Filter, LakeColumn, LakeListing, LakeUri};
use worldstore_core::{Error, Key, ListOptions, ObjectMeta, Prefix, Result, StatOptions};

use super::folders::{FolderState, FolderTimes, Freshness};
use super::footer::{Footers, Wanted, corrupt};
use super::listing::{Listing, options, settled};
use super::memo::Memo;
use super::provider::LakeTable;
use super::stored::{Place, Stored};
use super::summary::Summaries;
use crate::io_stats::Counters;
use crate::window::Window;

/// Footers that are read at once.
pub(super) const FOOTERS_AT_ONCE: usize = 32;
/// The stored catalog is written again when this part of its files is new: one in so many.
const NEW_FILES_PART: u64 = 16;

/// Rows in Parquet files that stay where they are.
#[derive(Debug)]
pub(crate) struct LakeLabel {
    pub address: LakeUri,
    pub backend: Arc<dyn AsyncBackend>,
    /// The columns in the files: those of the first file when the label was made.
    pub columns: SchemaRef,
    /// The columns in the path, with the types that they had when the label was made.
    pub path_columns: Vec<LakeColumn>,
    pub path_fields: Fields,
    pub footers: Footers,
    freshness: Freshness,
    place: Option<Place>,
    /// Set once it was looked for what is stored of the files.
    learnt: OnceCell<()>,
    summaries: RwLock<Summaries>,
    /// Files whose summaries are not stored yet.
    unstored: AtomicU64,
    known: Mutex<Known>,
    /// The schema of files that were checked last.
    fitting: Mutex<Option<(SchemaDescriptor, Option<Vec<KeyValue>>)>>,
}

/// The last listing of everything: what is known of folders that are not listed.
#[derive(Debug)]
struct Known {
    listing: Arc<Listing>,
    /// The times of its folders, from before it was made.
    folders: Option<FolderState>,
}

impl LakeLabel {
    /// Looks at what is there now, or at what is stored of it, and learns the schema from it.
    ///
    /// # Errors
    /// `NotFound` if nothing fits the template; `Corrupt` if the first file is no Parquet file.
    pub async fn open(
        address: LakeUri,
        backend: Arc<dyn AsyncBackend>,
        freshness: Freshness,
        place: Option<Place>,
        counters: &Counters,
    ) -> Result<Self> {
        let stored = match &place {
            Some(place) => place.load(&address, counters).await,
            None => None,
        };
        match stored {
            Some(stored) => Self::reopen(address, backend, freshness, place, stored, counters).await,
            None => Self::learn(address, backend, freshness, place, counters).await,
        }
    }

    async fn learn(
        address: LakeUri,
        backend: Arc<dyn AsyncBackend>,
        freshness: Freshness,
        place: Option<Place>,
        counters: &Counters,
    ) -> Result<Self> {
        let nothing = || Error::not_found("no Parquet file fits this address").with("address", &address);
        let folders = folders(&freshness, &address, counters).await?;
        let mut listed = match list_all(&backend, &address, counters).await {
            Ok(listed) => listed,
            Err(error) if error.is_not_found() => return Err(nothing().caused_by(error)),
            Err(error) => return Err(error),
        };
        let Some(first) = listed.files.first().map(|file| file.meta.clone()) else {
            let (stats, unfit) = (listed.stats, listed.unfit.join(" "));
            let error = nothing().with("files_seen", stats.files_seen).with("folders_seen", stats.folders_seen);
            return Err(if unfit.is_empty() { error } else { error.with("unfit", unfit) });
        };
        let path_columns = settled(std::mem::take(&mut listed.columns), &address.template);
        listed.columns.clone_from(&path_columns);
        let listing = Listing::new(listed)?;
        let footers = Footers::default();
        let footer = footers.load(&backend, &first, Wanted::RowGroups, counters).await?;
        let columns = schema_of(&footer, &first.key)?;
        if let Some(taken) = path_columns.iter().find(|column| columns.index_of(&column.name).is_ok()) {
            return Err(Error::invalid("column is in the path and in the file")
                .with("column", &taken.name)
                .with("file", &first.key));
        }
        let stored = Stored {
            folders,
            columns: Arc::clone(&columns),
            path_columns,
            listing,
            summaries: Summaries::new(columns),
        };
        Ok(Self::new(address, backend, freshness, place, stored, footers))
    }

    /// Takes what is stored; what has changed since is seen by the first query, unless the label is pinned.
    async fn reopen(
        address: LakeUri,
        backend: Arc<dyn AsyncBackend>,
        freshness: Freshness,
        place: Option<Place>,
        stored: Stored,
        counters: &Counters,
    ) -> Result<Self> {
        let label = Self::new(address, backend, freshness, place, stored, Footers::default());
        if matches!(label.freshness, Freshness::Listed) {
            label.list(None, &Memo::default(), counters).await?;
        }
        Ok(label)
    }

    /// A label that had these columns when it was declared. Nothing is read, until it is asked for.
    ///
    /// # Errors
    /// `Unexpected` if the columns of the path cannot be made.
    pub fn recorded(
        address: LakeUri,
        backend: Arc<dyn AsyncBackend>,
        freshness: Freshness,
        place: Option<Place>,
        columns: SchemaRef,
        path_columns: Vec<LakeColumn>,
    ) -> Result<Self> {
        let listing = Listing::empty(&path_columns)?;
        let summaries = Summaries::new(Arc::clone(&columns));
        let stored = Stored { folders: None, columns, path_columns, listing, summaries };
        let label = Self::new(address, backend, freshness, place, stored, Footers::default());
        Ok(Self { learnt: OnceCell::new(), ..label })
    }

    /// Takes over what is stored of the files, if that was not looked for yet.
    async fn learn_later(&self, memo: &Memo, counters: &Counters) -> Result<()> {
        let learn = || async {
            let stored = match &self.place {
                Some(place) => place.load(&self.address, counters).await,
                None => None,
            };
            let fits = |stored: &Stored| stored.columns == self.columns && stored.path_columns == self.path_columns;
            match stored.filter(fits) {
                Some(Stored { folders, listing, summaries, .. }) => {
                    *self.lock_known() = Known { listing: Arc::new(listing), folders };
                    *self.summaries_mut() = summaries;
                }
                // What is never listed again is listed once.
                None if matches!(self.freshness, Freshness::Pinned) => {
                    self.list_now(None, memo, counters).await?;
                }
                None => {}
            }
            Ok::<_, Error>(())
        };
        self.learnt.get_or_try_init(learn).await.map(|_| ())
    }

    fn new(
        address: LakeUri,
        backend: Arc<dyn AsyncBackend>,
        freshness: Freshness,
        place: Option<Place>,
        stored: Stored,
        footers: Footers,
    ) -> Self {
        let Stored { folders, columns, path_columns, listing, summaries } = stored;
        let path_fields = listing.fields();
        let known = Mutex::new(Known { listing: Arc::new(listing), folders });
        let (summaries, unstored, fitting) = (RwLock::new(summaries), AtomicU64::new(0), Mutex::new(None));
        Self {
            address,
            backend,
            columns,
            path_columns,
            path_fields,
            footers,
            freshness,
            place,
            learnt: OnceCell::new_with(Some(())),
            summaries,
            unstored,
            known,
            fitting,
        }
    }

    /// The label for one query, whose scans see the same files. No I/O.
    pub fn pin(self: &Arc<Self>, counters: Arc<Counters>, window: Arc<Window>) -> LakeTable {
        LakeTable::new(Arc::clone(self), counters, window)
    }

    /// The files that a condition on the path does not rule out, as they are now; more of them where nothing is listed.
    ///
    /// # Errors
    /// `NotFound` if nothing at all is left; `Invalid` if the paths no longer have the columns that they had; `Conflict` if
    /// they change while one query is planned.
    pub async fn list(&self, filter: Option<Filter>, memo: &Memo, counters: &Counters) -> Result<Arc<Listing>> {
        self.learn_later(memo, counters).await?;
        match &self.freshness {
            Freshness::Listed => self.list_now(filter, memo, counters).await,
            Freshness::Pinned => Ok(self.known()),
            Freshness::Folders(times) => {
                let mut settled = memo.settled.lock().await;
                if let Some(listing) = &*settled {
                    return Ok(Arc::clone(listing));
                }
                let listing = self.list_changed(times, memo, counters).await?;
                *settled = Some(Arc::clone(&listing));
                Ok(listing)
            }
        }
    }

    /// Lists everything if a folder has changed.
    async fn list_changed(
        &self,
        times: &Arc<dyn FolderTimes>,
        memo: &Memo,
        counters: &Counters,
    ) -> Result<Arc<Listing>> {
        let (known, before) = {
            let known = self.lock_known();
            (Arc::clone(&known.listing), known.folders.clone())
        };
        if let Some(state) = before.filter(|state| state.is_settled) {
            counters.add_folders_checked(state.folders.len() as u64);
            let times = Arc::clone(times);
            if blocking(move || times.is_same(&state)).await? {
                return Ok(known);
            }
        }
        let now = folders(&self.freshness, &self.address, counters).await?;
        let listing = self.list_now(None, memo, counters).await?;
        self.lock_known().folders = now;
        Ok(listing)
    }

    async fn list_now(&self, filter: Option<Filter>, memo: &Memo, counters: &Counters) -> Result<Arc<Listing>> {
        let is_whole = filter.is_none();
        let mut options = options().with_columns(self.path_columns.clone());
        options.filter = filter;
        let list = |folder: Prefix, options: ListOptions| memo.list(&*self.backend, folder, options, counters);
        let stat = |key: Key| async move { self.backend.stat(&key, &StatOptions::default()).await };
        let listed = lake::list_by(list, stat, &self.address.template, &options).await;
        let listed = listed.map_err(|error| error.with("address", &self.address))?;
        let listing = Arc::new(Listing::new(listed)?);
        if !is_whole {
            return Ok(listing);
        }
        let mut known = self.lock_known();
        // What is worked out of a listing is kept with it.
        if known.listing.files != listing.files {
            known.listing = listing;
        }
        Ok(Arc::clone(&known.listing))
    }

    /// The last listing of everything.
    pub fn known(&self) -> Arc<Listing> {
        Arc::clone(&self.lock_known().listing)
    }

    /// Where the footers of files are summed up: one entry for each of these files, all of the listing by default. Those
    /// that are not known are read.
    ///
    /// # Errors
    /// `Corrupt` if a file is no Parquet file; `Invalid` if a column has another type in it; those of the byte store.
    pub async fn entries(&self, listing: &Listing, kept: Option<&[usize]>, counters: &Counters) -> Result<Arc<[u32]>> {
        if let Some(entries) = listing.entries.get() {
            return Ok(match kept {
                None => Arc::clone(entries),
                Some(kept) => kept.iter().filter_map(|index| entries.get(*index)).copied().collect(),
            });
        }
        let files: Vec<&ObjectMeta> = match kept {
            None => listing.files.iter().collect(),
            Some(kept) => kept.iter().filter_map(|index| listing.files.get(*index)).collect(),
        };
        let mut entries: Vec<Option<u32>> = {
            let summaries = self.summaries();
            files.iter().map(|file| summaries.find(file)).collect()
        };
        let mut loads = Vec::new();
        for (position, file) in files.into_iter().enumerate().filter(|(position, _)| entries[*position].is_none()) {
            loads.push(async move { Ok::<_, Error>((position, self.summarize(file, counters).await?)) });
        }
        let loaded: Vec<(usize, u32)> = stream::iter(loads).buffer_unordered(FOOTERS_AT_ONCE).try_collect().await?;
        for (position, entry) in loaded {
            entries[position] = Some(entry);
        }
        let entries: Arc<[u32]> = entries.into_iter().flatten().collect();
        if kept.is_none() {
            return Ok(Arc::clone(listing.entries.get_or_init(|| entries)));
        }
        Ok(entries)
    }

    async fn summarize(&self, file: &ObjectMeta, counters: &Counters) -> Result<u32> {
        let footer = self.footers.load(&self.backend, file, Wanted::RowGroups, counters).await?;
        self.check(&footer, &file.key)?;
        self.unstored.fetch_add(1, Ordering::Relaxed);
        self.summaries_mut().add(file, &footer)
    }

    /// Checks that a file has the columns of the label, each with its type. Columns may be missing, which reads as
    /// null, and others may be there, which are not seen.
    pub fn check(&self, footer: &ParquetMetaData, key: &Key) -> Result<()> {
        let file = footer.file_metadata();
        let (descriptor, notes) = (file.schema_descr(), file.key_value_metadata());
        let mut fitting = self.fitting.lock().unwrap_or_else(PoisonError::into_inner);
        if fitting.as_ref().is_some_and(|(known, with)| known == descriptor && with.as_ref() == notes) {
            return Ok(());
        }
        let schema = schema_of(footer, key)?;
        for field in self.columns.fields() {
            if let Ok(found) = schema.field_with_name(field.name())
                && found.data_type() != field.data_type()
            {
                return Err(Error::invalid("column has another type in this file")
                    .with("file", key)
                    .with("column", field.name())
                    .with("expected", field.data_type())
                    .with("got", found.data_type()));
            }
        }
        *fitting = Some((descriptor.clone(), notes.cloned()));
        Ok(())
    }

    /// What footers say of files.
    pub fn summaries(&self) -> RwLockReadGuard<'_, Summaries> {
        self.summaries.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the stored catalog, if there is a place for it and enough is new.
    ///
    /// # Errors
    /// Those of the byte store.
    pub async fn store(&self, however_little: bool) -> Result<bool> {
        let (Some(place), new) = (&self.place, self.unstored.load(Ordering::Relaxed)) else { return Ok(false) };
        let (listing, folders) = {
            let known = self.lock_known();
            (Arc::clone(&known.listing), known.folders.clone())
        };
        if new == 0 || (!however_little && new < listing.files.len() as u64 / NEW_FILES_PART) {
            return Ok(false);
        }
        let bytes = {
            let summaries = self.summaries();
            Stored::encode(&self.address, folders.as_ref(), &self.columns, &self.path_columns, &listing, &summaries)?
        };
        place.save(&self.address, bytes).await?;
        self.unstored.fetch_sub(new, Ordering::Relaxed);
        Ok(true)
    }

    fn summaries_mut(&self) -> RwLockWriteGuard<'_, Summaries> {
        self.summaries.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn list_all(backend: &Arc<dyn AsyncBackend>, address: &LakeUri, counters: &Counters) -> Result<LakeListing> {
    let list = |folder: Prefix, options: ListOptions| async move {
        counters.add_list_call();
        backend.list(&folder, &options).await
    };
    let stat = |key: Key| async move { backend.stat(&key, &StatOptions::default()).await };
    lake::list_by(list, stat, &address.template, &options()).await
}

/// The times of all folders now, before they are listed.
async fn folders(freshness: &Freshness, address: &LakeUri, counters: &Counters) -> Result<Option<FolderState>> {
    let Freshness::Folders(times) = freshness else { return Ok(None) };
    let (times, root) = (Arc::clone(times), address.template.folder()?);
    let state = match blocking(move || times.folders(&root)).await {
        Ok(state) => state,
        // An address of one object has no folder.
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error),
    };
    counters.add_folders_checked(state.folders.len() as u64);
    Ok(Some(state))
}

/// Asks a file system away from the threads that run queries.
async fn blocking<Answer: Send + 'static>(work: impl FnOnce() -> Result<Answer> + Send + 'static) -> Result<Answer> {
    let failed = |source| Error::unexpected("a task did not end").caused_by(source);
    tokio::task::spawn_blocking(work).await.map_err(failed)?
}

/// The columns of a file, all of them nullable, for another file may miss them.
pub(crate) fn schema_of(footer: &ParquetMetaData, key: &Key) -> Result<SchemaRef> {
    let file = footer.file_metadata();
    let schema = parquet_to_arrow_schema(file.schema_descr(), file.key_value_metadata());
    let schema = schema.map_err(|source| corrupt(key, source))?;
    let fields = schema.fields().iter().map(|field| Field::new(field.name(), field.data_type().clone(), true));
    Ok(Arc::new(Schema::new(fields.collect::<Vec<_>>())))
}

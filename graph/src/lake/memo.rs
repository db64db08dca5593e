//! What one query has listed: each folder once, so that all its scans of a label see the same files.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use worldstore_async::AsyncBackend;
use worldstore_core::{Error, ErrorKind, ListOptions, ListPage, Prefix, Result, listing};

use super::listing::Listing;
use crate::io_stats::Counters;

/// Listings by folder, whole ones and those of one level.
#[derive(Debug, Default)]
pub(crate) struct Memo {
    held: Mutex<HashMap<(Prefix, bool), ListPage>>,
    /// One gate for each listing: whoever wants what another is listing waits for it.
    gates: Mutex<HashMap<(Prefix, bool), Arc<Gate>>>,
    /// The listing of everything that this query goes by, where it does not list by itself.
    pub settled: futures::lock::Mutex<Option<Arc<Listing>>>,
}

type Gate = futures::lock::Mutex<()>;

impl Memo {
    /// All that lies in a folder, in one page.
    ///
    /// # Errors
    /// `Conflict` if it is no longer what an earlier listing of this query saw; those of the byte store.
    pub async fn list(
        &self,
        backend: &dyn AsyncBackend,
        folder: Prefix,
        options: ListOptions,
        counters: &Counters,
    ) -> Result<ListPage> {
        let gate = self.gate(&folder, options.one_level);
        let _alone = gate.lock().await;
        if let Some(page) = self.find(&folder, options.one_level)? {
            return Ok(page);
        }
        let (mut all, mut next) = (ListPage::default(), options.clone());
        loop {
            let page = backend.list(&folder, &next).await?;
            counters.add_list_call();
            all.objects.extend(page.objects);
            all.folders.extend(page.folders);
            match page.next {
                Some(token) => next = next.with_token(token),
                None => break,
            }
        }
        if !options.one_level {
            self.compare(&folder, &all)?;
        }
        self.held().insert((folder, options.one_level), all.clone());
        Ok(all)
    }

    fn gate(&self, folder: &Prefix, one_level: bool) -> Arc<Gate> {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(gates.entry((folder.clone(), one_level)).or_default())
    }

    fn held(&self) -> MutexGuard<'_, HashMap<(Prefix, bool), ListPage>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is held of a folder, or follows from what is held of one above it.
    fn find(&self, folder: &Prefix, one_level: bool) -> Result<Option<ListPage>> {
        let held = self.held();
        if let Some(page) = held.get(&(folder.clone(), one_level)) {
            return Ok(Some(page.clone()));
        }
        let above = held.iter().find(|((above, one_level), _)| !one_level && contains(above, folder));
        above.map(|(_, page)| part(page, folder, one_level)).transpose()
    }

    /// Refuses a whole listing in which a folder is not what it was.
    fn compare(&self, folder: &Prefix, whole: &ListPage) -> Result<()> {
        for ((below, one_level), before) in &*self.held() {
            if !contains(folder, below) {
                continue;
            }
            let now = part(whole, below, *one_level)?;
            // Folders in which nothing lies are named by one level only.
            let is_same = now.objects == before.objects && now.folders.iter().all(|each| before.folders.contains(each));
            if !is_same {
                return Err(Error::new(ErrorKind::Conflict, "files have changed while the query was planned")
                    .with("folder", below));
            }
        }
        Ok(())
    }
}

fn contains(above: &Prefix, folder: &Prefix) -> bool {
    above == folder || above.strip(folder.as_str()).is_some()
}

/// What a listing of all says of a folder in it.
fn part(whole: &ListPage, folder: &Prefix, one_level: bool) -> Result<ListPage> {
    let below = whole.objects.iter().filter(|object| folder.strip(object.key.as_str()).is_some());
    let options = ListOptions::default().with_limit(usize::MAX);
    let options = if one_level { options.one_level() } else { options };
    listing::page(folder, &options, below.cloned().map(Ok))
}

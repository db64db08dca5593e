//! The walk over the folders of a lake, many at once: the mirror of [`worldstore_core::lake::list`].

use futures::stream::{FuturesUnordered, StreamExt};
use worldstore_core::lake::{LakeListOptions, LakeListing, LakeStep, Template, Walk};
use worldstore_core::{Key, ListOptions, ListPage, ObjectMeta, PageToken, Prefix, Result, StatOptions};

use crate::backend::AsyncBackend;

/// Folders that are listed at once.
pub const FOLDERS_AT_ONCE: usize = 16;

/// Lists what lies below a template, and leaves out what the filter rules out as soon as names decide: a folder that is
/// ruled out is not listed. No object is opened. Up to [`FOLDERS_AT_ONCE`] folders are listed at once.
///
/// # Errors
/// `NotFound` if there is nothing at all below the folder before the first variable: a lake that is not there is no empty
/// one. `Invalid` if paths tell different columns, or one twice, or a filter names a variable that they do not have. Those
/// of the backend.
pub async fn list(backend: &dyn AsyncBackend, template: &Template, options: &LakeListOptions) -> Result<LakeListing> {
    let list = |folder: Prefix, options: ListOptions| async move { backend.list(&folder, &options).await };
    let stat = |key: Key| async move { backend.stat(&key, &StatOptions::default()).await };
    list_by(list, stat, template, options).await
}

/// As [`list`], with the calls of the caller in place of those of a backend.
///
/// # Errors
/// As for [`list`], those of the calls in place of the backend's.
pub async fn list_by<Listing, Looking>(
    list: impl Fn(Prefix, ListOptions) -> Listing,
    stat: impl FnOnce(Key) -> Looking,
    template: &Template,
    options: &LakeListOptions,
) -> Result<LakeListing>
where
    Listing: Future<Output = Result<ListPage>>,
    Looking: Future<Output = Result<ObjectMeta>>,
{
    let page = |step: LakeStep, token: Option<PageToken>| {
        let listing = list(step.folder().clone(), step.options(token));
        async move { (step, listing.await) }
    };
    let mut walk = Walk::new(template, options)?;
    let mut running = FuturesUnordered::new();
    loop {
        while running.len() < FOLDERS_AT_ONCE {
            let Some(step) = walk.next_step() else { break };
            running.push(page(step, None));
        }
        let Some((mut step, listed)) = running.next().await else { break };
        if let Some(token) = walk.take(&mut step, listed?)? {
            running.push(page(step, Some(token)));
        }
    }
    if let Some(key) = walk.object() {
        match stat(key).await {
            Ok(meta) => walk.take_object(meta)?,
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error),
        }
    }
    walk.finish()
}

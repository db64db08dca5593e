//! Deleting, copying and renaming.

use super::Store;
use crate::error::Result;
use crate::kernel::{Content, Deletion, Fault, Missing};
use crate::key::Key;
use crate::ops::*;

impl Store {
    /// Deletes an object.
    ///
    /// # Errors
    /// `NotFound` for a missing one unless it is to be ignored; `Invalid` for a folder in either case.
    pub fn delete(&self, key: &str, missing: Missing) -> Result<()> {
        self.delete_with(key, missing, &DeleteOptions::default())
    }

    /// Deletes an object under a condition.
    ///
    /// # Errors
    /// As for [`delete`](Self::delete); `ConditionFailed` if the condition is false, which a missing object makes it;
    /// `Unsupported` before any I/O if the backend does not have the condition.
    pub fn delete_with(&self, key: &str, missing: Missing, options: &DeleteOptions) -> Result<()> {
        self.kernel.may_delete(options)?;
        let full = self.kernel.object(key)?;
        if self.kernel.is_flat() && options.condition == Condition::None && !self.is_file(key)? {
            return self.kernel.deleted(Deletion::Absent, key, self.is_folder_key(&full)?, missing);
        }
        match self.kernel.deletion(self.backend.delete(std::slice::from_ref(&full), options), key)? {
            Deletion::Done => Ok(()),
            Deletion::Rejected if self.is_file(key)? => self.kernel.deleted(Deletion::Rejected, key, false, missing),
            deletion => self.kernel.deleted(deletion, key, self.is_folder_key(&full)?, missing),
        }
    }

    /// Deletes a folder, and says how many objects were deleted. They go one by one, page by page: one that fails ends
    /// it, and what is deleted until then stays so. What others add meanwhile may stay.
    ///
    /// # Errors
    /// `ConditionFailed` if there are objects in it that are to be kept, `NotFound` if no object is below it unless
    /// that is to be ignored, `Invalid` for an object and for the root.
    pub fn delete_folder(&self, folder: &str, content: Content, missing: Missing) -> Result<u64> {
        self.kernel.may_delete(&DeleteOptions::default())?;
        let prefix = self.kernel.folder_to_change(folder)?;
        let (mut deleted, mut options) = (0, ListOptions::default());
        loop {
            let first = options.token.is_none();
            let page = self.kernel.listed(self.backend.list(&prefix, &options), &prefix, true)?;
            let keys: Vec<Key> = page.objects.into_iter().map(|meta| meta.key).collect();
            match (keys.is_empty(), content) {
                (true, _) if first && page.next.is_none() => return self.no_folder(folder, missing),
                (false, Content::Keep) => {
                    return Err(self.kernel.explain(Fault::NotEmpty.about(folder), "delete folder"));
                }
                (true, _) => {}
                (false, Content::Delete) => {
                    let answer = self.backend.delete(&keys, &DeleteOptions::default());
                    deleted += self.kernel.deleted_page(answer, &keys)?;
                }
            }
            match page.next {
                Some(token) => options = ListOptions::default().with_token(token),
                None => return Ok(deleted),
            }
        }
    }

    /// Copies an object without reading it, under a condition at the target. Without one it overwrites. To copy an
    /// object to itself does nothing if it exists.
    ///
    /// # Errors
    /// `NotFound` for the source, whatever is wrong with the target, its being the root excepted; as for
    /// [`write_with`](Self::write_with).
    pub fn copy(&self, from: &str, to: &str, options: &CopyOptions) -> Result<ObjectMeta> {
        self.kernel.may_copy(options)?;
        let (target, source) = (self.kernel.object(to)?, self.kernel.object(from)?);
        if source == target {
            return self.kernel.same(self.stat(from)?, &options.condition);
        }
        let answer = self.backend.copy(&source, &target, options);
        self.moved(answer, from, &target, &options.condition, "copy")
    }

    /// Moves an object, under a condition at the target. Without one it overwrites. To move an object to itself does
    /// nothing if it exists.
    ///
    /// # Errors
    /// As for [`copy`](Self::copy).
    pub fn rename(&self, from: &str, to: &str, options: &RenameOptions) -> Result<ObjectMeta> {
        self.kernel.may_rename(options)?;
        let (target, source) = (self.kernel.object(to)?, self.kernel.object(from)?);
        if source == target {
            return self.kernel.same(self.stat(from)?, &options.condition);
        }
        let answer = self.backend.rename(&source, &target, options);
        self.moved(answer, from, &target, &options.condition, "rename")
    }
}

impl Store {
    /// The result of a copy or rename. If it did not happen, a source that is missing comes before whatever is wrong
    /// at the target.
    fn moved(
        &self,
        answer: Result<Outcome>,
        from: &str,
        target: &Key,
        condition: &Condition,
        operation: &'static str,
    ) -> Result<ObjectMeta> {
        if self.kernel.asks_for_source(&answer) {
            self.stat(from)?;
        }
        match answer {
            Ok(outcome) => self.kernel.applied(outcome, target, condition, operation),
            Err(error) => Err(self.kernel.explain(error, operation)),
        }
    }

    fn no_folder(&self, folder: &str, missing: Missing) -> Result<u64> {
        if self.is_file(folder)? {
            return Err(self.kernel.explain(Fault::IsObject.about(folder), "delete folder"));
        }
        match missing {
            Missing::Ignore => Ok(0),
            Missing::Refuse => Err(self.kernel.explain(Fault::NoFolder.about(folder), "delete folder")),
        }
    }
}

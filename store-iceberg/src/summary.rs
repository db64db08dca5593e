//! The summary of a snapshot: what it adds and removes, and the totals.

use std::collections::HashMap;

use iceberg::spec::{DataFile, Operation, Summary};

use crate::commit::Change;
use crate::edit::{Edit, Replacement};
use crate::state::{EPOCH_KEY, WATERMARK_KEY};

/// A running total, what a snapshot adds to it, and what it takes from it.
const TOTALS: [(&str, &str, &str); 6] = [
    ("total-data-files", "added-data-files", "deleted-data-files"),
    ("total-delete-files", "added-delete-files", "removed-delete-files"),
    ("total-records", "added-records", "deleted-records"),
    ("total-files-size", "added-files-size", "removed-files-size"),
    ("total-position-deletes", "added-position-deletes", "removed-position-deletes"),
    ("total-equality-deletes", "added-equality-deletes", "removed-equality-deletes"),
];

/// What the snapshot changes, and the totals where the parent has them too.
pub(crate) fn summary(change: &Change<'_>, removed: &[DataFile]) -> Summary {
    let base = &change.base.metadata;
    let (operation, added) = match change.edit {
        Edit::Append(files) => (Operation::Append, files),
        Edit::Columns(_) => (Operation::Append, &[][..]),
        Edit::Replace(Replacement { added, drops_rows: false, .. }) => (Operation::Replace, added),
        Edit::Replace(Replacement { added, drops_rows: true, .. }) => (Operation::Overwrite, added),
    };
    let mut properties = changed(added, ["added-data-files", "added-records", "added-files-size"]);
    properties.extend(changed(removed, ["deleted-data-files", "deleted-records", "removed-files-size"]));
    let parent = base.current_snapshot().map(|parent| &parent.summary().additional_properties);
    for (total, more, less) in TOTALS {
        let number = |key: &str| properties.get(key).map_or(Some(0), |text| text.parse::<u64>().ok());
        let before = parent.map_or(Some(0), |parent| parent.get(total)?.parse::<u64>().ok());
        let after = before.zip(number(more)).zip(number(less));
        if let Some(after) = after.and_then(|((before, more), less)| (before + more).checked_sub(less)) {
            properties.insert(total.to_owned(), after.to_string());
        }
    }
    properties.insert(WATERMARK_KEY.to_owned(), change.marks.watermark.to_string());
    if change.marks.epoch > 0 {
        properties.insert(EPOCH_KEY.to_owned(), change.marks.epoch.to_string());
    }
    Summary { operation, additional_properties: properties }
}

/// Files, rows and bytes under these keys; what is none is left out.
fn changed(files: &[DataFile], keys: [&str; 3]) -> HashMap<String, String> {
    let rows: u64 = files.iter().map(DataFile::record_count).sum();
    let bytes: u64 = files.iter().map(DataFile::file_size_in_bytes).sum();
    let counts = keys.into_iter().zip([files.len() as u64, rows, bytes]);
    counts.filter(|(_, count)| *count > 0).map(|(key, count)| (key.to_owned(), count.to_string())).collect()
}

//! What a listing asks for and what it gives.

use super::filter::Filter;
use crate::error::{Error, Result};
use crate::hive::{self, HiveType, HiveValue, Partition};
use crate::key::Prefix;
use crate::ops::ObjectMeta;

/// How many names that do not fit a listing shows.
pub const UNFIT_SHOWN: usize = 10;

/// What is listed below a template.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct LakeListOptions {
    /// Only paths for which this is true; all by default.
    pub filter: Option<Filter>,
    /// Only objects whose name ends so, as in `.parquet`; others do not fit. All by default.
    pub ending: Option<String>,
    /// The columns that paths are expected to have, with their types: others are refused, and nothing is inferred. By
    /// default they are learnt from the paths.
    pub columns: Option<Vec<LakeColumn>>,
}

impl LakeListOptions {
    /// Only paths for which this is true.
    #[must_use]
    pub fn with_filter(mut self, filter: Filter) -> Self {
        self.filter = Some(filter);
        self
    }

    /// Only objects whose name ends so.
    #[must_use]
    pub fn with_ending(mut self, ending: impl Into<String>) -> Self {
        self.ending = Some(ending.into());
        self
    }

    /// Expects these columns.
    #[must_use]
    pub fn with_columns(mut self, columns: Vec<LakeColumn>) -> Self {
        self.columns = Some(columns);
        self
    }
}

/// A column that paths have: a variable, or a Hive key below the template.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LakeColumn {
    /// Its name.
    pub name: String,
    /// Its type: the declared one, or what fits all values that were listed.
    pub kind: HiveType,
}

impl LakeColumn {
    /// A column.
    pub fn new(name: impl Into<String>, kind: HiveType) -> Self {
        Self { name: name.into(), kind }
    }
}

/// An object, and what its path tells.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LakeFile {
    /// The object.
    pub meta: ObjectMeta,
    /// One value for each column of the listing, in their order.
    pub values: Vec<HiveValue>,
}

/// What lies below a template.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct LakeListing {
    /// The columns: variables in the order of the template, then Hive keys further down.
    pub columns: Vec<LakeColumn>,
    /// The objects, in byte order of their keys.
    pub files: Vec<LakeFile>,
    /// The folders that the filter ruled out, in byte order. Nothing in them was listed.
    pub pruned: Vec<Prefix>,
    /// The first names that do not fit, at most [`UNFIT_SHOWN`]; folders end in `/`.
    pub unfit: Vec<String>,
    /// What was seen and what was left out.
    pub stats: ListStats,
}

/// What a listing saw. Folders and files are counted where a listing named them, each once: what lies in a folder that
/// was left out is not seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ListStats {
    /// Calls of [`Backend::list`](crate::Backend::list), one for each page.
    pub list_calls: u64,
    /// Folders.
    pub folders_seen: u64,
    /// Those that the filter ruled out, before anything in them was listed.
    pub folders_pruned: u64,
    /// Those that do not fit the template. Nothing in them was listed either, unless all of a folder was listed in one.
    pub folders_unfit: u64,
    /// Those whose name begins with `_` or `.`, which are left out as everyone does.
    pub folders_hidden: u64,
    /// Objects.
    pub files_seen: u64,
    /// Those that the filter ruled out.
    pub files_pruned: u64,
    /// Those that do not fit the template.
    pub files_unfit: u64,
    /// Those whose name, or that of a folder on the way, begins with `_` or `.`.
    pub files_hidden: u64,
    /// Bytes of the objects that are left.
    pub bytes: u64,
}

impl ListStats {
    /// Objects that are left.
    pub fn files(&self) -> u64 {
        self.files_seen - self.files_pruned - self.files_unfit - self.files_hidden
    }
}

/// Gives each file its typed values.
pub(super) fn typed(
    mut found: Vec<(ObjectMeta, Vec<Partition>)>,
    declared: &[(String, Option<HiveType>)],
    expected: Option<&[LakeColumn]>,
) -> Result<(Vec<LakeColumn>, Vec<LakeFile>)> {
    found.sort_unstable_by(|one, other| one.0.key.cmp(&other.0.key));
    same_names(&found, expected)?;
    let columns = match (expected, found.first()) {
        (Some(expected), _) => expected.to_vec(),
        (None, None) => {
            declared.iter().map(|(name, kind)| LakeColumn::new(name, kind.unwrap_or(HiveType::Text))).collect()
        }
        (None, Some((_, first))) => first
            .iter()
            .enumerate()
            .map(|(index, (name, _))| {
                let kind = declared.iter().find(|(known, _)| known == name).and_then(|(_, kind)| *kind);
                let texts = || found.iter().map(|(_, values)| values.get(index).and_then(|(_, text)| text.as_deref()));
                LakeColumn::new(name, kind.unwrap_or_else(|| hive::infer(texts())))
            })
            .collect(),
    };
    let file = |(meta, texts): (ObjectMeta, Vec<Partition>)| {
        let values = columns.iter().zip(&texts).map(|(column, (_, text))| {
            let read = column.kind.read(text.as_deref());
            read.map_err(|error| error.with("column", &column.name).with("file", &meta.key))
        });
        let values = values.collect::<Result<_>>()?;
        Ok(LakeFile { meta, values })
    };
    let files = found.into_iter().map(file).collect::<Result<_>>()?;
    Ok((columns, files))
}

/// Every file must have the same columns in its path, or some rows would miss a value.
fn same_names(found: &[(ObjectMeta, Vec<Partition>)], expected: Option<&[LakeColumn]>) -> Result<()> {
    let names = |values: &[Partition]| values.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    let Some((_, first)) = found.first() else { return Ok(()) };
    let (wanted, whose) = match expected {
        Some(columns) => (
            columns.iter().map(|column| column.name.clone()).collect(),
            "path has other partition columns than expected",
        ),
        None => (names(first), "path has other partition columns than the first file"),
    };
    let same = |values: &[Partition]| values.iter().map(|(name, _)| name).eq(&wanted);
    match found.iter().find(|(_, values)| !same(values)) {
        Some((meta, values)) => Err(Error::invalid(whose)
            .with("file", &meta.key)
            .with("expected", wanted.join(" "))
            .with("got", names(values).join(" "))),
        None => Ok(()),
    }
}

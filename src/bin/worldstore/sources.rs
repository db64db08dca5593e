//! What an import reads: files, and folders with the columns that their names tell.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use worldstore::arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use worldstore::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use worldstore::core::hive::{self, HiveType};
use worldstore::{Error, Result};

use crate::args::world::Input;
use crate::files::{self, Batches};

/// A file, and the columns that the folders above it stand for.
#[derive(Debug)]
pub struct Source {
    pub path: PathBuf,
    columns: Vec<(Field, Option<String>)>,
}

/// Finds the files. A folder stands for all below it.
pub fn find(paths: &[PathBuf]) -> Result<Vec<Source>> {
    let mut found = Vec::new();
    for path in paths {
        match fs::metadata(path).map_err(|source| Error::io("open", source).with("file", path.display()))?.is_dir() {
            true => found.extend(below(path)?),
            false => found.push(Source { path: path.clone(), columns: Vec::new() }),
        }
    }
    Ok(found)
}

fn below(folder: &Path) -> Result<Vec<Source>> {
    let mut paths = Vec::new();
    walk(folder, &mut paths)?;
    if paths.is_empty() {
        return Err(Error::invalid("there are no files in the folder").with("folder", folder.display()));
    }
    let keys: Vec<Vec<(String, Option<String>)>> = paths.iter().map(|path| hive_keys(folder, path)).collect();
    let mut texts: BTreeMap<&str, Vec<Option<&str>>> = BTreeMap::new();
    for (key, value) in keys.iter().flatten() {
        texts.entry(key).or_default().push(value.as_deref());
    }
    let types: BTreeMap<&str, HiveType> = texts.into_iter().map(|(key, values)| (key, hive::infer(values))).collect();
    let typed = |(key, value): &(String, Option<String>)| {
        let is_integer = types.get(key.as_str()) == Some(&HiveType::Int);
        let data_type = if is_integer { DataType::Int64 } else { DataType::Utf8 };
        (Field::new(key, data_type, true), value.clone())
    };
    let columns = keys.iter().map(|keys| keys.iter().map(typed).collect());
    Ok(paths.iter().cloned().zip(columns).map(|(path, columns)| Source { path, columns }).collect())
}

fn walk(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<()> {
    let failed = |source| Error::io("list", source).with("folder", folder.display());
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if !name.starts_with(['.', '_']) || name.contains('=') {
            entries.push((name, path));
        }
    }
    entries.sort_by(|(one, _), (other, _)| by_number(one, other));
    for (_, path) in entries {
        match fs::metadata(&path).map_err(|source| Error::io("open", source).with("file", path.display()))?.is_dir() {
            true => walk(&path, paths)?,
            false => paths.push(path),
        }
    }
    Ok(())
}

/// Compares names; runs of digits count as numbers.
fn by_number(one: &str, other: &str) -> Ordering {
    let digits = |text: &str| text.len() - text.trim_start_matches(|each: char| each.is_ascii_digit()).len();
    let (mut left, mut right) = (one, other);
    loop {
        let (left_digits, right_digits) = (digits(left), digits(right));
        let order = match (left_digits, right_digits) {
            (0, _) | (_, 0) => match (left.chars().next(), right.chars().next()) {
                (None, None) => return one.cmp(other),
                (first, second) => {
                    left = &left[first.map_or(0, char::len_utf8)..];
                    right = &right[second.map_or(0, char::len_utf8)..];
                    first.cmp(&second)
                }
            },
            _ => {
                let (first, second) = (&left[..left_digits], &right[..right_digits]);
                (left, right) = (&left[left_digits..], &right[right_digits..]);
                let (first, second) = (first.trim_start_matches('0'), second.trim_start_matches('0'));
                first.len().cmp(&second.len()).then_with(|| first.cmp(second))
            }
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// The `name=value` folders between a folder and a file below it.
fn hive_keys(folder: &Path, path: &Path) -> Vec<(String, Option<String>)> {
    let between = path.parent().and_then(|parent| parent.strip_prefix(folder).ok());
    let names = between.into_iter().flat_map(Path::components).map(|part| part.as_os_str().to_string_lossy());
    names.filter_map(|name| hive::tell(&name)).collect()
}

impl Source {
    /// Opens the file. The columns of its folders follow its own.
    pub fn open(&self, input: Option<Input>) -> Result<(SchemaRef, Batches)> {
        let (schema, batches) = files::open(&self.path, input)?;
        if self.columns.is_empty() {
            return Ok((schema, batches));
        }
        let mut fields: Vec<Field> = schema.fields().iter().map(|field| field.as_ref().clone()).collect();
        for (field, _) in &self.columns {
            if fields.iter().any(|existing| existing.name() == field.name()) {
                return Err(Error::invalid("a column is in the file and in the name of its folder")
                    .with("file", self.path.display())
                    .with("column", field.name()));
            }
            fields.push(field.clone());
        }
        let schema: SchemaRef = Arc::new(Schema::new(fields));
        let (widened, columns) = (schema.clone(), self.columns.clone());
        let widen = move |batch: RecordBatch| {
            let rows = batch.num_rows();
            let constants = columns.iter().map(|(field, value)| repeated(field, value.as_deref(), rows));
            let all = batch.columns().iter().cloned().chain(constants).collect();
            RecordBatch::try_new(widened.clone(), all)
                .map_err(|source| Error::unexpected("columns do not fit together").caused_by(source))
        };
        Ok((schema, Box::new(batches.map(move |batch| batch.and_then(&widen)))))
    }
}

fn repeated(field: &Field, value: Option<&str>, rows: usize) -> ArrayRef {
    match field.data_type() {
        DataType::Int64 => {
            let value = value.and_then(|value| value.parse::<i64>().ok());
            Arc::new(Int64Array::from_iter(std::iter::repeat_n(value, rows)))
        }
        _ => Arc::new(StringArray::from_iter(std::iter::repeat_n(value, rows))),
    }
}

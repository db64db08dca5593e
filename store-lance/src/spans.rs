//! The least and the greatest value of some columns in each data file, by which scans leave files out.
//!
//! Lance keeps no statistics of files. Ours lie in the config of the manifest, written by the commit that brings the
//! files: an append knows the values of its rows, a compaction takes those of the files that it replaces. A file is
//! known by its name and a column by its id, and both are never used again; so what other programs write or rename
//! is at most unknown, and a file of which nothing is known is read.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Int64Type, UInt64Type};
use arrow::record_batch::RecordBatch;
use lance_core::datatypes::Schema as LanceSchema;
use lance_table::format::pb::transaction::Operation;
use lance_table::format::{Fragment, Manifest, pb};
use worldstore_core::table::{CompareOp, Predicate, Scalar, base};
use worldstore_core::{Error, ErrorKind, Result};

/// The key of the spans: of all files in a manifest's config, of the rows of an append in a transaction's properties.
pub(crate) const SPANS_KEY: &str = "worldstore.spans";
/// The columns whose spans are kept.
const COLUMNS: [&str; 3] = [base::ENTITY, base::TICK, base::SEQ];
/// So much of the end of a file's name tells it from all others: 64 random bits.
const NAME_LETTERS: usize = 16;

/// Both ends are values that the column has, or that are beyond all that it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    least: i128,
    greatest: i128,
}

impl Span {
    fn and(self, other: Self) -> Self {
        Self { least: self.least.min(other.least), greatest: self.greatest.max(other.greatest) }
    }

    /// True if some value in it compares so with the constant.
    fn has(self, op: CompareOp, constant: i128) -> bool {
        match op {
            CompareOp::Eq => self.least <= constant && constant <= self.greatest,
            CompareOp::NotEq => self.least != constant || self.greatest != constant,
            CompareOp::Lt => self.least < constant,
            CompareOp::LtEq => self.least <= constant,
            CompareOp::Gt => self.greatest > constant,
            CompareOp::GtEq => self.greatest >= constant,
        }
    }
}

/// Spans by the id of the column.
type Columns = BTreeMap<i32, Span>;

/// What is known of the files of one version.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Spans {
    files: BTreeMap<String, Columns>,
}

/// The spans of rows that are to be appended, as a property of their transaction; none if there is none.
pub(crate) fn of_rows(rows: &[RecordBatch], schema: &LanceSchema) -> Option<String> {
    let mut columns = Columns::new();
    for name in COLUMNS {
        if let (Some(field), Some(span)) = (schema.field(name), of_column(rows, name)) {
            columns.insert(field.id, span);
        }
    }
    (!columns.is_empty()).then(|| print_columns(&columns))
}

/// None for no rows, for a column of another type, and where a value is null: that has no place in a span.
fn of_column(rows: &[RecordBatch], name: &str) -> Option<Span> {
    let mut whole: Option<Span> = None;
    for batch in rows.iter().filter(|batch| batch.num_rows() > 0) {
        let column = batch.column_by_name(name)?;
        let span = match column.data_type() {
            _ if column.null_count() > 0 => return None,
            DataType::Int64 => of_values::<Int64Type>(column.as_ref())?,
            DataType::UInt64 => of_values::<UInt64Type>(column.as_ref())?,
            _ => return None,
        };
        whole = Some(whole.map_or(span, |whole| whole.and(span)));
    }
    whole
}

fn of_values<T: ArrowPrimitiveType>(column: &dyn Array) -> Option<Span>
where
    T::Native: Into<i128>,
{
    let values = column.as_primitive_opt::<T>()?;
    Some(Span { least: arrow::compute::min(values)?.into(), greatest: arrow::compute::max(values)?.into() })
}

/// Brings the spans in a manifest that is to be committed up to date with its files.
///
/// # Errors
/// `Corrupt` if the spans of the version before cannot be read.
pub(crate) fn carry(manifest: &mut Manifest, transaction: &pb::Transaction) -> Result<()> {
    let mut spans = Spans::of(&manifest.config)?;
    match &transaction.operation {
        Some(Operation::Append(append)) => {
            if let Some(text) = transaction.transaction_properties.get(SPANS_KEY) {
                let columns = parse_columns(text).ok_or_else(|| unreadable(text))?;
                spans.add(&append.fragments, &columns);
            }
        }
        Some(Operation::Rewrite(rewrite)) => {
            for group in &rewrite.groups {
                let columns = spans.of_all(&group.old_fragments);
                spans.add(&group.new_fragments, &columns);
            }
        }
        _ => {}
    }
    spans.keep(&manifest.fragments);
    match spans.files.is_empty() {
        true => manifest.config_mut().remove(SPANS_KEY),
        false => manifest.config_mut().insert(SPANS_KEY.to_owned(), spans.print()),
    };
    Ok(())
}

/// The fragments that may have rows for which the predicate is true; none if no fragment can be left out.
///
/// # Errors
/// `Corrupt` if the spans cannot be read.
pub(crate) fn pruned(
    (fragments, config): (&[Fragment], &HashMap<String, String>),
    schema: &LanceSchema,
    predicate: &Predicate,
) -> Result<Option<Vec<Fragment>>> {
    let spans = Spans::of(config)?;
    if spans.files.is_empty() {
        return Ok(None);
    }
    let may_match = |fragment: &&Fragment| {
        let span = |column: &str| spans.find(fragment, schema.field(column)?.id);
        can_be(predicate, true, &span)
    };
    let left: Vec<Fragment> = fragments.iter().filter(may_match).cloned().collect();
    Ok((left.len() < fragments.len()).then_some(left))
}

/// False only if the predicate is `wanted` for no row whose values lie in the spans.
fn can_be(predicate: &Predicate, wanted: bool, span: &dyn Fn(&str) -> Option<Span>) -> bool {
    match predicate {
        Predicate::Compare { column, op, value } => match (span(column), integer(value)) {
            (Some(span), Some(constant)) => span.has(if wanted { *op } else { opposite(*op) }, constant),
            _ => true,
        },
        // A span is of a column without nulls.
        Predicate::IsNull(column) => !wanted || span(column).is_none(),
        Predicate::IsNotNull(column) => wanted || span(column).is_none(),
        Predicate::And(all) if wanted => all.iter().all(|part| can_be(part, true, span)),
        Predicate::And(all) => all.iter().any(|part| can_be(part, false, span)),
        Predicate::Or(all) if wanted => all.iter().any(|part| can_be(part, true, span)),
        Predicate::Or(all) => all.iter().all(|part| can_be(part, false, span)),
        Predicate::Not(inner) => can_be(inner, !wanted, span),
        _ => true,
    }
}

fn integer(value: &Scalar) -> Option<i128> {
    match value {
        Scalar::Int(value) => Some((*value).into()),
        Scalar::UInt(value) => Some((*value).into()),
        _ => None,
    }
}

fn opposite(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Eq => CompareOp::NotEq,
        CompareOp::NotEq => CompareOp::Eq,
        CompareOp::Lt => CompareOp::GtEq,
        CompareOp::LtEq => CompareOp::Gt,
        CompareOp::Gt => CompareOp::LtEq,
        CompareOp::GtEq => CompareOp::Lt,
    }
}

impl Spans {
    /// The spans in a manifest's config.
    ///
    /// # Errors
    /// `Corrupt` if they cannot be read.
    pub fn of(config: &HashMap<String, String>) -> Result<Self> {
        let Some(text) = config.get(SPANS_KEY) else { return Ok(Self::default()) };
        Self::parse(text).ok_or_else(|| unreadable(text))
    }

    fn add(&mut self, fragments: &[pb::DataFragment], columns: &Columns) {
        if columns.is_empty() {
            return;
        }
        for file in fragments.iter().flat_map(|fragment| &fragment.files) {
            self.files.insert(end_of(&file.path).to_owned(), columns.clone());
        }
    }

    /// The spans of columns that are known of every one of these fragments.
    fn of_all(&self, fragments: &[pb::DataFragment]) -> Columns {
        let mut all = fragments.iter().map(|fragment| self.of_fragment(fragment));
        let first = all.next().unwrap_or_default();
        all.fold(first, |known, next| {
            let both = |(id, span): (i32, Span)| Some((id, span.and(*next.get(&id)?)));
            known.into_iter().filter_map(both).collect()
        })
    }

    fn of_fragment(&self, fragment: &pb::DataFragment) -> Columns {
        if !fragment.overlays.is_empty() {
            return Columns::new();
        }
        let mut columns = Columns::new();
        for file in &fragment.files {
            let known = self.files.get(end_of(&file.path)).into_iter().flatten();
            columns.extend(known.filter(|(id, _)| file.fields.contains(id)));
        }
        columns
    }

    /// The span of a column in a fragment, if its values are in a file that is known.
    fn find(&self, fragment: &Fragment, column: i32) -> Option<Span> {
        if !fragment.overlays.is_empty() {
            return None;
        }
        let file = fragment.files.iter().find(|file| file.fields.contains(&column))?;
        self.files.get(end_of(&file.path))?.get(&column).copied()
    }

    /// Forgets files that no fragment has.
    fn keep(&mut self, fragments: &[Fragment]) {
        let files = fragments.iter().flat_map(|fragment| &fragment.files);
        let live: HashSet<&str> = files.map(|file| end_of(&file.path)).collect();
        self.files.retain(|name, _| live.contains(name.as_str()));
    }

    fn print(&self) -> String {
        let mut text = String::new();
        for (name, columns) in &self.files {
            let separator = if text.is_empty() { "" } else { ";" };
            let _ = write!(text, "{separator}{name}:{}", print_columns(columns));
        }
        text
    }

    fn parse(text: &str) -> Option<Self> {
        let file = |part: &str| {
            let (name, columns) = part.split_once(':')?;
            Some((name.to_owned(), parse_columns(columns)?))
        };
        Some(Self { files: text.split(';').map(file).collect::<Option<_>>()? })
    }
}

/// `id=least..greatest` for each column, with commas in between.
fn print_columns(columns: &Columns) -> String {
    let one = |(id, span): (&i32, &Span)| format!("{id}={}..{}", span.least, span.greatest);
    columns.iter().map(one).collect::<Vec<_>>().join(",")
}

fn parse_columns(text: &str) -> Option<Columns> {
    let one = |part: &str| {
        let (id, span) = part.split_once('=')?;
        let (least, greatest) = span.split_once("..")?;
        Some((id.parse().ok()?, Span { least: least.parse().ok()?, greatest: greatest.parse().ok()? }))
    };
    text.split(',').map(one).collect()
}

/// The end of a file's name, without what all names end in.
fn end_of(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    let name = name.strip_suffix(".lance").unwrap_or(name);
    name.char_indices().rev().nth(NAME_LETTERS - 1).map_or(name, |(start, _)| &name[start..])
}

fn unreadable(text: &str) -> Error {
    let start: String = text.chars().take(100).collect();
    Error::new(ErrorKind::Corrupt, "spans in the manifest cannot be read")
        .with("property", SPANS_KEY)
        .with("value", start)
}

#[cfg(test)]
mod tests;

//! `worldstore scan`, and the conditions that it takes.

use worldstore::core::table::{CompareOp, Predicate, Scalar, Scan};
use worldstore::{Error, Registry, Result};

use super::{print_rows, read, view};
use crate::args::world::ScanArgs;

pub async fn run(args: ScanArgs, registry: &Registry) -> Result<()> {
    let world = read(&args.at, registry).await?;
    let view = view(&world, &args.run, args.as_of).await?;
    let mut scan = Scan::all();
    scan.limit = args.limit;
    scan.version = args.version;
    scan.columns = columns(args.columns)?;
    for condition in &args.conditions {
        scan = scan.with_predicate(parse(condition)?);
    }
    let found = view.scan(&args.table, &scan).await.map_err(|error| of_version(error, &args.table, args.version))?;
    print_rows(args.output.format(), found.schema, found.batches).await
}

fn columns(names: Vec<String>) -> Result<Option<Vec<String>>> {
    for (index, name) in names.iter().enumerate() {
        if names[..index].contains(name) {
            return Err(Error::invalid("the column is named twice").with("column", name));
        }
    }
    Ok(Some(names).filter(|names| !names.is_empty()))
}

/// Says that it is the version that is missing: a format may tell only which of its files is not there.
fn of_version(error: Error, table: &str, version: Option<u64>) -> Error {
    match version {
        Some(version) if error.is_not_found() && error.context().any(|(key, _)| key == "version") => {
            Error::not_found("the table has no such version").with("table", table).with("version", version)
        }
        _ => error,
    }
}

/// Longer operators first, so that `<=` is not read as `<`.
const OPERATORS: [(&str, CompareOp); 8] = [
    ("<=", CompareOp::LtEq),
    (">=", CompareOp::GtEq),
    ("<>", CompareOp::NotEq),
    ("!=", CompareOp::NotEq),
    ("==", CompareOp::Eq),
    ("=", CompareOp::Eq),
    ("<", CompareOp::Lt),
    (">", CompareOp::Gt),
];

/// `column operator constant`, `column is null`, `column is not null`.
fn parse(condition: &str) -> Result<Predicate> {
    let text = condition.trim();
    if let Some(column) = before(text, " is not null") {
        return Ok(Predicate::IsNotNull(column.to_owned()));
    }
    if let Some(column) = before(text, " is null") {
        return Ok(Predicate::IsNull(column.to_owned()));
    }
    let first = text.find(['<', '>', '!', '=']).unwrap_or(text.len());
    let (column, rest) = text.split_at(first);
    let found = OPERATORS.iter().find_map(|(sign, op)| Some((rest.strip_prefix(sign)?, *op)));
    match (column.trim(), found.and_then(|(value, op)| Some((constant(value.trim())?, op)))) {
        (column, Some((value, op))) if !column.is_empty() => Ok(Predicate::compare(column, op, value)),
        _ => Err(Error::invalid("condition must be like `dep_delay > 60`, `carrier = 'UA'` or `tailnum is null`")
            .with("condition", condition)),
    }
}

/// What comes before this ending, in capital or small letters.
fn before<'text>(text: &'text str, ending: &str) -> Option<&'text str> {
    let (column, rest) = text.split_at_checked(text.len().checked_sub(ending.len())?)?;
    rest.eq_ignore_ascii_case(ending).then(|| column.trim())
}

/// A number, true, false, a text in quotes, or a word, which is a text too. Nothing may follow: a second condition would
/// become part of the text. A whole number that 64 bits do not hold is none: as a float it would be another one.
fn constant(text: &str) -> Option<Scalar> {
    if let Some(quoted) = text.strip_prefix('\'') {
        let inner = quoted.strip_suffix('\'')?;
        let is_closed_before = inner.replace("''", "").contains('\'');
        return (!is_closed_before).then(|| Scalar::Text(inner.replace("''", "'")));
    }
    let is_word = !text.is_empty() && !text.contains(|each: char| each.is_whitespace() || "'\"<>=!".contains(each));
    let float = text.parse::<f64>().ok().filter(|float| float.is_finite());
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_whole = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    match (text.parse::<i64>(), text.parse::<u64>(), float) {
        (Ok(integer), ..) => Some(Scalar::Int(integer)),
        (_, Ok(integer), _) => Some(Scalar::UInt(integer)),
        _ if is_whole => None,
        (.., Some(float)) => Some(Scalar::Float(float)),
        _ if text == "true" || text == "false" => Some(Scalar::Bool(text == "true")),
        _ => is_word.then(|| Scalar::Text(text.to_owned())),
    }
}

//! `AS OF` in front of a query: which state it means.

use std::time::{Duration, SystemTime};

use arrow::compute::kernels::cast_utils::string_to_timestamp_nanos;
use worldstore_cypher::Diagnostic;
use worldstore_cypher::ast::{AsOf, AsOfKind, AsOfValue, Query};
use worldstore_cypher_runtime::Value;
use worldstore_datafusion::Moment;

use crate::bind::mistake;
use crate::options::QueryOptions;
use crate::value::Parameters;

/// The options with what the text of the query says of the state that is asked.
///
/// # Errors
/// A mistake of the text: a value that is no such moment, a parameter that is not there, or a state that the options
/// have said already.
pub(crate) fn with(query: &Query, parameters: &Parameters, options: &QueryOptions) -> Result<QueryOptions, Diagnostic> {
    let mut options = options.clone();
    let Some(as_of) = &query.as_of else { return Ok(options) };
    if options.at.is_some() {
        return Err(mistake(as_of.span, "the state that is asked is given twice")
            .with_help("the options of the query name one already".to_owned()));
    }
    options.at = Some(moment(as_of, parameters)?);
    Ok(options)
}

fn moment(as_of: &AsOf, parameters: &Parameters) -> Result<Moment, Diagnostic> {
    let value = match &as_of.value {
        AsOfValue::Int(number) => Value::Int(*number),
        AsOfValue::Text(text) => Value::from(text.as_str()),
        AsOfValue::Parameter(name) => match parameters.value(name) {
            Some(value) => value.clone(),
            None => return Err(mistake(as_of.span, format!("parameter `${name}` is not given"))),
        },
    };
    let found = match (as_of.kind, &value) {
        (AsOfKind::Tick, Value::Int(tick)) => Some(Moment::Tick(*tick)),
        (AsOfKind::Sequence, Value::Int(seq)) => u64::try_from(*seq).ok().map(Moment::Sequence),
        (AsOfKind::Time, Value::Int(millis)) => after_1970(i128::from(*millis) * 1_000_000).map(Moment::Time),
        (AsOfKind::Time, Value::DateTime(time)) => after_1970(time.unix_nanos()).map(Moment::Time),
        (AsOfKind::Time, Value::Text(text)) => {
            string_to_timestamp_nanos(text).ok().and_then(|nanos| after_1970(nanos.into())).map(Moment::Time)
        }
        (AsOfKind::Snapshot, Value::Text(name)) => Some(Moment::Snapshot(name.to_string())),
        _ => None,
    };
    found.ok_or_else(|| {
        let (keyword, expected) = (as_of.kind.keyword(), expected(as_of.kind));
        mistake(as_of.span, format!("`{keyword}` takes {expected}, not {value}"))
    })
}

fn expected(kind: AsOfKind) -> &'static str {
    match kind {
        AsOfKind::Tick => "a whole number",
        AsOfKind::Sequence => "a whole number from 0 on",
        AsOfKind::Time => "a date and time from 1970 on, such as '2024-02-29T12:30:00Z', or milliseconds since then",
        AsOfKind::Snapshot => "a text",
        _ => "something else",
    }
}

fn after_1970(nanos: i128) -> Option<SystemTime> {
    let since = Duration::from_nanos(u64::try_from(nanos).ok()?);
    SystemTime::UNIX_EPOCH.checked_add(since)
}

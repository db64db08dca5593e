//! `worldstore query` and `worldstore explain`.

use std::collections::BTreeSet;
use std::error::Error as _;
use std::fs;
use std::io::{self, IsTerminal, Read};
use std::path::Path;

use serde_json::Value as Json;
use worldstore::core::Prefix;
use worldstore::core::lake::SCHEME;
use worldstore::formats::with_table_formats;
use worldstore::graph::{Graph, Map, Outcome, Parameters, QueryError, QueryResult, Value};
use worldstore::registry::{OpenOptions, masked};
use worldstore::world::MAIN_RUN;
use worldstore::{Error, ErrorKind, Registry, Result};

use super::lake::mount_pair;
use super::{read, read_only, repl, view, watch};
use crate::args::query::{QueryArgs, QueryFormat};
use crate::args::{AskArgs, At, Format};
use crate::failure::Failure;
use crate::output::{Rows, line, note};
use crate::progress::shown;

const ASKING: &str = "asking";

pub async fn run(args: QueryArgs, registry: &Registry) -> Result<(), Failure> {
    if let Some(view) = &args.watch.view {
        let has_text = args.ask.text.is_some() || args.ask.file.is_some();
        let text = has_text.then(|| text_of(&args.ask)).transpose()?;
        return watch::run(view, text.as_deref(), &args, registry).await;
    }
    if args.ask.text.is_none() && args.ask.file.is_none() && io::stdin().is_terminal() {
        return repl::run(args, registry).await;
    }
    let (text, parameters) = (text_of(&args.ask)?, parameters(&args.ask.params)?);
    let graph = graph(&args.ask, &text, Waiting::Noted, registry).await?;
    answer(&graph, &text, &parameters, &args).await
}

/// Runs statements, and prints what they give.
pub(super) async fn answer(
    graph: &Graph,
    text: &str,
    parameters: &Parameters,
    args: &QueryArgs,
) -> Result<(), Failure> {
    let format = match args.format() {
        QueryFormat::Rows(format) => format,
        QueryFormat::Picture(format) => {
            let options = args.limits.options();
            let picture = shown(ASKING, false, graph.picture(text, parameters, &options)).await;
            let picture = picture.map_err(|error| failure(error, text))?;
            return Ok(line(picture.print(format).trim_end())?);
        }
    };
    let options = args.limits.options();
    let results = shown(ASKING, format == Format::Json, graph.run_with(text, parameters, &options)).await;
    let results = results.map_err(|error| failure(error, text))?;
    if results.is_empty() {
        return Err(empty().into());
    }
    // Statements that declare something give no columns.
    let shown: Vec<&QueryResult> = results.iter().filter(|result| !result.schema.fields().is_empty()).collect();
    let cut = cut(&results);
    if format == Format::Arrow && shown.len() != 1 && !(shown.is_empty() && cut.is_some()) {
        let error = Error::invalid("an Arrow stream holds the rows of one query").with("queries", shown.len());
        return Err(error.into());
    }
    for result in &shown {
        print(format, result)?;
        if args.io_stats {
            note(result.io_stats.to_string().trim_end());
            result.snapshots.iter().for_each(|snapshot| note(&format!("read {snapshot}")));
        }
    }
    cut.map_or(Ok(()), |error| Err(error.into()))
}

/// Says how to go on where a query was cut off, also before it had any row or column.
fn cut(results: &[QueryResult]) -> Option<Error> {
    let (limit, resume) = results.iter().find_map(|result| match &result.outcome {
        Outcome::Truncated { limit, resume } => Some((limit, resume)),
        _ => None,
    })?;
    let error = Error::new(ErrorKind::Unavailable, "these are not all rows");
    let error = error.with("limit", limit).with("row_groups", resume.row_groups_done());
    Some(error.with("help", format!("go on with --resume {resume}")))
}

pub async fn explain(args: AskArgs, registry: &Registry) -> Result<(), Failure> {
    let (text, parameters) = (text_of(&args)?, parameters(&args.params)?);
    let graph = graph(&args, &text, Waiting::Noted, registry).await?;
    let plan = graph.explain(&text, &parameters).await.map_err(|error| failure(error, &text))?;
    Ok(line(plan.trim_end())?)
}

fn print(format: Format, result: &QueryResult) -> Result<()> {
    let mut rows = Rows::new(format, result.schema.clone())?;
    for batch in &result.batches {
        rows.write(batch)?;
    }
    rows.finish()
}

/// Mistakes in the text are shown in the text.
pub(super) fn failure(error: QueryError, text: &str) -> Failure {
    match error {
        QueryError::Store(_) | QueryError::Limit(_) => of_call(error.into()).into(),
        mistakes => {
            let shown = mistakes.render(text);
            Failure::shown(mistakes.into(), shown)
        }
    }
}

/// A limit that leaves nothing of an answer is a matter of the call, as in `sql`: the same again would reach it again.
fn of_call(error: Error) -> Error {
    if error.kind() != ErrorKind::Unavailable || !error.context().any(|(key, _)| key == "limit") {
        return error;
    }
    let told = error.context().fold(Error::invalid(error.message()), |told, (key, value)| told.with(key, value));
    let mut first = error.source();
    while let Some(before) = first.and_then(|cause| cause.source()) {
        first = Some(before);
    }
    match first {
        Some(cause) => told.caused_by(cause.to_string()),
        None => told,
    }
}

fn text_of(args: &AskArgs) -> Result<String> {
    text(args.text.as_deref(), args.file.as_deref())
}

/// The query: as given, or of a file, or of standard input.
pub(super) fn text(text: Option<&str>, file: Option<&Path>) -> Result<String> {
    let text = match (text, file) {
        (Some(text), _) => text.to_owned(),
        (None, Some(file)) => {
            let name = file.display().to_string();
            utf8(fs::read(file).map_err(|source| Error::io("read", source).with("file", &name))?, &name)?
        }
        (None, None) => {
            if io::stdin().is_terminal() {
                note("type the query, and Ctrl-D at its end");
            }
            let (mut bytes, name) = (Vec::new(), "standard input");
            io::stdin().read_to_end(&mut bytes).map_err(|source| Error::io("read", source).with("file", name))?;
            utf8(bytes, name)?
        }
    };
    match text.trim().is_empty() {
        true => Err(empty()),
        false => Ok(text),
    }
}

fn empty() -> Error {
    Error::invalid("the query is empty")
}

fn utf8(bytes: Vec<u8>, name: &str) -> Result<String> {
    let place = |error: &std::string::FromUtf8Error| error.utf8_error().valid_up_to();
    String::from_utf8(bytes)
        .map_err(|error| Error::invalid("the query is not UTF-8").with("file", name).with("byte", place(&error)))
}

/// Whether it is said what a world has that is not published yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waiting {
    Noted,
    Passed,
}

/// The graph that a text is asked of.
pub(super) async fn graph(args: &AskArgs, text: &str, waiting: Waiting, registry: &Registry) -> Result<Graph> {
    let mut mounted = BTreeSet::new();
    let graph = with_mounts(args, waiting, &mut mounted, registry).await?;
    let graph = with_buckets(graph, text, &mut mounted, registry).await?;
    with_labels(graph, args, Graph::is_beginning(text), registry).await
}

/// The tables of the world, and what the arguments mount.
pub(super) async fn with_mounts(
    args: &AskArgs,
    waiting: Waiting,
    mounted: &mut BTreeSet<String>,
    registry: &Registry,
) -> Result<Graph> {
    let mut graph = match &args.world {
        Some(world) => {
            let at = At { world: world.clone(), catalog: args.catalog.clone(), log: None };
            let run = args.run.as_deref().unwrap_or(MAIN_RUN);
            let opened = match waiting {
                Waiting::Noted => read(&at, registry).await?,
                Waiting::Passed => read_only(&at, registry).await?,
            };
            view(&opened, run, args.as_of).await.map_err(|error| error.with("world", masked(world)))?.graph()
        }
        None => Graph::new(),
    };
    graph = with_table_formats(graph, registry);
    for mount in &args.mounts {
        let (name, uri) = mount_pair(mount)?;
        let storage = registry.open(uri, &OpenOptions::existing()).await.map_err(|error| error.with("mount", name))?;
        graph = graph.with_mount(name, storage.backend)?;
        mounted.insert(name.to_owned());
    }
    Ok(graph)
}

/// The same with the buckets of a text that are configured, and not mounted yet.
pub(super) async fn with_buckets(
    mut graph: Graph,
    text: &str,
    mounted: &mut BTreeSet<String>,
    registry: &Registry,
) -> Result<Graph> {
    for bucket in buckets(text) {
        if mounted.contains(bucket) {
            continue;
        }
        match registry.mount(bucket) {
            // The graph says it, where the address is used.
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error),
            Ok(_) => {
                let storage = registry.open_bucket(bucket, &OpenOptions::existing()).await?;
                graph = graph.with_mount(bucket, storage.backend)?;
                mounted.insert(bucket.to_owned());
            }
        }
    }
    Ok(graph)
}

/// The same with the labels that are kept in a store. Only what declares or creates something may begin a catalog there.
pub(super) async fn with_labels(graph: Graph, args: &AskArgs, begins: bool, registry: &Registry) -> Result<Graph> {
    let Some(uri) = &args.labels else { return Ok(graph) };
    if !begins {
        return existing_labels(graph, uri, registry).await;
    }
    let opened = async { graph.open(registry.open(uri, &OpenOptions::default()).await?.backend, Prefix::root()).await };
    opened.await.map_err(|error| error.with("labels", masked(uri)))
}

/// The same with labels that are there already.
pub(super) async fn existing_labels(graph: Graph, uri: &str, registry: &Registry) -> Result<Graph> {
    let opened = async {
        let storage = registry.open(uri, &OpenOptions::existing()).await?;
        graph.open_existing(storage.backend, Prefix::root()).await
    };
    opened.await.map_err(|error| match error.is_not_found() {
        true => {
            let missing = Error::not_found("there is no catalog of labels here").with("labels", masked(uri));
            missing.with("help", "the first statement that declares or creates something begins one").caused_by(error)
        }
        false => error.with("labels", masked(uri)),
    })
}

/// The buckets of the addresses in a text.
fn buckets(text: &str) -> BTreeSet<&str> {
    let is_of_name = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    let names =
        text.split(SCHEME).skip(1).map(|rest| &rest[..rest.find(|letter| !is_of_name(letter)).unwrap_or(rest.len())]);
    names.filter(|name| !name.is_empty()).collect()
}

pub(super) fn parameters(texts: &[String]) -> Result<Parameters> {
    let mut names = BTreeSet::new();
    let mut parameters = Parameters::default();
    for text in texts {
        let (name, value) = pair(text, "a parameter must be like `NAME=VALUE`", "param")?;
        if !names.insert(name) {
            return Err(Error::invalid("the parameter is given twice").with("param", name));
        }
        let value = match serde_json::from_str(value) {
            Ok(json) => constant(json).map_err(|error| error.with("param", name).with("value", value))?,
            Err(_) => Value::from(value),
        };
        parameters = parameters.with(name, value);
    }
    Ok(parameters)
}

fn pair<'text>(text: &'text str, rule: &str, what: &'static str) -> Result<(&'text str, &'text str)> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name, value)),
        _ => Err(Error::invalid(rule).with(what, text)),
    }
}

fn constant(json: Json) -> Result<Value> {
    Ok(match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(value),
        Json::String(value) => Value::from(value),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => Value::Int(integer),
            (None, Some(float)) if number.is_f64() => Value::Float(float),
            _ => return Err(Error::invalid("the number does not fit 64 bits with a sign")),
        },
        Json::Array(values) => Value::from(values.into_iter().map(constant).collect::<Result<Vec<_>>>()?),
        Json::Object(entries) => {
            let entries = entries.into_iter().map(|(name, value)| Ok((name.into(), constant(value)?)));
            Value::from(Map::new(entries.collect::<Result<_>>()?))
        }
    })
}

#[cfg(test)]
mod tests;

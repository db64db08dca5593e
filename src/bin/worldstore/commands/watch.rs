//! `worldstore query --watch`: the rows of a live view, and then what changes in them, until Ctrl-C.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value as Json, json};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use worldstore::graph::{Graph, LiveEvent, Parameters, Subscription, Value};
use worldstore::{Error, Registry, Result};

use super::fs::show::print_json;
use super::query::{Waiting, answer, failure, graph, parameters};
use crate::args::Format;
use crate::args::query::{QueryArgs, QueryFormat};
use crate::failure::Failure;
use crate::output::line;

/// So often it is looked whether the command shall end.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The exit code of a second Ctrl-C, for one who cannot wait.
const INTERRUPTED: i32 = 130;

/// Follows a view. What the text says is done before.
pub async fn run(view: &str, text: Option<&str>, args: &QueryArgs, registry: &Registry) -> Result<(), Failure> {
    let is_json = match args.format() {
        QueryFormat::Rows(Format::Json) => true,
        QueryFormat::Rows(Format::Table) => false,
        _ => return Err(Error::invalid("what changes is printed as text or as JSON").into()),
    };
    let ended = ended()?;
    let parameters = parameters(&args.ask.params)?;
    let opened = graph(&args.ask, text.unwrap_or_default(), Waiting::Noted, registry).await?;
    if let Some(text) = text {
        answer(&opened, text, &parameters, args).await?;
    }
    let mut subscription = subscribe(&opened, view, args.watch.after).await?;
    loop {
        let events = tokio::select! {
            events = subscription.next() => events.map_err(Error::from)?,
            () = over(&ended) => return Ok(()),
        };
        let time = print(&subscription, &events, is_json)?;
        tokio::select! {
            () = tokio::time::sleep(args.watch.every) => {}
            () = over(&ended) => return Ok(()),
        }
        if args.ask.world.is_some() {
            // A world that is read stands still: it is opened again as it is now.
            let now = graph(&args.ask, text.unwrap_or_default(), Waiting::Passed, registry).await?;
            redeclare(&now, text, &parameters, args).await?;
            subscription = subscribe(&now, view, Some(time)).await?;
        }
    }
}

/// Set by the first Ctrl-C.
fn ended() -> Result<Arc<AtomicBool>> {
    let ended = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_shutdown(signal, INTERRUPTED, Arc::clone(&ended))
            .and_then(|_| flag::register(signal, Arc::clone(&ended)))
            .map_err(|source| Error::io("listen for signals", source))?;
    }
    Ok(ended)
}

async fn over(ended: &AtomicBool) {
    while !ended.load(Ordering::Relaxed) {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// What the text declares is gone with the graph before, unless a catalog keeps it.
async fn redeclare(
    graph: &Graph,
    text: Option<&str>,
    parameters: &Parameters,
    args: &QueryArgs,
) -> Result<(), Failure> {
    let Some(text) = text.filter(|_| args.ask.labels.is_none()) else { return Ok(()) };
    let ran = graph.run_with(text, parameters, &args.limits.options()).await;
    ran.map(drop).map_err(|error| failure(error, text))
}

async fn subscribe(graph: &Graph, view: &str, after: Option<u64>) -> Result<Subscription> {
    let subscription = graph.subscribe(view, after).await?;
    match subscription.is_lasting() || after.is_none() {
        true => Ok(subscription),
        false => {
            Err(Error::unsupported("only a view over tables of one world goes on where another process has ended")
                .with("view", view))
        }
    }
}

/// Prints what has happened; answers the time of the progress mark, which is printed when it has moved.
fn print(subscription: &Subscription, events: &[LiveEvent], is_json: bool) -> Result<u64> {
    let mut mark = 0;
    for event in events {
        match event {
            LiveEvent::Row { time, diff, row } if is_json => {
                let cells = subscription.columns().iter().cloned().zip(row.iter().map(as_json));
                print_json(&json!({"kind": "row", "time": time, "diff": diff, "row": Json::Object(cells.collect())}))?;
            }
            LiveEvent::Row { time, diff, row } => {
                let cells: Vec<String> = row.iter().map(ToString::to_string).collect();
                line(&format!("{time} {diff:+} {}", cells.join(" | ")))?;
            }
            LiveEvent::Progress { time } => mark = *time,
            _ => {}
        }
    }
    if events.len() > 1 || is_json {
        match is_json {
            true => print_json(&json!({"kind": "done", "time": mark}))?,
            false => line(&format!("{mark} done"))?,
        }
    }
    Ok(mark)
}

/// What JSON has no word for is text in the notation of the language.
fn as_json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => json!(value),
        Value::Int(value) => json!(value),
        Value::Float(value) if value.is_finite() => json!(value),
        Value::Text(value) => json!(&**value),
        Value::List(items) => Json::Array(items.iter().map(as_json).collect()),
        Value::Map(entries) => {
            Json::Object(entries.iter().map(|(name, value)| (name.to_string(), as_json(value))).collect())
        }
        other => json!(other.to_string()),
    }
}

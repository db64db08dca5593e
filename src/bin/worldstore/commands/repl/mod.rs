//! `worldstore query` at a terminal: one query after another, with history and completion.

mod entry;

use std::collections::BTreeSet;
use std::path::PathBuf;

use rustyline::config::Configurer;
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{CompletionType, Editor};
use worldstore::arrow::array::{Array, StringArray};
use worldstore::graph::{Graph, Parameters, QueryResult};
use worldstore::{Error, Registry, Result};

use super::query::{Waiting, answer, parameters, with_buckets, with_labels, with_mounts};
use crate::args::query::{QueryArgs, query_format};
use crate::failure::{Failure, report};
use crate::output::{line, note};
use entry::Entry;

const HELP: &str = "\
Statements end with `;` and may go over several lines. Tab completes labels, edge types and properties.
  :format FORMAT  print as table, json, csv, svg, dot or mermaid
  :stats          print what each statement read, or no longer
  :help           this
  :quit           the end, as Ctrl-D";
const HISTORY_MAX: usize = 10_000;

/// Asks until the input ends.
pub async fn run(mut args: QueryArgs, registry: &Registry) -> Result<(), Failure> {
    let parameters = parameters(&args.ask.params)?;
    let mut mounted = BTreeSet::new();
    let graph = with_mounts(&args.ask, Waiting::Noted, &mut mounted, registry).await?;
    let (mut graph, mut has_catalog) = match with_labels(graph.clone(), &args.ask, false, registry).await {
        Ok(graph) => (graph, true),
        Err(error) if error.is_not_found() => {
            note(&format!("{error}"));
            (graph, false)
        }
        Err(error) => return Err(error.into()),
    };
    let mut editor = editor()?;
    note("`:help` tells what there is");
    loop {
        if let Some(entry) = editor.helper_mut() {
            entry.names = names(&graph).await;
        }
        let text = match editor.readline("cypher> ") {
            Ok(text) => text,
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => break,
            Err(source) => return Err(failed(source).into()),
        };
        if text.trim().is_empty() {
            continue;
        }
        editor.add_history_entry(text.trim()).map_err(failed)?;
        match text.trim().strip_prefix(':').map(str::trim) {
            Some("quit" | "exit" | "q") => break,
            Some(command) => told(command, &mut args)?,
            None => match ready(graph.clone(), &text, &args, (&mut mounted, &mut has_catalog), registry).await {
                Ok(with) => {
                    graph = with;
                    ask(&graph, &text, &parameters, &args).await;
                }
                Err(error) => shown(&error.into()),
            },
        }
    }
    keep(&mut editor)
}

/// The graph with what a text needs: its buckets, and the catalog, which the text may begin if there is none.
async fn ready(
    graph: Graph,
    text: &str,
    args: &QueryArgs,
    (mounted, has_catalog): (&mut BTreeSet<String>, &mut bool),
    registry: &Registry,
) -> Result<Graph> {
    let graph = with_buckets(graph, text, mounted, registry).await?;
    if *has_catalog {
        return Ok(graph);
    }
    let graph = with_labels(graph, &args.ask, Graph::is_beginning(text), registry).await?;
    *has_catalog = true;
    Ok(graph)
}

/// Runs statements. What is wrong is shown, and does not end anything.
async fn ask(graph: &Graph, text: &str, parameters: &Parameters, args: &QueryArgs) {
    if let Err(failure) = answer(graph, text, parameters, args).await {
        shown(&failure);
    }
}

fn shown(failure: &Failure) {
    // The code is for the end of a command.
    let _ = report(failure);
}

fn told(command: &str, args: &mut QueryArgs) -> Result<()> {
    match command.split_once(' ').unwrap_or((command, "")) {
        ("help" | "h" | "?", _) => line(HELP)?,
        ("stats", _) => {
            args.io_stats = !args.io_stats;
            note(if args.io_stats { "what is read is printed" } else { "what is read is not printed" });
        }
        ("format", format) => match query_format(format.trim()) {
            Ok(format) => {
                args.format = format;
                args.json = false;
            }
            Err(rule) => note(&rule),
        },
        _ => note("there is no such command, `:help` tells those that there are"),
    }
    Ok(())
}

/// Labels, edge types, and the columns of labels; none where they cannot be told, for they only help to type.
async fn names(graph: &Graph) -> BTreeSet<String> {
    let none = Parameters::default();
    let column = |result: QueryResult, name: &str| -> Vec<String> {
        let texts = result.batches.iter().filter_map(|batch| batch.column_by_name(name));
        let texts = texts.filter_map(|column| column.as_any().downcast_ref::<StringArray>());
        texts.flat_map(|texts| texts.iter().flatten().map(str::to_owned).collect::<Vec<_>>()).collect()
    };
    let ask = async |text: &str, name: &str| match graph.query(text, &none).await {
        Ok(result) => column(result, name),
        Err(_) => Vec::new(),
    };
    let labels = ask("SHOW NODE LABELS", "label").await;
    let mut names: BTreeSet<String> = ask("SHOW EDGE TYPES", "edge_type").await.into_iter().collect();
    for label in labels {
        names.extend(ask(&format!("DESCRIBE NODE LABEL `{label}`"), "name").await);
        names.insert(label);
    }
    names
}

fn editor() -> Result<Editor<Entry, FileHistory>> {
    let mut editor = Editor::new().map_err(failed)?;
    editor.set_helper(Some(Entry::default()));
    editor.set_completion_type(CompletionType::List);
    editor.set_max_history_size(HISTORY_MAX).map_err(failed)?;
    if let Some(file) = history().filter(|file| file.exists()) {
        editor.load_history(&file).map_err(|source| failed(source).with("file", file.display()))?;
    }
    Ok(editor)
}

/// Keeps what was typed, for the next time.
fn keep(editor: &mut Editor<Entry, FileHistory>) -> Result<(), Failure> {
    let Some(file) = history() else { return Ok(()) };
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)
            .map_err(|source| Error::io("keep the history", source).with("folder", folder.display()))?;
    }
    editor.append_history(&file).map_err(|source| failed(source).with("file", file.display()).into())
}

/// `$XDG_STATE_HOME/worldstore/history`, below `~/.local/state` where that is not set.
fn history() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set("XDG_STATE_HOME").or_else(|| set("HOME").map(|home| home.join(".local/state")))?;
    Some(folder.join("worldstore/history"))
}

fn failed(source: ReadlineError) -> Error {
    match source {
        ReadlineError::Io(source) => Error::io("read the terminal", source),
        other => Error::unexpected("the terminal cannot be read").caused_by(other),
    }
}

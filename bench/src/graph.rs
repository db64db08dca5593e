//! Cypher over Parquet files in place, against DataFusion in this process, and DuckDB and Polars in another: counts over
//! ten thousand small files, and scans over large ones. Every answer is compared with the first one.

mod answer;
mod catalog;
mod data;
mod ours;
mod peers;
mod people;
mod questions;

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use crate::Failure;
use crate::measure::{Row, Subject, row};
use ours::{How, Ours};
use peers::{DataFusion, Python};
use people::{PATTERNS, Pattern, People};
use questions::{COUNTS, Question, SCANS};

/// Measures everything whose name contains `only`.
///
/// # Errors
/// If an engine fails, or answers otherwise than the first.
pub fn rows(place: &Path, scale: usize, only: Option<&str>, python: Option<&Path>) -> Result<Vec<Row>, Failure> {
    let runtime = Rc::new(tokio::runtime::Runtime::new()?);
    // Kuzu and Ladybug cannot live in one process.
    let (python, other) = (start(python, "duckdb,polars,kuzu")?, start(python, "ladybug")?);
    let wanted = |name: &str| only.is_none_or(|only| name.contains(only));
    let mut rows = Vec::new();
    let (small, large) = (place.join("small"), place.join("large"));
    let (counts, scans) = (wanted_of(COUNTS, "counts", &wanted), wanted_of(SCANS, "scan", &wanted));
    let is_opened = wanted("first open and count");
    if !counts.is_empty() || is_opened {
        data::small(&small, 10_000 / scale.min(100))?;
        // A folder that has changed within the last two seconds is not trusted.
        std::thread::sleep(std::time::Duration::from_secs(3));
        for (name, question) in counts {
            rows.push(count(&name, question, &small, &runtime, python.as_ref())?);
        }
        if is_opened {
            rows.push(opened(&small, &runtime, python.as_ref())?);
        }
    }
    if wanted("open a catalog") {
        rows.push(catalog::opened(&place.join("catalog"), 1_000 / scale.min(100), &runtime)?);
    }
    if !scans.is_empty() {
        data::large(&large, 20, 1_000_000 / scale)?;
        for (name, question) in scans {
            let ours = Ours::open(&large, How::Listed, &runtime)?;
            let subjects = vec![subject("worldstore", &runtime, ours, question)];
            rows.push(row(name, 1, "op", with_peers(subjects, question, &large, &runtime, python.as_ref(), false)?)?);
        }
    }
    rows.extend(patterns(&place.join("people"), 100_000 / scale as i64, &wanted, &runtime, [python, other])?);
    Ok(rows)
}

type Interpreter = Option<Rc<RefCell<Python>>>;

fn start(interpreter: Option<&Path>, peers: &str) -> Result<Interpreter, Failure> {
    let Some(interpreter) = interpreter else { return Ok(None) };
    let python = Python::start(interpreter, peers)?;
    eprintln!("{}", python.about);
    Ok(Some(Rc::new(RefCell::new(python))))
}

/// Patterns over people: by graphs that have been asked before, and from files to the first answer.
fn patterns(
    folder: &Path,
    people: i64,
    wanted: &impl Fn(&str) -> bool,
    runtime: &Rc<tokio::runtime::Runtime>,
    pythons: [Interpreter; 2],
) -> Result<Vec<Row>, Failure> {
    let named = PATTERNS.iter().flat_map(|pattern| {
        [false, true].map(|fresh| {
            (format!("{}, {}", if fresh { "from files" } else { "pattern" }, pattern.name), pattern, fresh)
        })
    });
    let named: Vec<_> = named.filter(|(name, ..)| wanted(name)).collect();
    if named.is_empty() {
        return Ok(Vec::new());
    }
    people::files(folder, people)?;
    let mut rows = Vec::new();
    for (name, pattern, fresh) in named {
        let kept = if fresh { None } else { Some(People::open(folder, runtime)?) };
        let own = Rc::clone(runtime);
        let mut subjects = vec![Subject::new("worldstore", move || match &kept {
            Some(kept) => kept.ask(&own, pattern),
            None => People::open(folder, &own)?.ask(&own, pattern),
        })];
        subjects.extend(peers_of(pattern, folder, fresh, &pythons));
        rows.push(row(name, 1, "op", subjects)?);
    }
    Ok(rows)
}

fn peers_of<'run>(
    pattern: &'run Pattern,
    folder: &'run Path,
    fresh: bool,
    pythons: &[Interpreter; 2],
) -> Vec<Subject<'run>> {
    let all = [("duckdb", "DuckDB", pattern.sql), ("kuzu", "Kuzu", pattern.kuzu), ("ladybug", "Ladybug", pattern.kuzu)];
    let subjects = all.into_iter().filter_map(|(key, name, words)| {
        let python = pythons.iter().flatten().find(|python| python.borrow().has(key))?;
        let (python, words) = (Rc::clone(python), words?);
        Some(Subject::new(name, move || python.borrow_mut().ask_people(key, words, folder, fresh)))
    });
    subjects.collect()
}

fn wanted_of<'question>(
    all: &'question [Question],
    kind: &str,
    wanted: &impl Fn(&str) -> bool,
) -> Vec<(String, &'question Question)> {
    let named = all.iter().map(|question| (format!("{kind}, {}", question.name), question));
    named.filter(|(name, _)| wanted(name)).collect()
}

/// Graphs that were opened before, and engines that were.
fn count(
    name: &str,
    question: &'static Question,
    folder: &Path,
    runtime: &Rc<tokio::runtime::Runtime>,
    python: Option<&Rc<RefCell<Python>>>,
) -> Result<Row, Failure> {
    let mut subjects = Vec::new();
    let hows = [("worldstore, times of folders", How::Folders), ("worldstore, pinned", How::Pinned)];
    for (label, how) in hows.into_iter().chain([("worldstore, listed", How::Listed)]) {
        subjects.push(subject(label, runtime, Ours::open(folder, how, runtime)?, question));
    }
    row(name, 1, "op", with_peers(subjects, question, folder, runtime, python, false)?)
}

/// From nothing to the first count.
fn opened(
    folder: &Path,
    runtime: &Rc<tokio::runtime::Runtime>,
    python: Option<&Rc<RefCell<Python>>>,
) -> Result<Row, Failure> {
    let question = &COUNTS[0];
    let mut subjects = Vec::new();
    let hows = [("worldstore", How::Listed), ("worldstore, stored catalog", How::StoredFolders)];
    for (label, how) in hows.into_iter().chain([("worldstore, stored catalog, pinned", How::StoredPinned)]) {
        // Whatever is stored is stored by now.
        Ours::open(folder, how, runtime)?.ask(runtime, question)?;
        let runtime = Rc::clone(runtime);
        subjects.push(Subject::new(label, move || Ours::open(folder, how, &runtime)?.ask(&runtime, question)));
    }
    row("first open and count", 1, "op", with_peers(subjects, question, folder, runtime, python, true)?)
}

fn subject<'run>(
    name: &'static str,
    runtime: &Rc<tokio::runtime::Runtime>,
    ours: Ours,
    question: &'run Question,
) -> Subject<'run> {
    let runtime = Rc::clone(runtime);
    Subject::new(name, move || ours.ask(&runtime, question))
}

fn with_peers<'run>(
    mut subjects: Vec<Subject<'run>>,
    question: &'run Question,
    folder: &'run Path,
    runtime: &Rc<tokio::runtime::Runtime>,
    python: Option<&Rc<RefCell<Python>>>,
    fresh: bool,
) -> Result<Vec<Subject<'run>>, Failure> {
    let runtime = Rc::clone(runtime);
    let kept = if fresh { None } else { Some(DataFusion::open(folder, &runtime)?) };
    subjects.push(Subject::new("DataFusion", move || match &kept {
        Some(kept) => kept.ask(&runtime, question),
        None => DataFusion::open(folder, &runtime)?.ask(&runtime, question),
    }));
    for (key, name) in [("duckdb", "DuckDB"), ("polars", "Polars")] {
        if let Some(python) = python.filter(|python| python.borrow().has(key)) {
            let python = Rc::clone(python);
            subjects.push(Subject::new(name, move || python.borrow_mut().ask(key, question, folder, fresh)));
        }
    }
    Ok(subjects)
}

//! Two handles on the same table, at the same time.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use futures::TryStreamExt;
use worldstore_core::table::conformance::{CaseResult, Failure, RACE_STEPS, race_rows, race_schema, row_texts};
use worldstore_core::table::{AppendOptions, CreateOptions, DescribeOptions, HistoryOptions, Receipt, Scan, TableName};
use worldstore_core::{Error, ErrorKind, Result};

use crate::table::AsyncTableBackend;

type Tables = Arc<dyn AsyncTableBackend>;
type Run = fn(Tables, Tables) -> Pin<Box<dyn Future<Output = Result<()>>>>;

/// Each race and its name, which is also the place in which it runs.
pub(super) const RACES: [(&str, Run); 3] = [
    ("race_for_the_same_step", |left, right| Box::pin(same_step(left, right))),
    ("race_of_two_writers", |left, right| Box::pin(two_writers(left, right))),
    ("race_to_create", |left, right| Box::pin(creation(left, right))),
];

/// Attempts of one racer at one step. Each failure means that the other has moved on, but for conflicts in flight.
const ATTEMPTS: u64 = 20 * RACE_STEPS;

pub(super) async fn play(run: Run, left: Tables, right: Tables) -> CaseResult {
    match run(left, right).await {
        Ok(()) => CaseResult::Passed(2 * RACE_STEPS as usize),
        Err(error) => {
            let got = format!("{error:?}");
            CaseResult::Failed(vec![Failure::new(1, "race", error.to_string(), "each step once".into(), got)])
        }
    }
}

/// Both make the same step with the same rows: one lands, the other is refused.
async fn same_step(left: Tables, right: Tables) -> Result<()> {
    let table = create(&left).await?;
    for step in 0..RACE_STEPS {
        let attempt = |tables: &Tables| {
            let (tables, table) = (Arc::clone(tables), table.clone());
            tokio::spawn(async move { attempt(&tables, &table, race_rows(0, step)?, step).await })
        };
        let both = [attempt(&left), attempt(&right)];
        let mut landed = 0;
        for racer in both {
            match racer.await.map_err(lost)? {
                Ok(_) => landed += 1,
                Err(error) if error.kind() == ErrorKind::ConditionFailed => refusal(&error, step)?,
                Err(error) => return Err(error),
            }
        }
        if landed != 1 {
            return Err(Error::unexpected("a step did not land exactly once").with("step", step).with("times", landed));
        }
    }
    verify(&left, &table, &[0], RACE_STEPS).await?;
    verify(&right, &table, &[0], RACE_STEPS).await
}

/// Each has rows of its own and takes the next step whenever it finds one free.
async fn two_writers(left: Tables, right: Tables) -> Result<()> {
    let table = create(&left).await?;
    let racer = |tables: &Tables, number: u64| {
        let (tables, table) = (Arc::clone(tables), table.clone());
        tokio::spawn(async move {
            for step in 0..RACE_STEPS {
                insist(&tables, &table, race_rows(number, step)?).await?;
            }
            Ok(())
        })
    };
    let both: [tokio::task::JoinHandle<Result<()>>; 2] = [racer(&left, 0), racer(&right, 1)];
    for racer in both {
        racer.await.map_err(lost)??;
    }
    verify(&left, &table, &[0, 1], 2 * RACE_STEPS).await?;
    verify(&right, &table, &[0, 1], 2 * RACE_STEPS).await
}

/// Both create one table after the other, one of them keeping what it finds: exactly one table comes of it.
async fn creation(left: Tables, right: Tables) -> Result<()> {
    for number in 0..RACE_STEPS {
        let table = TableName::new(format!("t{number}"))?;
        let create = |tables: &Tables| {
            let (tables, table) = (Arc::clone(tables), table.clone());
            tokio::spawn(async move { tables.create(&table, &CreateOptions::new(race_schema())).await })
        };
        let mut created = 0;
        for racer in [create(&left), create(&right)] {
            match racer.await.map_err(lost)? {
                Ok(_) => created += 1,
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        if created != 1 {
            return Err(Error::unexpected("a table was not created exactly once").with("times", created));
        }
        let _ = attempt(&left, &table, race_rows(0, 0)?, 0).await?;
        verify(&right, &table, &[0], 1).await?;
    }
    Ok(())
}

async fn create(tables: &Tables) -> Result<TableName> {
    let table = TableName::new("t")?;
    tables.create(&table, &CreateOptions::new(race_schema())).await?;
    Ok(table)
}

async fn attempt(tables: &Tables, table: &TableName, rows: RecordBatch, expected: u64) -> Result<Receipt> {
    tables.append(table, vec![rows], &AppendOptions::exactly_once(expected, expected + 1)).await
}

/// Appends at whatever watermark the table stands, until it lands.
async fn insist(tables: &Tables, table: &TableName, rows: RecordBatch) -> Result<()> {
    for _ in 0..ATTEMPTS {
        let stands_at = tables.describe(table, &DescribeOptions::default()).await?.watermark;
        match attempt(tables, table, rows.clone(), stands_at).await {
            Ok(receipt) if receipt.seq == stands_at + 1 => return Ok(()),
            Ok(receipt) => {
                return Err(Error::unexpected("receipt has another sequence number").with("seq", receipt.seq));
            }
            Err(error) if matches!(error.kind(), ErrorKind::ConditionFailed | ErrorKind::Conflict) => {}
            Err(error) => return Err(error),
        }
    }
    Err(Error::unexpected("a step never landed").with("attempts", ATTEMPTS))
}

/// The loser has not seen the step as free, or it has: then the table stood one further.
fn refusal(error: &Error, step: u64) -> Result<()> {
    let find = |key: &str| error.context().find(|(name, _)| *name == key).map(|(_, value)| value.to_owned());
    let (have, expected) = (find("have"), find("expected"));
    match have == Some((step + 1).to_string()) && expected == Some(step.to_string()) {
        true => Ok(()),
        false => Err(Error::unexpected("refusal does not say where the table stands").with("refusal", error)),
    }
}

async fn verify(tables: &Tables, table: &TableName, racers: &[u64], steps: u64) -> Result<()> {
    let scan = tables.scan(table, &Scan::all()).await?;
    let (schema, watermark) = (scan.schema, scan.watermark);
    let batches: Vec<RecordBatch> = scan.batches.try_collect().await?;
    let rows = batches.iter().map(|batch| row_texts(&schema, batch)).collect::<Result<Vec<_>>>()?;
    let mut rows = rows.concat();
    let mut expected = Vec::new();
    let each = steps / racers.len() as u64;
    for (racer, step) in racers.iter().flat_map(|racer| (0..each).map(move |step| (*racer, step))) {
        expected.extend(row_texts(&schema, &race_rows(racer, step)?)?);
    }
    rows.sort();
    expected.sort();
    if rows != expected {
        return Err(Error::unexpected("rows are lost or doubled")
            .with("expected", expected.join(" "))
            .with("got", rows.join(" ")));
    }
    let commits = tables.history(table, &HistoryOptions::default()).await?;
    let moved = commits.iter().filter(|version| version.watermark > 0).count() as u64;
    match watermark == steps && moved == steps {
        true => Ok(()),
        false => Err(Error::unexpected("the history does not show each step once")
            .with("steps", steps)
            .with("watermark", watermark)
            .with("versions", moved)),
    }
}

fn lost(source: tokio::task::JoinError) -> Error {
    Error::unexpected("a racer did not come to its end").caused_by(source)
}

//! Verification: the chain of states, every byte of their files, every row of their tables, the world's documents, and its
//! log.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::TryStreamExt;
use worldstore_async::table::AsyncTableBackend;
use worldstore_cache::{PinnedTables, Waiting, verify_manifest, verify_retained};
use worldstore_core::snapshot::{Verified, Which};
use worldstore_core::table::{DescribeOptions, ListTablesOptions, Scan, TableName};
use worldstore_core::{Error, ErrorKind, Result};

use crate::world::World;
use crate::world::open::blocking;

/// What of a world is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Extent {
    /// The newest state.
    #[default]
    Newest,
    /// Every state that is kept.
    All,
}

/// What verifying a world has found.
#[derive(Debug)]
#[non_exhaustive]
pub struct VerifiedWorld {
    /// States and their files: each byte was compared with its hash.
    pub states: Verified,
    /// Versions of tables that were read from the first row to the last.
    pub versions: u64,
    /// Their rows.
    pub rows: u64,
    /// Versions that cannot be read, or that are not what their state says.
    pub problems: Vec<TableProblem>,
    /// Documents of the world that are missing or cannot be read: those of its runs, and of what its tables keep.
    pub documents: Vec<DocumentProblem>,
    /// The log; none where the world keeps none.
    pub log: Option<LogCheck>,
}

/// A version of a table that is not as it should be.
#[derive(Debug)]
#[non_exhaustive]
pub struct TableProblem {
    /// The table.
    pub table: TableName,
    /// The state that names the version.
    pub state: u64,
    /// What is wrong.
    pub error: Error,
}

/// A document of the world that is not as it should be.
#[derive(Debug)]
#[non_exhaustive]
pub struct DocumentProblem {
    /// Its key in the world's byte store.
    pub key: String,
    /// What is wrong.
    pub error: Error,
}

/// What the log was found to be.
#[derive(Debug)]
#[non_exhaustive]
pub enum LogCheck {
    /// Every record can be read.
    Sound(Waiting),
    /// It cannot be read whole, or is missing, or the world has another one (`ConditionFailed`), and why.
    Damaged(Error),
}

impl VerifiedWorld {
    /// Whether all is as it should be.
    pub fn is_sound(&self) -> bool {
        self.findings() == 0
    }

    /// How many things are wrong.
    pub fn findings(&self) -> u64 {
        let log = matches!(self.log, Some(LogCheck::Damaged(_)));
        (self.states.damage.len() + self.problems.len() + self.documents.len()) as u64 + u64::from(log)
    }
}

impl World {
    /// Reads everything that is kept, and compares: the manifests of the chain with each other, every file with its length
    /// and hash, every table, at the versions that the states name, with the number of rows that they say, the documents of
    /// the runs and of what tables keep, and the records of the log with their checksums. The log has to be the one that the
    /// world has. Nothing is changed or locked; what is buffered is not part of it. Of a run that nothing was forked from
    /// nobody knows whether it was dropped or lost; only the main run is always there.
    ///
    /// # Errors
    /// If the chain itself cannot be read, or the documents cannot be listed: nobody knows then what there should be. What is
    /// wrong besides is in the answer.
    pub async fn verify(&self, extent: Extent) -> Result<VerifiedWorld> {
        let newest = self.newest_state().await?;
        let states = match extent {
            Extent::Newest => verify_manifest(self.manifests(), Which::Number(newest)).await?,
            Extent::All => verify_retained(self.manifests()).await?,
        };
        let numbers = match extent {
            Extent::Newest => vec![newest],
            Extent::All => {
                let manifests = self.manifests().clone();
                blocking(move || manifests.list()).await?
            }
        };
        let log = match self.waiting().await {
            Ok(waiting) => waiting.map(LogCheck::Sound),
            Err(error) => Some(LogCheck::Damaged(error)),
        };
        let documents = self.document_problems().await?;
        let mut verified = VerifiedWorld { states, versions: 0, rows: 0, problems: Vec::new(), documents, log };
        let mut seen = BTreeSet::new();
        for number in numbers {
            self.verify_tables(number, &mut seen, &mut verified).await?;
        }
        Ok(verified)
    }

    async fn newest_state(&self) -> Result<u64> {
        let manifests = self.manifests().clone();
        blocking(move || Ok(manifests.latest()?.number)).await
    }

    async fn document_problems(&self) -> Result<Vec<DocumentProblem>> {
        let mut problems = self.inner.runs.problems().await?;
        problems.extend(self.history_problems().await?);
        Ok(problems.into_iter().map(|(key, error)| DocumentProblem { key, error }).collect())
    }

    /// Reads the tables of a state, those of them that were not read before.
    async fn verify_tables(
        &self,
        number: u64,
        seen: &mut BTreeSet<(TableName, u64)>,
        verified: &mut VerifiedWorld,
    ) -> Result<()> {
        let tables = Arc::clone(&self.inner.versions);
        let pinned = match PinnedTables::open(tables, self.manifests().clone(), Which::Number(number)).await {
            // Expired meanwhile, or damaged, which is told of the states.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Corrupt) => return Ok(()),
            opened => opened?,
        };
        for table in pinned.list(&ListTablesOptions::default()).await? {
            match read_table(&pinned, &table, seen).await {
                Ok(rows) => {
                    verified.versions += u64::from(rows.is_some());
                    verified.rows += rows.unwrap_or(0);
                }
                Err(error) => verified.problems.push(TableProblem { table, state: number, error }),
            }
        }
        Ok(())
    }
}

/// Reads every row of a table and counts them; none if that version was read before.
async fn read_table(
    pinned: &PinnedTables,
    table: &TableName,
    seen: &mut BTreeSet<(TableName, u64)>,
) -> Result<Option<u64>> {
    let info = pinned.describe(table, &DescribeOptions::default()).await?;
    if !seen.insert((table.clone(), info.version)) {
        return Ok(None);
    }
    let mut batches = pinned.scan(table, &Scan::all()).await?.batches;
    let mut rows = 0;
    while let Some(batch) = batches.try_next().await? {
        rows += batch.num_rows() as u64;
    }
    match rows == info.rows {
        true => Ok(Some(rows)),
        false => Err(Error::new(ErrorKind::Corrupt, "the version has another number of rows than its state says")
            .with("version", info.version)
            .with("rows", rows)
            .with("expected", info.rows)),
    }
}

//! A catalog behind Iceberg's REST protocol: namespaces, tables, commits with requirements.
//!
//! The published client is not used. It takes a commit only as `TableCommit`, which nobody but Iceberg's own
//! `Transaction` can build, and that one starts again on a changed table without comparing watermarks, and knows neither
//! replacement nor expiry; and it makes one kind of error of a commit that was refused and of one whose answer was lost.
//! So requests are made here, of Iceberg's own types.
//!
//! What holds of the pointer in an SQL catalog holds of the current snapshot here: each commit of ours makes one, and
//! requires that the one before is current. So a commit can be sent again until an answer comes: it takes effect once
//! at most, and whose snapshot is there was it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use iceberg::spec::{MAIN_BRANCH, TableMetadata};
use iceberg::{TableRequirement, TableUpdate};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use worldstore_core::table::TableName;
use worldstore_core::{Error, Result};

use super::{Catalog, Fenced, Prepared, Swap, check_fence, exists_already, missing, unknown, unseen};
use crate::commit::Place;
use crate::config::IcebergConfig;
use crate::error::of_table;
use crate::state::{Marks, State};
use crate::storage::Root;

mod client;
mod fence;
mod listing;
mod pointers;
mod settings;

use client::{Answer, Client, Failure};
use fence::FENCE;
use settings::Settings;

/// Refuses a URI that is none of a REST catalog.
pub(super) fn check(uri: &str) -> Result<()> {
    Settings::parse(uri).map(|_| ())
}

/// How often a change is sent whose outcome is open, and the pause before the second time, which doubles.
const CHANGE_ATTEMPTS: u32 = 4;
const CHANGE_PAUSE: Duration = Duration::from_millis(100);

/// A table as the server has it.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Loaded {
    metadata_location: Option<String>,
    metadata: TableMetadata,
}

/// What a commit leaves behind, by which it is known again.
#[derive(Debug, Clone, Copy)]
enum Mark<'commit> {
    Snapshot(i64),
    /// These snapshots are gone.
    Without(&'commit [i64]),
}

impl Mark<'_> {
    fn is_on(self, metadata: &TableMetadata) -> bool {
        match self {
            Self::Snapshot(id) => metadata.snapshot_by_id(id).is_some(),
            Self::Without(ids) => ids.iter().all(|id| metadata.snapshot_by_id(*id).is_none()),
        }
    }
}

/// The server, reached when it is first needed.
pub(super) struct RestCatalog {
    client: Client,
    /// Where the fence's table is.
    fence: String,
}

impl RestCatalog {
    /// No I/O.
    ///
    /// # Errors
    /// `Invalid` if the URI is none.
    pub fn new(uri: &str, config: &IcebergConfig) -> Result<Self> {
        let fence = config.prefix.key(FENCE)?;
        Ok(Self { client: Client::new(Settings::parse(uri)?)?, fence: format!("{}/{fence}", config.location) })
    }

    fn namespace(&self) -> &str {
        &self.client.settings().namespace
    }

    fn tables(&self) -> String {
        format!("namespaces/{}/tables", self.namespace())
    }

    /// The path of a table: its name needs no escape.
    fn path(&self, table: &str) -> String {
        format!("{}/{table}", self.tables())
    }

    async fn get(&self, table: &str) -> Result<Option<Loaded>> {
        let answer = self.client.read(&self.path(table)).await?;
        match answer.status {
            StatusCode::NOT_FOUND => Ok(None),
            _ => answer.expect().map(Some),
        }
    }

    async fn expect(&self, table: &TableName) -> Result<Loaded> {
        self.get(table.as_str()).await?.ok_or_else(|| missing(table))
    }

    /// Sends a change until its outcome is known, and looks for it each time that it is not.
    async fn insist(&self, table: &TableName, sent: Sent<'_>, sign: Sign<'_>) -> Result<Settled> {
        let mut attempt = 1;
        loop {
            let error = match self.client.send(sent.method.clone(), sent.path, sent.body).await {
                // Some servers let others go first where nothing is required: such a change is sent again.
                Ok(answer) if answer.status == StatusCode::CONFLICT && matches!(sign, Sign::Epoch(_)) => answer.error(),
                Ok(answer) if !answer.status.is_server_error() => return Ok(Settled::Answered(answer, attempt)),
                Ok(answer) => answer.error(),
                // The first attempt is refused for certain; a later one says nothing of those before.
                Err(Failure::Unsent(error)) if attempt == 1 => return Err(error),
                Err(failure) => failure.into_error(),
            };
            if let Ok(Some(seen)) = self.look(table, sign).await {
                return Ok(seen);
            }
            if attempt == CHANGE_ATTEMPTS {
                return Err(unknown(table, error));
            }
            tokio::time::sleep(CHANGE_PAUSE * 2_u32.pow(attempt - 1)).await;
            attempt += 1;
        }
    }

    async fn look(&self, table: &TableName, sign: Sign<'_>) -> Result<Option<Settled>> {
        let found = self.get(table.as_str()).await?;
        Ok(match (sign, found) {
            (Sign::Commit(mark), Some(found)) => {
                mark.is_on(&found.metadata).then(|| Settled::Seen(Some(Box::new(found))))
            }
            (Sign::Gone(id), found) => {
                found.is_none_or(|found| found.metadata.uuid() != id).then_some(Settled::Seen(None))
            }
            (Sign::Epoch(epoch), Some(found)) if fence::greatest(&found.metadata) >= epoch => Some(Settled::Seen(None)),
            _ => None,
        })
    }

    /// One commit: won, with what the server then has, or lost.
    async fn post(&self, table: &TableName, base: &State, body: &Value, mark: Mark<'_>) -> Result<Option<Loaded>> {
        let path = self.path(table.as_str());
        let sent = Sent { method: Method::POST, path: &path, body: Some(body) };
        let (answer, attempt) = match self.insist(table, sent, Sign::Commit(mark)).await? {
            Settled::Seen(found) => return Ok(found.map(|found| *found)),
            Settled::Answered(answer, attempt) => (answer, attempt),
        };
        if answer.status.is_success() {
            // What cannot be read took effect all the same.
            return match answer.expect::<Loaded>() {
                Ok(loaded) => Ok(Some(loaded)),
                Err(error) => self.expect(table).await.map(Some).map_err(|_| unknown(table, error)),
            };
        }
        // Refused, this time: what was sent before may have taken effect, and others may have come first.
        let found = match self.get(table.as_str()).await {
            Ok(Some(found)) => found,
            Ok(None) => return Err(missing(table)),
            Err(_) => return Err(unknown(table, answer.error())),
        };
        match answer.status {
            _ if mark.is_on(&found.metadata) => Ok(Some(found)),
            StatusCode::CONFLICT if attempt == 1 => Ok(None),
            _ if is_moved(base, &found.metadata) => Ok(None),
            // An attempt before this one may still be on its way.
            _ if attempt > 1 => Err(unknown(table, answer.error())),
            _ => Err(answer.error().with("table", table)),
        }
    }
}

/// A change, to be sent as often as it takes.
struct Sent<'change> {
    method: Method,
    path: &'change str,
    body: Option<&'change Value>,
}

/// What is seen of a table once a change took effect.
#[derive(Clone, Copy)]
enum Sign<'change> {
    Commit(Mark<'change>),
    /// The table of this id is not there; another may have its name.
    Gone(uuid::Uuid),
    /// This epoch, or a greater one, is claimed in it.
    Epoch(u64),
}

/// How a change came to its end.
enum Settled {
    /// With an answer that says what became of this attempt.
    Answered(Answer, u32),
    /// Without one, but it was seen to have happened, in this table.
    Seen(Option<Box<Loaded>>),
}

/// The state that the server tells.
fn state(table: &TableName, loaded: Loaded) -> Result<State> {
    let nowhere = || Error::unsupported("the catalog names no metadata file of the table").with("table", table);
    let state = State::new(loaded.metadata, loaded.metadata_location.ok_or_else(nowhere)?)?;
    state.check(table)?;
    Ok(state)
}

fn is_moved(base: &State, metadata: &TableMetadata) -> bool {
    base.metadata.current_snapshot_id() != metadata.current_snapshot_id()
        || base.metadata.last_sequence_number() != metadata.last_sequence_number()
}

/// What must hold of the table for a commit on this state.
fn requirements(base: &TableMetadata) -> Vec<TableRequirement> {
    vec![
        TableRequirement::UuidMatch { uuid: base.uuid() },
        TableRequirement::RefSnapshotIdMatch { r#ref: MAIN_BRANCH.to_owned(), snapshot_id: base.current_snapshot_id() },
        TableRequirement::CurrentSchemaIdMatch { current_schema_id: base.current_schema_id() },
        TableRequirement::DefaultSpecIdMatch { default_spec_id: base.default_partition_spec_id() },
    ]
}

/// A request of ours that is JSON by its types.
fn encoded<Part: serde::Serialize>(part: Part) -> Result<Value> {
    serde_json::to_value(part)
        .map_err(|source| Error::unexpected("the change cannot be written down").caused_by(source))
}

/// What of the changes says that a commit took effect.
fn mark_of(changes: &[TableUpdate]) -> Result<Mark<'_>> {
    let mark = |change: &'_ TableUpdate| match change {
        TableUpdate::AddSnapshot { snapshot } => Some(snapshot.snapshot_id()),
        _ => None,
    };
    if let Some(id) = changes.iter().find_map(mark) {
        return Ok(Mark::Snapshot(id));
    }
    let gone = changes.iter().find_map(|change| match change {
        TableUpdate::RemoveSnapshots { snapshot_ids } => Some(Mark::Without(snapshot_ids)),
        _ => None,
    });
    gone.ok_or_else(|| Error::unexpected("a commit without a snapshot"))
}

/// Checks that the server did what it was asked for.
fn check_done(state: &State, mark: Mark<'_>, marks: Marks) -> Result<()> {
    let kept = |what| Error::unsupported("the catalog's server left out a part of the change").with("part", what);
    match mark {
        Mark::Without(_) if !mark.is_on(&state.metadata) => Err(kept("remove-snapshots")),
        Mark::Snapshot(id) if state.metadata.current_snapshot_id() == Some(id) && state.marks != marks => {
            Err(kept("set-properties"))
        }
        _ => Ok(()),
    }
}

#[async_trait]
impl Catalog for RestCatalog {
    async fn exists(&self) -> Result<bool> {
        let answer = self.client.read(&format!("namespaces/{}", self.namespace())).await?;
        match answer.status {
            StatusCode::NOT_FOUND => Ok(false),
            status if status.is_success() => Ok(true),
            _ => Err(answer.error()),
        }
    }

    async fn make(&self) -> Result<()> {
        if self.exists().await? {
            return Ok(());
        }
        let body = json!({ "namespace": [self.namespace()], "properties": {} });
        match self.client.send(Method::POST, "namespaces", Some(&body)).await {
            Ok(answer) if answer.status.is_success() || answer.status == StatusCode::CONFLICT => Ok(()),
            Ok(answer) if !answer.status.is_server_error() => Err(answer.error()),
            // Made once or twice, it is there.
            failed => match self.exists().await? {
                true => Ok(()),
                false => Err(failed.map_or_else(Failure::into_error, |answer| answer.error())),
            },
        }
    }

    async fn names(&self) -> Result<Vec<String>> {
        self.listed().await
    }

    async fn location_of(&self, _root: &Root, name: &str) -> Result<String> {
        let found = self.get(&listing::escaped(name)).await?.ok_or_else(unseen)?;
        Ok(found.metadata.location().to_owned())
    }

    async fn load(&self, _root: &Root, table: &TableName, held: Option<Arc<State>>) -> Result<Arc<State>> {
        let loaded = self.expect(table).await.map_err(|error| of_table(error, table))?;
        match held {
            Some(held) if loaded.metadata_location.as_ref() == Some(&held.pointer) => Ok(held),
            _ => state(table, loaded).map(Arc::new),
        }
    }

    async fn settled(&self, table: &TableName) -> Result<String> {
        Ok(state(table, self.expect(table).await?)?.pointer)
    }

    async fn create(&self, root: &Root, table: &TableName, metadata: TableMetadata) -> Result<State> {
        let body = json!({
            "name": table.as_str(),
            "location": metadata.location(),
            "schema": encoded(metadata.current_schema())?,
            "partition-spec": encoded(metadata.default_partition_spec())?,
            "write-order": encoded(metadata.default_sort_order())?,
            "stage-create": false,
            "properties": metadata.properties(),
        });
        let made = match self.client.send(Method::POST, &self.tables(), Some(&body)).await {
            Ok(answer) if answer.status == StatusCode::CONFLICT => return Err(exists_already(table)),
            Ok(answer) if answer.status.is_server_error() => return Err(unknown(table, answer.error())),
            Ok(answer) => state(table, answer.expect()?)?,
            Err(Failure::Unsent(error)) => return Err(error),
            Err(Failure::Unclear(error)) => return Err(unknown(table, error)),
        };
        let fits = same_columns(&made, &metadata)
            .and_then(|()| root.key(&made.pointer).map(|_| ()))
            .and_then(|()| root.key(&format!("{}/data", made.metadata.location())).map(|_| ()));
        if let Err(error) = fits {
            // It is of no use, and nobody has seen it.
            let error = error.with("table", table);
            return Err(match self.remove(table, &made).await {
                Ok(Swap::Won) => error,
                Ok(Swap::Lost) | Err(_) => error.with("left_behind", &made.pointer),
            });
        }
        Ok(made)
    }

    async fn enter(&self, table: &TableName, metadata: &str) -> Result<()> {
        let body = json!({ "name": table.as_str(), "metadata-location": metadata });
        let path = format!("namespaces/{}/register", self.namespace());
        match self.client.send(Method::POST, &path, Some(&body)).await {
            Ok(answer) if answer.status == StatusCode::CONFLICT => Err(exists_already(table)),
            Ok(answer) if answer.status.is_server_error() => Err(unknown(table, answer.error())),
            Ok(answer) if answer.status.is_success() => Ok(()),
            Ok(answer) => Err(answer.error()),
            Err(Failure::Unsent(error)) => Err(error),
            Err(Failure::Unclear(error)) => Err(unknown(table, error)),
        }
    }

    async fn commit(
        &self,
        place: Place<'_>,
        base: &State,
        prepared: Prepared,
        _written: &mut Vec<String>,
    ) -> Result<Option<State>> {
        let table = place.table;
        // A table that carries the epoch was there when it was claimed, so whoever claims a greater one commits to it.
        if let Some(epoch) = place.epoch.filter(|epoch| base.marks.epoch != *epoch) {
            check_fence(self.claimed().await?, epoch)?;
        }
        let mark = mark_of(&prepared.changes)?;
        let body = json!({
            "identifier": { "namespace": [self.namespace()], "name": table.as_str() },
            "requirements": encoded(requirements(&base.metadata))?,
            "updates": encoded(&prepared.changes)?,
        });
        let Some(loaded) = self.post(table, base, &body, mark).await? else { return Ok(None) };
        // From here on it has happened: an error must not look as if it had not.
        let state = state(table, loaded).map_err(|error| unknown(table, error))?;
        check_done(&state, mark, prepared.marks).map_err(|error| unknown(table, error))?;
        Ok(Some(state))
    }

    async fn remove(&self, table: &TableName, state: &State) -> Result<Swap> {
        let path = format!("{}?purgeRequested=false", self.path(table.as_str()));
        let sent = Sent { method: Method::DELETE, path: &path, body: None };
        match self.insist(table, sent, Sign::Gone(state.metadata.uuid())).await? {
            Settled::Seen(_) => Ok(Swap::Won),
            Settled::Answered(answer, _) if answer.status.is_success() => Ok(Swap::Won),
            Settled::Answered(answer, _) if answer.status == StatusCode::NOT_FOUND => Ok(Swap::Won),
            Settled::Answered(answer, _) if answer.status == StatusCode::CONFLICT => Ok(Swap::Lost),
            Settled::Answered(answer, _) => Err(answer.error()),
        }
    }

    async fn claim(&self, epoch: u64) -> Result<Fenced> {
        self.make().await?;
        self.raise(epoch).await?;
        Ok(Fenced::NewTables)
    }

    fn leaves_metadata_to_us(&self) -> bool {
        false
    }

    async fn close(&self) {
        // Connections that nobody uses end by themselves.
    }
}

/// Checks that the server made the columns as they were wanted: by their numbers, values are found again.
fn same_columns(made: &State, wanted: &TableMetadata) -> Result<()> {
    let (have, want) = (made.metadata.current_schema().as_struct(), wanted.current_schema().as_struct());
    let kept = wanted.properties().iter().all(|(key, value)| made.metadata.properties().get(key) == Some(value));
    match have == want && kept {
        true => Ok(()),
        false => Err(Error::unsupported("the catalog's server made another table than was wanted")),
    }
}

impl fmt::Debug for RestCatalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RestCatalog").field("server", self.client.settings()).finish_non_exhaustive()
    }
}

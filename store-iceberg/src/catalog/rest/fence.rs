//! The fence of a REST catalog: a table without rows, whose properties are the epochs that were claimed.
//!
//! The protocol has no condition on a property, so nothing is replaced: an epoch is a key of its own, and the greatest
//! key counts, in whatever order claims arrive. Keys below one that is there are of no use and are taken out with it.

use iceberg::TableRequirement;
use iceberg::spec::TableMetadata;
use reqwest::Method;
use serde_json::json;
use worldstore_core::table::TableName;
use worldstore_core::{Error, ErrorKind, Result};

use super::{Loaded, RestCatalog, Sent, Settled, Sign, encoded, unknown};
use crate::catalog::check_fence;

/// The name of the fence's table.
pub(super) const FENCE: &str = "worldstore_fence";

/// What a key begins with; the epoch follows.
const KEY: &str = "worldstore.epoch.";

fn epochs(metadata: &TableMetadata) -> impl Iterator<Item = u64> {
    metadata.properties().keys().filter_map(|key| key.strip_prefix(KEY)?.parse().ok())
}

/// The greatest epoch that a fence tells; 0 without one.
pub(super) fn greatest(metadata: &TableMetadata) -> u64 {
    epochs(metadata).max().unwrap_or(0)
}

impl RestCatalog {
    /// The greatest epoch that was claimed; 0 without one.
    pub(super) async fn claimed(&self) -> Result<u64> {
        let fence = self.get(FENCE).await?;
        Ok(fence.map_or(0, |fence| greatest(&fence.metadata)))
    }

    /// Claims an epoch in a catalog that was made before.
    ///
    /// # Errors
    /// `Fenced` if a greater one was claimed; `OutcomeUnknown` if it may be claimed.
    pub(super) async fn raise(&self, epoch: u64) -> Result<()> {
        let fence = match self.get(FENCE).await? {
            Some(fence) => fence,
            None => self.make_fence().await?,
        };
        let have = greatest(&fence.metadata);
        check_fence(have, epoch)?;
        if have == epoch {
            return Ok(());
        }
        let below: Vec<_> = epochs(&fence.metadata).map(|epoch| format!("{KEY}{epoch}")).collect();
        let mut updates =
            vec![json!({ "action": "set-properties", "updates": { format!("{KEY}{epoch}"): "claimed" } })];
        if !below.is_empty() {
            updates.push(json!({ "action": "remove-properties", "removals": below }));
        }
        let body = json!({
            "identifier": { "namespace": [self.namespace()], "name": FENCE },
            "requirements": encoded([TableRequirement::UuidMatch { uuid: fence.metadata.uuid() }])?,
            "updates": updates,
        });
        let (table, path) = (TableName::new(FENCE)?, self.path(FENCE));
        let sent = Sent { method: Method::POST, path: &path, body: Some(&body) };
        if let Settled::Answered(answer, _) = self.insist(&table, sent, Sign::Epoch(epoch)).await?
            && !answer.status.is_success()
        {
            return Err(answer.error());
        }
        match self.claimed().await? {
            0 => Err(Error::unsupported("the catalog's server does not keep properties of tables")),
            claimed => check_fence(claimed, epoch),
        }
    }

    async fn make_fence(&self) -> Result<Loaded> {
        let column = json!({ "id": 1, "name": "epoch", "required": false, "type": "long" });
        let body = json!({
            "name": FENCE,
            "location": self.fence,
            "schema": { "type": "struct", "schema-id": 0, "fields": [column] },
            "partition-spec": { "spec-id": 0, "fields": [] },
            "write-order": { "order-id": 0, "fields": [] },
            "stage-create": false,
            "properties": {},
        });
        let sent = self.client.send(Method::POST, &self.tables(), Some(&body)).await;
        let error = match sent {
            Ok(answer) if answer.status.is_success() => return answer.expect(),
            Ok(answer) => answer.error(),
            Err(failure) => failure.into_error(),
        };
        // Whoever made it, it is there.
        match self.get(FENCE).await? {
            Some(fence) => Ok(fence),
            None if error.kind() == ErrorKind::Unavailable => Err(unknown(&TableName::new(FENCE)?, error)),
            None => Err(error),
        }
    }
}

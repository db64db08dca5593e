//! The check: can the root be listed, and does the store keep the conditions that were declared for it?

use bytes::Bytes;
use object_store::PutPayload;
use uuid::Uuid;
use worldstore_core::{Condition, Deleted, Error, Key, ListOptions, Outcome, Prefix, Result, Version};

use crate::backend::ObjectStoreBackend;

impl ObjectStoreBackend {
    pub(crate) async fn check_root(&self) -> Result<()> {
        self.list_page(&Prefix::root(), &ListOptions::default().with_limit(1)).await.map(|_| ())
    }

    /// Tries the conditions on an object of its own. Some services take them and ignore them, and then concurrent
    /// commits overwrite each other.
    pub(crate) async fn check_conditions(&self) -> Result<()> {
        if !self.capability.write || !self.capability.write_if_absent {
            return Ok(());
        }
        let key = Key::new(format!("_worldstore-probe-{}", Uuid::new_v4().simple()))?;
        let probed = self.probe(&key).await;
        let deleted = self.delete_keys(std::slice::from_ref(&key)).await?;
        probed?;
        match deleted.into_iter().next() {
            Some(Deleted::Failed(error)) => Err(error),
            _ => Ok(()),
        }
    }

    async fn probe(&self, key: &Key) -> Result<()> {
        let put = |text: &'static str, condition: Condition| async move {
            self.put(key, PutPayload::from(Bytes::from_static(text.as_bytes())), &condition).await
        };
        let first = put("first", Condition::IfAbsent).await?.applied(key, &Condition::IfAbsent)?;
        self.kept(put("second", Condition::IfAbsent).await?, "write if absent")?;
        if let (true, Some(version)) = (self.capability.write_if_match, first.version) {
            let other = Version::new("\"00000000000000000000000000000000\"");
            self.kept(put("third", Condition::IfMatch(other)).await?, "write if match")?;
            let condition = Condition::IfMatch(version.clone());
            put("fourth", condition.clone()).await?.applied(key, &condition)?;
            self.kept(put("fifth", Condition::IfMatch(version)).await?, "write if match")?;
        }
        Ok(())
    }

    fn kept(&self, outcome: Outcome, condition: &'static str) -> Result<()> {
        match outcome {
            Outcome::Rejected => Ok(()),
            Outcome::Unknown => Err(Error::new(
                worldstore_core::ErrorKind::Unavailable,
                "the store did not answer when its conditions were tried",
            )
            .with("backend", self)),
            Outcome::Applied(_) => Err(Error::unsupported("the store ignores a condition that was declared for it")
                .with("condition", condition)
                .with("backend", self)),
        }
    }
}

//! The check: can the root be listed, and does the store keep the conditions that were declared for it?

use bytes::Bytes;
use object_store::PutPayload;
use uuid::Uuid;
use worldstore_async::AsyncWriter;
use worldstore_core::{Condition, Deleted, Error, Key, ListOptions, Outcome, Prefix, Result, Version, WriteOptions};

use crate::backend::ObjectStoreBackend;
use crate::protocol::Versions;
use crate::upload::ObjectWriter;
use crate::write::Token;

impl ObjectStoreBackend {
    pub(crate) async fn check_root(&self) -> Result<()> {
        #[cfg(feature = "cloud")]
        if let (false, Some(direct)) = (self.protocol.lists, &self.direct) {
            return direct.reach(self).await;
        }
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
            let options = WriteOptions::default();
            let token = Token::new(&options, self.capability);
            self.put(key, PutPayload::from(Bytes::from_static(text.as_bytes())), &condition, &token).await
        };
        let first = put("first", Condition::IfAbsent).await?.applied(key, &Condition::IfAbsent)?;
        self.kept(put("second", Condition::IfAbsent).await?, "write if absent")?;
        if self.protocol.commits.is_some() {
            self.kept(self.probe_upload(key, Condition::IfAbsent).await?, "finish an upload if absent")?;
        }
        if let (true, Some(version)) = (self.capability.write_if_match, first.version) {
            let other = match self.protocol.versions {
                Versions::Generation => Version::new("1"),
                _ => Version::new("\"00000000000000000000000000000000\""),
            };
            self.kept(put("third", Condition::IfMatch(other.clone())).await?, "write if match")?;
            if self.protocol.commits.is_some() && self.protocol.commits_under(&Condition::IfMatch(other.clone())) {
                let finished = self.probe_upload(key, Condition::IfMatch(other.clone())).await?;
                self.kept(finished, "finish an upload if match")?;
            }
            if self.capability.delete_if_match {
                self.kept_by_delete(self.delete_if_match(std::slice::from_ref(key), &other).await?)?;
            }
            let condition = Condition::IfMatch(version.clone());
            put("fourth", condition.clone()).await?.applied(key, &condition)?;
            self.kept(put("fifth", Condition::IfMatch(version)).await?, "write if match")?;
        }
        Ok(())
    }

    /// Finishes an upload in one part under a condition that is false.
    async fn probe_upload(&self, key: &Key, condition: Condition) -> Result<Outcome> {
        let options = WriteOptions::default().with_condition(condition);
        let mut writer = Box::new(ObjectWriter::new(self.clone(), key.clone(), self.path(key)?, &options));
        writer.write(Bytes::from_static(b"upload")).await?;
        writer.send_rest().await?;
        writer.commit().await
    }

    fn kept_by_delete(&self, answers: Vec<Deleted>) -> Result<()> {
        match answers.into_iter().next() {
            Some(Deleted::Rejected) => Ok(()),
            Some(Deleted::Failed(error)) => Err(error),
            _ => Err(self.ignored("delete if match")),
        }
    }

    fn ignored(&self, condition: &'static str) -> Error {
        Error::unsupported("the store ignores a condition that was declared for it")
            .with("condition", condition)
            .with("backend", self)
    }

    fn kept(&self, outcome: Outcome, condition: &'static str) -> Result<()> {
        match outcome {
            Outcome::Rejected => Ok(()),
            Outcome::Unknown => Err(Error::new(
                worldstore_core::ErrorKind::Unavailable,
                "the store did not answer when its conditions were tried",
            )
            .with("backend", self)),
            Outcome::Applied(_) => Err(self.ignored(condition)),
        }
    }
}

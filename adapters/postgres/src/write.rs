//! Changes: each in one transaction, its condition decided by the row that it changes.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::{PgConnection, Row};
use worldstore_core::{
    Condition, CopyOptions, DeleteOptions, Deleted, Durability, Error, ErrorKind, Key, ObjectMeta, Outcome,
    RenameOptions, Result, Version, WriteOptions, WriteToken,
};

use crate::error::translate;
use crate::objects::Lock;
use crate::server::{Committed, Server, commit};

/// Keys that are deleted in one transaction.
const DELETE_KEYS: usize = 1_000;
/// How often a write without a condition looks again when its key appears and vanishes.
const ATTEMPTS: usize = 20;

/// What an object shall be.
#[derive(Debug)]
pub(crate) struct New {
    pub generation: i64,
    pub size: u64,
    pub token: Option<String>,
}

impl Server {
    pub(crate) async fn put(&self, key: &Key, body: &[u8], options: &WriteOptions) -> Result<Outcome> {
        let mut transaction = self.change(options.durability).await?;
        let generation = self.next_number(&mut transaction).await?;
        let new = New { generation, size: body.len() as u64, token: text(options.token.as_ref()) };
        let Some(meta) = self.publish(&mut transaction, key, &options.condition, new).await? else {
            return rejected(transaction).await;
        };
        self.add_chunks(&mut transaction, generation, 0, body).await?;
        applied(commit(transaction).await?, meta)
    }

    /// Makes `new` the object at the key if the condition holds, and removes the chunks of the object before. None if
    /// it does not hold.
    pub(crate) async fn publish(
        &self,
        connection: &mut PgConnection,
        key: &Key,
        condition: &Condition,
        new: New,
    ) -> Result<Option<ObjectMeta>> {
        match condition {
            Condition::IfAbsent => self.insert(connection, key, &new).await,
            Condition::IfMatch(version) => self.replace(connection, key, Some(version), &new).await,
            Condition::None => {
                for _ in 0..ATTEMPTS {
                    if let Some(meta) = self.replace(connection, key, None, &new).await? {
                        return Ok(Some(meta));
                    }
                    if let Some(meta) = self.insert(connection, key, &new).await? {
                        return Ok(Some(meta));
                    }
                }
                Err(Error::new(ErrorKind::Conflict, "others create and delete the object all the time"))
            }
            _ => Err(Error::unsupported("the condition is unknown here")),
        }
    }

    async fn insert(&self, connection: &mut PgConnection, key: &Key, new: &New) -> Result<Option<ObjectMeta>> {
        let sql = self.sql(
            "INSERT INTO {ns}.objects (key, generation, version, size, modified_us, token)
             VALUES ($1, $2, nextval('{ns}.numbers'), $3, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, $4)
             ON CONFLICT (key) DO NOTHING RETURNING version, modified_us",
        );
        self.store(connection, &sql, key, new).await
    }

    async fn replace(
        &self,
        connection: &mut PgConnection,
        key: &Key,
        version: Option<&Version>,
        new: &New,
    ) -> Result<Option<ObjectMeta>> {
        // The lock makes sure that the row is still this one when it is updated.
        let old = self.find(connection, key, Lock::Update).await?;
        let matches = |meta: &ObjectMeta| version.is_none() || meta.version.as_ref() == version;
        let Some(old) = old.filter(|old| matches(&old.meta)) else { return Ok(None) };
        let sql = self.sql(
            "UPDATE {ns}.objects SET generation = $2, version = nextval('{ns}.numbers'), size = $3,
             modified_us = (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, token = $4
             WHERE key = $1 RETURNING version, modified_us",
        );
        let stored = self.store(connection, &sql, key, new).await?;
        self.remove_chunks(connection, &[old.generation]).await?;
        Ok(stored)
    }

    async fn store(
        &self,
        connection: &mut PgConnection,
        sql: &str,
        key: &Key,
        new: &New,
    ) -> Result<Option<ObjectMeta>> {
        let query = sqlx::query(sql).bind(key.as_str().as_bytes()).bind(new.generation).bind(new.size as i64);
        let row = query.bind(new.token.as_deref()).fetch_optional(connection).await.map_err(translate)?;
        let meta = |row: sqlx::postgres::PgRow| {
            let number = |at: usize| row.try_get(at).map_err(translate);
            Ok(self.meta(key, new.size as i64, number(0)?, number(1)?))
        };
        row.map(meta).transpose()
    }

    pub(crate) async fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome> {
        let mut transaction = self.change(options.durability).await?;
        let source = self.get(&mut transaction, from, Lock::Share).await?;
        let generation = self.next_number(&mut transaction).await?;
        // Before publishing, which removes the chunks if the object is copied to itself.
        let sql = self.sql(
            "INSERT INTO {ns}.chunks (generation, at, bytes)
             SELECT $2, at, bytes FROM {ns}.chunks WHERE generation = $1",
        );
        let query = sqlx::query(&sql).bind(source.generation).bind(generation);
        query.execute(&mut *transaction).await.map_err(translate)?;
        let new = New { generation, size: source.meta.size, token: None };
        match self.publish(&mut transaction, to, &options.condition, new).await? {
            Some(meta) => applied(commit(transaction).await?, meta),
            None => rejected(transaction).await,
        }
    }

    pub(crate) async fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
        let mut transaction = self.change(options.durability).await?;
        let source = self.get(&mut transaction, from, Lock::Update).await?;
        if from == to {
            transaction.rollback().await.map_err(translate)?;
            return Ok(match &options.condition {
                Condition::None => Outcome::Applied(source.meta),
                Condition::IfMatch(version) if source.meta.version.as_ref() == Some(version) => {
                    Outcome::Applied(source.meta)
                }
                _ => Outcome::Rejected,
            });
        }
        let sql = self.sql("DELETE FROM {ns}.objects WHERE key = $1");
        let query = sqlx::query(&sql).bind(from.as_str().as_bytes());
        query.execute(&mut *transaction).await.map_err(translate)?;
        let new = New { generation: source.generation, size: source.meta.size, token: source.token };
        match self.publish(&mut transaction, to, &options.condition, new).await? {
            Some(meta) => applied(commit(transaction).await?, meta),
            None => rejected(transaction).await,
        }
    }

    pub(crate) async fn delete(self: &Arc<Self>, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        let version = match &options.condition {
            Condition::None => None,
            // A version of another namespace is no version here, and numbers begin with one.
            Condition::IfMatch(version) => Some(self.number_of(version).unwrap_or(0)),
            _ => return Err(Error::unsupported("the condition is unknown here")),
        };
        let mut deleted = Vec::with_capacity(keys.len());
        for batch in keys.chunks(DELETE_KEYS) {
            match self.delete_batch(batch, version).await {
                Ok(mut answers) => deleted.append(&mut answers),
                // Nothing was attempted before the first batch.
                Err(error) if deleted.is_empty() => return Err(error),
                Err(error) => deleted.extend(failed(batch, error.kind(), &error)),
            }
        }
        Ok(deleted)
    }

    async fn delete_batch(&self, keys: &[Key], version: Option<i64>) -> Result<Vec<Deleted>> {
        let mut transaction = self.change(Durability::Full).await?;
        let sql = self.sql(
            "DELETE FROM {ns}.objects WHERE key = ANY($1) AND ($2::bigint IS NULL OR version = $2)
             RETURNING key, generation",
        );
        let names: Vec<&[u8]> = keys.iter().map(|key| key.as_str().as_bytes()).collect();
        let rows = sqlx::query(&sql).bind(names).bind(version).fetch_all(&mut *transaction).await.map_err(translate)?;
        let mut gone = HashMap::new();
        for row in rows {
            let name: Vec<u8> = row.try_get(0).map_err(translate)?;
            gone.insert(name, row.try_get::<i64, _>(1).map_err(translate)?);
        }
        self.remove_chunks(&mut transaction, &gone.values().copied().collect::<Vec<_>>()).await?;
        let missing = || if version.is_some() { Deleted::Rejected } else { Deleted::Missing };
        // A key that is named twice is deleted once.
        let answer = |key: &Key| gone.remove(key.as_str().as_bytes()).map_or_else(missing, |_| Deleted::Deleted);
        let answers = keys.iter().map(answer).collect();
        match commit(transaction).await? {
            Committed::Yes => Ok(answers),
            Committed::Unclear(error) => Ok(failed(keys, ErrorKind::OutcomeUnknown, &error).collect()),
        }
    }
}

/// The same failure for each key.
fn failed<'keys>(keys: &'keys [Key], kind: ErrorKind, error: &Error) -> impl Iterator<Item = Deleted> + use<'keys> {
    let message = error.message().to_owned();
    keys.iter().map(move |key| Deleted::Failed(Error::new(kind, message.as_str()).during("delete").with("key", key)))
}

pub(crate) fn applied(committed: Committed, meta: ObjectMeta) -> Result<Outcome> {
    Ok(match committed {
        Committed::Yes => Outcome::Applied(meta),
        Committed::Unclear(_) => Outcome::Unknown,
    })
}

async fn rejected(transaction: sqlx::Transaction<'static, sqlx::Postgres>) -> Result<Outcome> {
    transaction.rollback().await.map_err(translate)?;
    Ok(Outcome::Rejected)
}

pub(crate) fn text(token: Option<&WriteToken>) -> Option<String> {
    token.map(|token| token.as_str().to_owned())
}

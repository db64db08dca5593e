//! A namespace on a server: its keys, and the calls that the scripts answer.

use std::time::Duration;

use bytes::Bytes;
use redis::{FromRedisValue, ScriptInvocation, Value};
use worldstore_core::kv::Stretch;
use worldstore_core::listing::Start;
use worldstore_core::{Condition, Error, ErrorKind, Key, ObjectMeta, Outcome, Result};
use worldstore_db_common::redis::Pool;

use crate::head::{Head, Pieces, condition_args};
use crate::scripts::Scripts;

/// A namespace. All keys carry it as their hash tag.
#[derive(Debug)]
pub(crate) struct Space {
    pub pool: Pool,
    pub scripts: Scripts,
    pub names: String,
    pub heads: String,
    pub small: String,
    pub serial: String,
    /// What the key of a generation begins with.
    pub pieces: String,
    pub times: Times,
}

/// How long what belongs to no object is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Times {
    pub staged_for: Duration,
    pub replaced_for: Duration,
}

/// What a change came to.
#[derive(Debug)]
pub(crate) enum Change {
    Outcome(Outcome),
    /// The source is large, and this is its head; nothing was done.
    Large(Box<Head>),
    /// What was staged is gone.
    Expired,
}

impl Space {
    pub fn new(pool: Pool, namespace: &str, times: Times) -> Self {
        let key = |name: &str| format!("{{{namespace}}}:{name}");
        Self {
            pool,
            scripts: Scripts::new(),
            names: key("names"),
            heads: key("heads"),
            small: key("small"),
            serial: key("serial"),
            pieces: key("pieces:"),
            times,
        }
    }

    /// The key of a generation.
    pub fn generation(&self, generation: &str) -> String {
        format!("{}{generation}", self.pieces)
    }

    /// Looks an object up.
    pub fn head(&self, key: &Key) -> Result<Head> {
        let head: Option<Vec<u8>> =
            self.pool.ask(|connection| redis::cmd("HGET").arg(&self.heads).arg(key.as_str()).query(connection))?;
        found(key, head)
    }

    /// Looks an object up, with its body if that is small.
    pub fn head_and_body(&self, key: &Key) -> Result<(Head, Bytes)> {
        let (head, body): (Option<Vec<u8>>, Option<Vec<u8>>) = self.script(&self.scripts.look, |call| {
            call.key(&self.heads).key(&self.small).arg(key.as_str());
        })?;
        let (head, body) = (found(key, head)?, body.unwrap_or_default());
        if head.pieces.is_none() && body.len() as u64 != head.meta.size {
            return Err(Error::new(ErrorKind::Corrupt, "the body of an object has another length").with("key", key));
        }
        Ok((head, body.into()))
    }

    /// Runs a script that changes objects: `first` arguments, the condition, and what all of them take.
    pub fn change(
        &self,
        script: &redis::Script,
        first: &[&Key],
        condition: &Condition,
        rest: &[&[u8]],
    ) -> Result<Change> {
        let mut call = script.prepare_invoke();
        call.key(&self.heads).key(&self.names).key(&self.small).key(&self.serial);
        for key in first {
            call.arg(key.as_str());
        }
        self.add_common(&mut call, condition)?;
        for argument in rest {
            call.arg(*argument);
        }
        let to = first.last().copied();
        match self.pool.change(|connection| call.invoke::<Vec<Value>>(connection)) {
            Ok(answer) => change_of(&answer, to),
            Err(error) if error.kind() == ErrorKind::OutcomeUnknown => Ok(Change::Outcome(Outcome::Unknown)),
            Err(error) => Err(error),
        }
    }

    /// Deletes keys: for each whether it is 0 missing, 1 deleted, 2 not in the state of the condition.
    pub fn delete(&self, keys: &[Key], condition: &Condition) -> Result<Vec<i64>> {
        let mut call = self.scripts.delete.prepare_invoke();
        call.key(&self.heads).key(&self.names).key(&self.small);
        self.add_common(&mut call, condition)?;
        for key in keys {
            call.arg(key.as_str());
        }
        let answers: Vec<i64> = self.pool.change(|connection| call.invoke(connection))?;
        match answers.len() == keys.len() {
            true => Ok(answers),
            false => Err(Error::unexpected("server answered for other keys").with("answers", answers.len())),
        }
    }

    fn add_common(&self, call: &mut ScriptInvocation<'_>, condition: &Condition) -> Result<()> {
        let (kind, version) = condition_args(condition)?;
        call.arg(kind).arg(version).arg(&self.pieces).arg(milliseconds(self.times.replaced_for));
        Ok(())
    }

    /// Objects in byte order.
    pub fn scan(&self, stretch: &Stretch) -> Result<Vec<ObjectMeta>> {
        let from = match &stretch.start {
            Start::At(text) if text.is_empty() => "-".to_owned(),
            Start::At(text) => format!("[{text}"),
            Start::After(text) => format!("({text}"),
        };
        let end = stretch.end.as_ref().map_or_else(|| "+".to_owned(), |end| format!("({end}"));
        let (names, heads): (Vec<Vec<u8>>, Vec<Option<Vec<u8>>>) = self.script(&self.scripts.list, |call| {
            call.key(&self.heads).key(&self.names).arg(&from).arg(&end).arg(stretch.limit);
        })?;
        let object = |(name, head): (Vec<u8>, Option<Vec<u8>>)| {
            let key = String::from_utf8(name).ok().and_then(|name| Key::new(name).ok());
            let key = key.ok_or_else(|| Error::new(ErrorKind::Corrupt, "a stored key is none"))?;
            let head = head.ok_or_else(|| {
                Error::new(ErrorKind::Corrupt, "an object of the listing has no head").with("key", &key)
            })?;
            Head::parse(&key, &head).map(|head| head.meta)
        };
        names.into_iter().zip(heads).map(object).collect()
    }

    /// Makes a call of a script that can be made again.
    pub fn script<Answer: FromRedisValue>(
        &self,
        script: &redis::Script,
        arguments: impl Fn(&mut ScriptInvocation<'_>),
    ) -> Result<Answer> {
        let mut call = script.prepare_invoke();
        arguments(&mut call);
        self.pool.ask(|connection| call.invoke(connection))
    }

    /// A generation that nobody has.
    pub fn new_generation(&self) -> Result<String> {
        self.script(&self.scripts.serial, |call| {
            call.key(&self.serial);
        })
    }

    /// Adds a piece to a generation, and has the whole of it expire later.
    pub fn stage(&self, generation: &str, piece: u64, bytes: &[u8]) -> Result<()> {
        self.script(&self.scripts.stage, |call| {
            call.key(self.generation(generation)).arg(piece).arg(bytes).arg(milliseconds(self.times.staged_for));
        })
    }

    /// Copies pieces to a staged generation, on the server.
    pub fn copy_pieces(&self, from: &Pieces, to: &str, first: u64, last: u64) -> Result<()> {
        let copied: i64 = self.script(&self.scripts.copy_pieces, |call| {
            call.key(self.generation(&from.generation)).key(self.generation(to)).arg(first).arg(last);
            call.arg(milliseconds(self.times.replaced_for)).arg(milliseconds(self.times.staged_for));
        })?;
        if copied == 1 { Ok(()) } else { Err(replaced()) }
    }

    /// Removes a generation that was staged.
    pub fn discard(&self, generation: &str) -> Result<()> {
        self.script(&self.scripts.discard, |call| {
            call.key(self.generation(generation));
        })
    }
}

/// Pieces are missing: their object was replaced, and nobody has read it for a while.
pub(crate) fn replaced() -> Error {
    Error::new(ErrorKind::Conflict, "the object was replaced while it was read, and its old content has expired")
}

/// At least 1: Redis takes 0 as gone at once.
pub(crate) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).clamp(1, 1 << 50)
}

fn found(key: &Key, head: Option<Vec<u8>>) -> Result<Head> {
    match head {
        Some(head) => Head::parse(key, &head),
        None => Err(Error::not_found("no such object").with("key", key)),
    }
}

fn change_of(answer: &[Value], key: Option<&Key>) -> Result<Change> {
    match (answer, key) {
        ([Value::Int(0)], _) => Ok(Change::Outcome(Outcome::Rejected)),
        ([Value::Int(1), Value::BulkString(head)], Some(key)) => {
            Ok(Change::Outcome(Outcome::Applied(Head::parse(key, head)?.meta)))
        }
        ([Value::Int(2)], _) => Ok(Change::Expired),
        ([Value::Int(3)], _) => Err(Error::not_found("no such object")),
        ([Value::Int(4), Value::BulkString(head)], Some(key)) => Ok(Change::Large(Box::new(Head::parse(key, head)?))),
        _ => Err(Error::unexpected("server answered with what no script says")),
    }
}

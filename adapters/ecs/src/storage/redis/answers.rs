//! What scripts answer, in our terms.

use redis::Value;
use worldstore_core::{Error, Result};

use crate::Entity;
use crate::error::{corrupt, dead, exists, missing, other_fields, reserved};
use crate::storage::gather::foreign;

/// An entity as the scripts write it.
pub(super) fn text(entity: Entity) -> String {
    format!("{}.{}.{}", entity.shard(), entity.generation(), entity.index())
}

/// An entity that a script wrote.
pub(super) fn entity(value: &Value) -> Result<Entity> {
    let text = string(value)?;
    let broken = || corrupt("the server holds what is no entity").with("text", text);
    let mut parts = text.split('.').map(|part| part.parse::<u32>().ok());
    let mut next = || parts.next().flatten().ok_or_else(broken);
    let (shard, generation, index) = (next()?, next()?, next()?);
    let shard = u16::try_from(shard).map_err(|_| broken())?;
    Entity::new(shard, index, generation).map_err(|_| broken())
}

pub(super) fn entities(value: &Value) -> Result<Vec<Entity>> {
    list(value)?.iter().map(entity).collect()
}

pub(super) fn list(value: &Value) -> Result<&[Value]> {
    match value {
        Value::Array(list) => Ok(list),
        _ => Err(other()),
    }
}

pub(super) fn bytes(value: &Value) -> Result<&[u8]> {
    match value {
        Value::BulkString(bytes) => Ok(bytes),
        _ => Err(other()),
    }
}

pub(super) fn string(value: &Value) -> Result<&str> {
    match value {
        Value::SimpleString(text) => Ok(text),
        _ => std::str::from_utf8(bytes(value)?).map_err(|source| other().caused_by(source)),
    }
}

pub(super) fn number(value: &Value) -> Result<u64> {
    match value {
        Value::Int(number) => u64::try_from(*number).map_err(|_| other()),
        _ => string(value)?.parse().map_err(|_| other()),
    }
}

/// The part of a list.
pub(super) fn part(list: &[Value], place: usize) -> Result<&Value> {
    list.get(place).ok_or_else(other)
}

/// What a change answers: its parts if it was done, or why it was not.
pub(super) fn done(answer: &Value) -> Result<&[Value]> {
    let answer = list(answer)?;
    let about = |place| part(answer, place);
    Err(match string(about(0)?)? {
        "done" => return Ok(answer.get(1..).unwrap_or_default()),
        "dead" => dead(entity(about(1)?)?),
        "missing" => missing(entity(about(1)?)?, string(about(2)?)?),
        "reserved" => reserved(entity(about(1)?)?),
        "exists" => exists(entity(about(1)?)?),
        "foreign" => foreign(entity(about(1)?)?),
        "fields" => other_fields(string(about(1)?)?),
        _ => other(),
    })
}

pub(super) fn other() -> Error {
    Error::unexpected("server answered with what no script says")
}

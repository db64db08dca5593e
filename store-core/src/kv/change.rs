//! Changes: each one transaction, and the removal of what they leave loose.

use bytes::Bytes;

use super::head::{Body, Head, LAYOUT, LAYOUT_KEY, LOOSE, Pieces, SERIAL_KEY, head_key, holds, loose_key};
use super::head::{now, number, piece_key};
use super::pins::{Loose, Pins};
use super::{Finish, KvTransaction, OrderedKv, Scan};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::ops::{Condition, Deleted, Durability, ObjectMeta, Outcome, WriteOptions, WriteToken};

/// Pieces that one transaction removes at most.
const REMOVED_AT_ONCE: u32 = 256;

/// The store and what is known of its readers.
#[derive(Debug)]
pub(super) struct Shared<Map> {
    pub map: Map,
    pub pins: Pins,
}

/// A body on its way to be published.
pub(super) enum Draft<'draft> {
    /// A small one.
    Inline(&'draft Bytes),
    /// What is staged of a large one, and its last piece.
    Pieces { staged: Option<Loose>, last: &'draft [u8], piece_bytes: u32 },
}

/// What a change that was asked for came to, before it is known whether its commit worked.
#[derive(Debug, Default)]
struct Change {
    meta: Option<ObjectMeta>,
    replaced: Option<Loose>,
}

impl<Map: OrderedKv> Shared<Map> {
    /// Opens the store: checks the layout, moves the counter on, and removes what was left loose.
    pub fn open(map: Map) -> Result<Self> {
        let shared = Self { map, pins: Pins::default() };
        shared.map.transact(Durability::Full, &mut |transaction| {
            match transaction.get(LAYOUT_KEY)?.as_deref() {
                None => transaction.put(LAYOUT_KEY, &[LAYOUT])?,
                Some([LAYOUT]) => {}
                Some(other) => {
                    return Err(Error::unsupported("the store has another layout than this version knows")
                        .with("layout", format!("{other:?}"))
                        .with("known", LAYOUT));
                }
            }
            let serial = last_serial(transaction)?.saturating_add(1).max(now());
            transaction.put(SERIAL_KEY, &serial.to_be_bytes())?;
            Ok(Finish::Commit)
        })?;
        let mut found = Vec::new();
        shared.map.scan(std::ops::Bound::Included(LOOSE.0), LOOSE.1, &mut |key, value| {
            let generation = u64::from_be_bytes(number(&key[LOOSE.0.len()..])?);
            found.push(Loose { generation, count: u32::from_be_bytes(number(value)?) });
            Ok(Scan::On)
        })?;
        found.into_iter().for_each(|loose| shared.pins.discard(loose));
        shared.sweep()?;
        Ok(shared)
    }

    /// Looks an object up.
    pub fn head(&self, key: &Key) -> Result<Head> {
        let mut head = None;
        self.map.get(&head_key(key.as_str()), &mut |bytes| head = Some(Head::decode(bytes)))?;
        match head {
            Some(head) => head.map_err(|error| error.with("key", key)),
            None => Err(Error::not_found("no such object").with("key", key)),
        }
    }

    /// Reads what every opened store holds.
    pub fn check(&self) -> Result<()> {
        match self.map.get(LAYOUT_KEY, &mut |_| {})? {
            true => Ok(()),
            false => Err(Error::new(ErrorKind::Corrupt, "the store has lost its layout")),
        }
    }

    /// Publishes a draft under its condition.
    pub fn publish(&self, key: &Key, size: u64, draft: &Draft<'_>, options: &WriteOptions) -> Result<Outcome> {
        self.change(options.durability, &mut |transaction| {
            let old = head_in(transaction, key)?;
            if !holds(&options.condition, old.as_ref()) {
                return Ok(Change::default());
            }
            let body = match draft {
                Draft::Inline(body) => Body::Inline((*body).clone()),
                Draft::Pieces { staged, last, piece_bytes } => {
                    let Loose { generation, count } = put_piece(transaction, *staged, last)?;
                    if staged.is_some() {
                        transaction.delete(&loose_key(generation))?;
                    }
                    Body::Pieces(Pieces { generation, count, piece_bytes: *piece_bytes })
                }
            };
            put(transaction, key, size, body, options.token.clone(), old)
        })
    }

    /// Moves an object to another key; its pieces stay where they are.
    pub fn rename(&self, from: &Key, to: &Key, condition: &Condition, durability: Durability) -> Result<Outcome> {
        self.change(durability, &mut |transaction| {
            let Some(head) = head_in(transaction, from)? else {
                return Err(Error::not_found("no such object").with("key", from));
            };
            if from == to {
                let meta = holds(condition, Some(&head)).then(|| head.meta(to));
                return Ok(Change { meta, replaced: None });
            }
            let old = head_in(transaction, to)?;
            if !holds(condition, old.as_ref()) {
                return Ok(Change::default());
            }
            transaction.delete(&head_key(from.as_str()))?;
            put(transaction, to, head.size, head.body, head.token, old)
        })
    }

    fn change(
        &self,
        durability: Durability,
        work: &mut dyn FnMut(&mut dyn KvTransaction) -> Result<Change>,
    ) -> Result<Outcome> {
        let mut change = Change::default();
        let committed = self.map.transact(durability, &mut |transaction| {
            change = work(transaction)?;
            Ok(if change.meta.is_some() { Finish::Commit } else { Finish::Abort })
        });
        match committed {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::OutcomeUnknown => return Ok(Outcome::Unknown),
            Err(error) => return Err(error),
        }
        self.remove_replaced(change.replaced);
        Ok(change.meta.map_or(Outcome::Rejected, Outcome::Applied))
    }

    /// Deletes keys in one transaction.
    pub fn delete(&self, keys: &[Key], condition: &Condition) -> Result<Vec<Deleted>> {
        let (mut answers, mut replaced) = (Vec::new(), Vec::new());
        self.map.transact(Durability::Full, &mut |transaction| {
            answers.clear();
            replaced.clear();
            for key in keys {
                let old = head_in(transaction, key)?;
                answers.push(match old {
                    old if !holds(condition, old.as_ref()) => Deleted::Rejected,
                    None => Deleted::Missing,
                    Some(old) => {
                        transaction.delete(&head_key(key.as_str()))?;
                        replaced.extend(loosen(transaction, &old.body)?);
                        Deleted::Deleted
                    }
                });
            }
            let any = answers.iter().any(|answer| matches!(answer, Deleted::Deleted));
            Ok(if any { Finish::Commit } else { Finish::Abort })
        })?;
        self.remove_replaced(replaced);
        Ok(answers)
    }

    /// Adds one piece to what is staged; begins a generation with its first piece.
    ///
    /// A piece of which it is not known whether it is there counts as staged, so that it goes with the others. Not the
    /// first one: if it is not there its generation is given to another, whose pieces must not go. It is noted as loose
    /// then, and goes when the store is opened.
    pub fn stage(&self, staged: &mut Option<Loose>, bytes: &[u8]) -> Result<()> {
        let mut next = None;
        let committed = self.map.transact(Durability::None, &mut |transaction| {
            let loose = put_piece(transaction, *staged, bytes)?;
            transaction.put(&loose_key(loose.generation), &loose.count.to_be_bytes())?;
            next = Some(loose);
            Ok(Finish::Commit)
        });
        match (&committed, next) {
            (Err(error), _) if error.kind() != ErrorKind::OutcomeUnknown || staged.is_none() => {}
            (_, Some(next)) => *staged = Some(next),
            (Ok(()), None) => return Err(Error::unexpected("a piece was staged without a generation")),
            (Err(_), None) => {}
        }
        committed
    }

    /// The change that left them is done whatever becomes of them: what could not be removed waits for the next
    /// occasion, and at the latest goes when the store is opened.
    fn remove_replaced(&self, replaced: impl IntoIterator<Item = Loose>) {
        let mut any = false;
        for loose in replaced {
            self.pins.discard(loose);
            any = true;
        }
        if any {
            let _ = self.sweep();
        }
    }

    /// Removes what is loose and not being read. What fails stays noted.
    pub fn sweep(&self) -> Result<()> {
        let mut result = Ok(());
        for loose in self.pins.removable() {
            let removed = self.remove(loose);
            if removed.is_err() {
                self.pins.discard(loose);
            }
            result = result.and(removed);
        }
        result
    }

    fn remove(&self, loose: Loose) -> Result<()> {
        let mut first = 0;
        loop {
            let end = loose.count.min(first + REMOVED_AT_ONCE);
            self.map.transact(Durability::None, &mut |transaction| {
                (first..end).try_for_each(|piece| transaction.delete(&piece_key(loose.generation, piece)))?;
                if end == loose.count {
                    transaction.delete(&loose_key(loose.generation))?;
                }
                Ok(Finish::Commit)
            })?;
            if end == loose.count {
                return Ok(());
            }
            first = end;
        }
    }
}

/// Adds a piece to a generation, a new one if there is none yet.
fn put_piece(transaction: &mut dyn KvTransaction, staged: Option<Loose>, bytes: &[u8]) -> Result<Loose> {
    let Loose { generation, count } = match staged {
        Some(loose) => loose,
        None => Loose { generation: next_serial(transaction)?, count: 0 },
    };
    let Some(next) = count.checked_add(1) else {
        return Err(Error::invalid("the object has too many pieces").with("pieces", count));
    };
    transaction.put(&piece_key(generation, count), bytes)?;
    Ok(Loose { generation, count: next })
}

fn put(
    transaction: &mut dyn KvTransaction,
    key: &Key,
    size: u64,
    body: Body,
    token: Option<WriteToken>,
    old: Option<Head>,
) -> Result<Change> {
    let head = Head { version: next_serial(transaction)?, size, modified: now(), token, body };
    transaction.put(&head_key(key.as_str()), &head.encode())?;
    let replaced = old.map_or(Ok(None), |old| loosen(transaction, &old.body))?;
    Ok(Change { meta: Some(head.meta(key)), replaced })
}

/// Notes that the pieces of a body belong to no object any more.
fn loosen(transaction: &mut dyn KvTransaction, body: &Body) -> Result<Option<Loose>> {
    let Body::Pieces(Pieces { generation, count, .. }) = *body else { return Ok(None) };
    transaction.put(&loose_key(generation), &count.to_be_bytes())?;
    Ok(Some(Loose { generation, count }))
}

fn head_in(transaction: &mut dyn KvTransaction, key: &Key) -> Result<Option<Head>> {
    let bytes = transaction.get(&head_key(key.as_str()))?;
    bytes.map(|bytes| Head::decode(&bytes).map_err(|error| error.with("key", key))).transpose()
}

fn last_serial(transaction: &mut dyn KvTransaction) -> Result<u64> {
    transaction.get(SERIAL_KEY)?.map_or(Ok(0), |bytes| number(&bytes).map(u64::from_be_bytes))
}

/// A number that was never given out.
fn next_serial(transaction: &mut dyn KvTransaction) -> Result<u64> {
    let serial = last_serial(transaction)?
        .checked_add(1)
        .ok_or_else(|| Error::unexpected("the counter of the store is at its end"))?;
    transaction.put(SERIAL_KEY, &serial.to_be_bytes())?;
    Ok(serial)
}

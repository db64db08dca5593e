//! What the objects of a store may be after a crash, by what was answered before it.

use std::collections::{BTreeMap, BTreeSet};

/// The bytes of an object. None if there is none.
pub type Body = Option<Vec<u8>>;

/// What was promised of one object.
#[derive(Debug, Clone)]
struct Object {
    /// What it is while nobody crashes, if that is known.
    seen: Option<Body>,
    /// What it may be after a crash.
    may_be: BTreeSet<Body>,
}

impl Default for Object {
    fn default() -> Self {
        Self { seen: Some(None), may_be: BTreeSet::from([None]) }
    }
}

/// How an operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It has happened and stays so.
    Durable,
    /// It has happened, and a crash may undo it.
    Seen,
    /// Nobody knows.
    Unknown,
    /// Nothing has changed.
    Nothing,
}

/// What was promised of all objects.
#[derive(Debug, Clone, Default)]
pub struct Promises {
    objects: BTreeMap<String, Object>,
    /// Moves under way: one of the two has this body.
    moves: Vec<(String, String, Body)>,
    /// What is wrong already.
    pub wrong: Option<String>,
}

impl Promises {
    /// What an object is, if that is known.
    pub fn seen(&self, key: &str) -> Option<Body> {
        self.objects.get(key).map_or(Some(None), |object| object.seen.clone())
    }

    /// An object is about to become something else.
    pub fn begin(&mut self, key: &str, body: &Body) {
        self.objects.entry(key.to_owned()).or_default().may_be.insert(body.clone());
        self.moves.retain(|(from, to, _)| from != key && to != key);
    }

    /// An object is about to move, and to leave its name.
    pub fn begin_move(&mut self, from: &str, to: &str, body: &Body) {
        self.begin(from, &None);
        self.begin(to, body);
        self.moves.push((from.to_owned(), to.to_owned(), body.clone()));
    }

    /// What was begun has ended so.
    pub fn end(&mut self, key: &str, body: &Body, end: End, before: &Self) {
        let object = self.objects.entry(key.to_owned()).or_default();
        match end {
            End::Durable => *object = Object { seen: Some(body.clone()), may_be: BTreeSet::from([body.clone()]) },
            End::Seen => object.seen = Some(body.clone()),
            End::Unknown => object.seen = None,
            End::Nothing => *object = before.objects.get(key).cloned().unwrap_or_default(),
        }
    }

    /// As [`end`](Self::end), for a move.
    pub fn end_move(&mut self, from: &str, to: &str, body: &Body, end: End, before: &Self) {
        self.end(from, &None, end, before);
        self.end(to, body, end, before);
        match end {
            End::Durable => self.moves.retain(|(one, other, _)| one != from || other != to),
            End::Nothing => self.moves = before.moves.clone(),
            End::Seen | End::Unknown => {}
        }
    }

    /// Compares with what is there, and takes that for what is: in an image it is durable. Returns the moves that were
    /// under way.
    pub fn compare(&mut self, found: &BTreeMap<String, Vec<u8>>) -> Result<Vec<(String, String)>, String> {
        if let Some(wrong) = &self.wrong {
            return Err(wrong.clone());
        }
        let is = |key: &str| found.get(key).cloned();
        for key in found.keys().filter(|key| !self.objects.contains_key(*key)) {
            return Err(format!("{key} is there, and nobody has written it"));
        }
        for (key, object) in &self.objects {
            if !object.may_be.contains(&is(key)) {
                let may_be: Vec<_> = object.may_be.iter().map(told).collect();
                return Err(format!("{key} is {}, and may be {}", told(&is(key)), may_be.join(" or ")));
            }
        }
        if let Some((from, to, _)) = self.moves.iter().find(|(from, to, body)| is(from) != *body && is(to) != *body) {
            return Err(format!("{from} was moved to {to}, and neither has it"));
        }
        for (key, object) in &mut self.objects {
            *object = Object { seen: Some(is(key)), may_be: BTreeSet::from([is(key)]) };
        }
        Ok(self.moves.drain(..).map(|(from, to, _)| (from, to)).collect())
    }
}

fn told(body: &Body) -> String {
    match body {
        None => "absent".to_owned(),
        Some(bytes) => format!("{} bytes ({:02x?}..)", bytes.len(), &bytes[..bytes.len().min(4)]),
    }
}

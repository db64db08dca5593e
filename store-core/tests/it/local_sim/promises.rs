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

/// A move of an object.
#[derive(Debug, Clone)]
struct Move {
    from: String,
    to: String,
    body: Body,
    /// Was it durable before? Then one of the two has the body.
    certain: bool,
}

/// What was promised of all objects.
#[derive(Debug, Clone, Default)]
pub struct Promises {
    objects: BTreeMap<String, Object>,
    /// States of objects by the version that was told of them.
    versions: BTreeMap<(String, String), Body>,
    /// Moves under way.
    moves: Vec<Move>,
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
        self.moves.retain(|other| other.from != key && other.to != key);
    }

    /// An object is about to move, and to leave its name.
    pub fn begin_move(&mut self, from: &str, to: &str, body: &Body) {
        let certain = self.objects.get(from).is_some_and(|object| object.may_be.iter().eq([body]));
        self.begin(from, &None);
        self.begin(to, body);
        self.moves.push(Move { from: from.to_owned(), to: to.to_owned(), body: body.clone(), certain });
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
            End::Durable => self.moves.retain(|other| other.from != from || other.to != to),
            End::Nothing => self.moves = before.moves.clone(),
            End::Seen | End::Unknown => {}
        }
    }

    /// A version is told of a state: never of another one, not even after a crash.
    pub fn tell(&mut self, key: &str, version: &str, body: &Body) {
        let known = self.versions.entry((key.to_owned(), version.to_owned())).or_insert_with(|| body.clone());
        if known != body {
            self.wrong = Some(format!("{key} has version {version} again, of another state"));
        }
    }

    /// Compares with what is there, and takes that for what is: in an image it is durable. Returns the moves that were
    /// under way.
    pub fn compare(&mut self, found: &BTreeMap<String, Vec<u8>>) -> Result<Vec<(String, String)>, String> {
        if let Some(wrong) = &self.wrong {
            return Err(wrong.clone());
        }
        let is = |key: &str| found.get(key).cloned();
        if let Some(key) = found.keys().find(|key| !self.objects.contains_key(*key)) {
            return Err(format!("{key} is there, and nobody has written it"));
        }
        for (key, object) in &self.objects {
            if !object.may_be.contains(&is(key)) {
                let may_be: Vec<_> = object.may_be.iter().map(told).collect();
                return Err(format!("{key} is {}, and may be {}", told(&is(key)), may_be.join(" or ")));
            }
        }
        for Move { from, to, body, .. } in self.moves.iter().filter(|other| other.certain) {
            if is(from) != *body && is(to) != *body {
                return Err(format!("{from} was moved to {to}, and neither has it"));
            }
        }
        for (key, object) in &mut self.objects {
            *object = Object { seen: Some(is(key)), may_be: BTreeSet::from([is(key)]) };
        }
        Ok(self.moves.drain(..).map(|Move { from, to, .. }| (from, to)).collect())
    }
}

fn told(body: &Body) -> String {
    match body {
        None => "absent".to_owned(),
        Some(bytes) => format!("{} bytes ({:02x?}..)", bytes.len(), &bytes[..bytes.len().min(4)]),
    }
}

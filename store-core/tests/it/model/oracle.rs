//! The model: a map of whole objects, and the answer to each step. It shares no code with the backends.

use std::collections::BTreeMap;
use std::ops::Range;

use worldstore_core::conformance::{Answer, Case, Gone, Seen, Step, When, digest};
use worldstore_core::{Ability, Capability, ErrorKind, ReadRange};

use super::{AFTER, FOLDERS, Guard, KEYS, State, WRITERS, Wish};

const NOT_FOUND: Answer = Answer::Failed(ErrorKind::NotFound);
const INVALID: Answer = Answer::Failed(ErrorKind::Invalid);
const UNSUPPORTED: Answer = Answer::Failed(ErrorKind::Unsupported);

/// Makes steps of wishes, and knows the answers.
pub struct Oracle {
    /// The steps so far, with their answers.
    pub case: Case,
    capability: Capability,
    objects: BTreeMap<&'static str, Object>,
    writers: BTreeMap<&'static str, Draft>,
    /// How many versions each key has had.
    versions: BTreeMap<&'static str, usize>,
    /// What each step has shown: a key and the number of its version.
    shown: Vec<Option<(&'static str, usize)>>,
}

#[derive(Clone)]
struct Object {
    bytes: Vec<u8>,
    version: usize,
}

/// An open writer. Without bytes it did not open.
struct Draft {
    key: &'static str,
    when: Guarded,
    bytes: Option<Vec<u8>>,
}

/// A condition as the step names it, and the state that it means; none if it matches no object.
type Guarded = (When, Option<(&'static str, usize)>);

impl Oracle {
    /// An empty backend. Of its capability only conditions on versions may be missing.
    pub fn new(capability: Capability) -> Self {
        let (objects, writers, versions) = Default::default();
        Self { case: Case::new("model", &[Ability::Write]), capability, objects, writers, versions, shown: Vec::new() }
    }

    /// Adds the step that the wish means now. A wish that needs a writer that is not open adds none.
    pub fn take(&mut self, wish: &Wish) {
        let Some((step, answer)) = self.answer(wish) else { return };
        self.shown.push(match &answer {
            Answer::Found(seen) | Answer::Applied(seen) | Answer::Content { of: seen, .. } => {
                let key = KEYS.into_iter().find(|key| *key == seen.key);
                key.zip(seen.version)
            }
            _ => None,
        });
        let case = std::mem::replace(&mut self.case, Case::new("", &[]));
        self.case = case.step(step, answer);
    }

    fn answer(&mut self, wish: &Wish) -> Option<(Step, Answer)> {
        Some(match wish {
            Wish::Write { key, body, when } => {
                let (key, when) = (KEYS[*key], self.guarded(KEYS[*key], *when));
                let step = Step::Write { key: key.to_owned(), body: body.clone(), when: when.0, token: None };
                let bytes = body.bytes().to_vec();
                let if_match = self.capability.write_if_match;
                (step, if knows(when, if_match) { self.put(key, bytes, when) } else { UNSUPPORTED })
            }
            Wish::Stat { key } => {
                let found = self.objects.get(KEYS[*key]).map(|object| Answer::Found(seen(KEYS[*key], object)));
                (Step::Stat { key: KEYS[*key].to_owned() }, found.unwrap_or(NOT_FOUND))
            }
            Wish::Read { key, range, pin } => {
                let (pinned, state) = self.pinned(KEYS[*key], *pin);
                let step = Step::Read { key: KEYS[*key].to_owned(), range: range.clone(), pinned };
                (step, self.read(KEYS[*key], range.as_ref(), state))
            }
            Wish::ReadRanges { key, ranges, pin } => {
                let (pinned, state) = self.pinned(KEYS[*key], *pin);
                let ranges: Vec<_> = ranges.iter().map(|(start, end)| Range { start: *start, end: *end }).collect();
                let answer = self.read_ranges(KEYS[*key], &ranges, state);
                (Step::ReadRanges { key: KEYS[*key].to_owned(), ranges, pinned }, answer)
            }
            Wish::Delete { keys } => {
                let gone = |key: &usize| match self.objects.remove(KEYS[*key]) {
                    Some(_) => Gone::Deleted,
                    None => Gone::Missing,
                };
                let answer = Answer::Deleted(keys.iter().map(gone).collect());
                (
                    Step::Delete { keys: keys.iter().map(|key| KEYS[*key].to_owned()).collect(), when: When::Always },
                    answer,
                )
            }
            Wish::List { folder, one_level, after, limit } => {
                let (folder, after) = (FOLDERS[*folder], after.map(|after| AFTER[after]));
                let answer = if *limit == Some(0) { INVALID } else { self.list(folder, *one_level, after) };
                (Step::List { folder, one_level: *one_level, after, limit: *limit }, answer)
            }
            Wish::Copy { from, to, when } => {
                let (from, to, when) = (KEYS[*from], KEYS[*to], self.guarded(KEYS[*to], *when));
                let step = Step::Copy { from: from.to_owned(), to: to.to_owned(), when: when.0 };
                let if_match = self.capability.copy_if_match;
                (step, if knows(when, if_match) { self.copy(from, to, when) } else { UNSUPPORTED })
            }
            Wish::Rename { from, to, when } => {
                let (from, to, when) = (KEYS[*from], KEYS[*to], self.guarded(KEYS[*to], *when));
                let step = Step::Rename { from: from.to_owned(), to: to.to_owned(), when: when.0 };
                let if_match = self.capability.rename_if_match;
                (step, if knows(when, if_match) { self.rename(from, to, when) } else { UNSUPPORTED })
            }
            _ => return self.writer(wish),
        })
    }

    /// The steps of writers. A name is free again after its writer has ended.
    fn writer(&mut self, wish: &Wish) -> Option<(Step, Answer)> {
        match wish {
            Wish::Open { writer, key, when } => {
                let (writer, key) = (WRITERS[*writer], KEYS[*key]);
                if self.writers.contains_key(writer) {
                    return None;
                }
                let when = self.guarded(key, *when);
                let bytes = knows(when, self.capability.write_if_match).then(Vec::new);
                let answer = if bytes.is_some() { Answer::Done } else { UNSUPPORTED };
                self.writers.insert(writer, Draft { key, when, bytes });
                Some((Step::Open { writer, key: key.to_owned(), when: when.0, token: None }, answer))
            }
            Wish::Append { writer, body } => {
                let writer = WRITERS[*writer];
                let answer = match &mut self.writers.get_mut(writer)?.bytes {
                    Some(bytes) => {
                        bytes.extend_from_slice(&body.bytes());
                        Answer::Done
                    }
                    None => UNSUPPORTED,
                };
                Some((Step::Append { writer, body: body.clone() }, answer))
            }
            Wish::Commit { writer } => {
                let writer = WRITERS[*writer];
                let Draft { key, when, bytes } = self.writers.remove(writer)?;
                let answer = bytes.map_or(UNSUPPORTED, |bytes| self.put(key, bytes, when));
                Some((Step::Commit { writer }, answer))
            }
            Wish::Abort { writer } | Wish::Drop { writer } => {
                let (writer, aborts) = (WRITERS[*writer], matches!(wish, Wish::Abort { .. }));
                let opened = self.writers.remove(writer)?.bytes.is_some();
                let step = if aborts { Step::Abort { writer } } else { Step::Drop { writer } };
                Some((step, if opened { Answer::Done } else { UNSUPPORTED }))
            }
            _ => None,
        }
    }

    fn put(&mut self, key: &'static str, bytes: Vec<u8>, when: Guarded) -> Answer {
        if self.is_unusable(key) {
            return INVALID;
        }
        if !self.holds(key, when) {
            return Answer::Rejected;
        }
        let last = self.versions.entry(key).or_default();
        *last += 1;
        let object = Object { bytes, version: *last };
        let answer = Answer::Applied(seen(key, &object));
        self.objects.insert(key, object);
        answer
    }

    fn copy(&mut self, from: &'static str, to: &'static str, when: Guarded) -> Answer {
        match self.objects.get(from).cloned() {
            Some(object) => self.put(to, object.bytes, when),
            None => NOT_FOUND,
        }
    }

    /// To its own name an object moves without becoming another state.
    fn rename(&mut self, from: &'static str, to: &'static str, when: Guarded) -> Answer {
        match self.objects.get(from) {
            Some(object) if from == to => match self.holds(from, when) {
                true => Answer::Applied(seen(from, object)),
                false => Answer::Rejected,
            },
            _ => {
                let answer = self.copy(from, to, when);
                if let Answer::Applied(_) = answer {
                    self.objects.remove(from);
                }
                answer
            }
        }
    }

    fn read(&self, key: &str, range: Option<&ReadRange>, pin: Pin) -> Answer {
        let object = match self.pinned_object(key, pin) {
            Ok(object) => object,
            Err(answer) => return answer,
        };
        let size = object.bytes.len() as u64;
        let (start, end) = match range {
            None => (0, size),
            Some(ReadRange::Bounded(range)) if range.start > range.end => return INVALID,
            Some(ReadRange::Bounded(range)) => (range.start, range.end.min(size)),
            Some(ReadRange::From(start)) => (*start, size),
            Some(ReadRange::Last(length)) => (size - size.min(*length), size),
        };
        match object.bytes.get(start as usize..end as usize) {
            Some(body) => Answer::Content { of: seen(key, object), range: start..end, body: digest(body) },
            None => INVALID,
        }
    }

    fn read_ranges(&self, key: &str, ranges: &[Range<u64>], pin: Pin) -> Answer {
        let object = match self.pinned_object(key, pin) {
            Ok(object) => object,
            Err(answer) => return answer,
        };
        let part = |range: &Range<u64>| object.bytes.get(range.start as usize..range.end as usize).map(digest);
        ranges.iter().map(part).collect::<Option<_>>().map_or(INVALID, Answer::Parts)
    }

    /// Keys after a key first, folders made of what is left.
    fn list(&self, folder: &str, one_level: bool, after: Option<&str>) -> Answer {
        let below = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let (mut objects, mut folders) = (Vec::new(), Vec::new());
        for (key, object) in &self.objects {
            let Some(rest) = key.strip_prefix(&below) else { continue };
            match rest.split_once('/') {
                _ if after.is_some_and(|after| *key <= after) => {}
                Some((first, _)) if one_level => folders.push(format!("{below}{first}")),
                _ => objects.push(seen(key, object)),
            }
        }
        folders.dedup();
        Answer::Listed { objects, folders }
    }

    /// An object is no folder and a folder no object.
    fn is_unusable(&self, key: &str) -> bool {
        let is_below = |low: &str, high: &str| low.strip_prefix(high).is_some_and(|rest| rest.starts_with('/'));
        self.objects.keys().any(|other| is_below(key, other) || is_below(other, key))
    }

    fn holds(&self, key: &'static str, (when, state): Guarded) -> bool {
        let object = self.objects.get(key);
        match when {
            When::IfAbsent => object.is_none(),
            When::IfMatch(_) => state.is_some() && object.map(|object| (key, object.version)) == state,
            _ => true,
        }
    }

    fn pinned_object(&self, key: &str, pin: Pin) -> Result<&Object, Answer> {
        match (self.objects.get_key_value(key), pin) {
            (None, _) => Err(NOT_FOUND),
            (Some((key, object)), Some(state)) if state != Some((*key, object.version)) => {
                Err(Answer::Failed(ErrorKind::ConditionFailed))
            }
            (Some((_, object)), _) => Ok(object),
        }
    }

    fn guarded(&self, key: &'static str, guard: Guard) -> Guarded {
        match guard {
            Guard::Always => (When::Always, None),
            Guard::IfAbsent => (When::IfAbsent, None),
            Guard::IfMatch(state) => {
                let step = self.step_of(key, state);
                (When::IfMatch(step), self.shown.get(step).copied().flatten())
            }
        }
    }

    fn pinned(&self, key: &'static str, pin: Option<State>) -> (Option<usize>, Pin) {
        let step = pin.map(|state| self.step_of(key, state));
        (step, step.map(|step| self.shown.get(step).copied().flatten()))
    }

    /// The step that showed a state. If none did: one to come, whose version no object has.
    fn step_of(&self, key: &str, state: State) -> usize {
        match state {
            State::Latest => {
                let of_key = |shown: &Option<(&str, usize)>| shown.is_some_and(|(shown, _)| shown == key);
                self.shown.iter().rposition(of_key).unwrap_or(self.shown.len())
            }
            State::Of(number) => number.checked_rem(self.shown.len()).unwrap_or_default(),
        }
    }
}

fn knows(when: Guarded, if_match: bool) -> bool {
    if_match || !matches!(when.0, When::IfMatch(_))
}

/// The state that a read insists on, if it does; none in it is one that no object has.
type Pin = Option<Option<(&'static str, usize)>>;

fn seen(key: &str, object: &Object) -> Seen {
    Seen::new(key, object.bytes.len() as u64, object.version)
}

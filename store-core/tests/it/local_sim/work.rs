//! Changes of objects by chance, and the look at what is left of them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use worldstore_core::local::STAGING;
use worldstore_core::planted::Planted;
use worldstore_core::vfs::sim::{Random, SimVfs};
use worldstore_core::vfs::{Folder, Kind, Vfs};
use worldstore_core::{
    Backend, Condition, CopyOptions, DeleteOptions, Deleted, Durability, ErrorKind, Key, ListOptions, Local, Outcome,
    Prefix, ReadOptions, RenameOptions, Result, StatOptions, WriteOptions,
};

use super::DAY;
use super::promises::{Body, End, Promises};

/// What the work takes for right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Nothing fails before the crash.
    Success,
    /// Calls fail.
    Failures,
}

/// Objects about which something is promised. Some are in the way of others' folders.
const KEYS: [&str; 8] = ["a", "b", "f/a", "f/b", "f/g/a", "g/a", "g", "h/a"];
/// Objects that are written without durability, and may be anything; and one beside each that must not.
const LOOSE: [(&str, &str); 3] = [("f/loose", "f/a"), ("h/loose", "h/a"), ("h/i/loose", "h/a")];
const LENGTHS: [usize; 6] = [0, 1, 511, 513, 1024, 3000];
const STEPS: usize = 7;

/// One process.
struct Process<'a> {
    vfs: &'a SimVfs,
    local: Local<SimVfs>,
    promises: &'a mut Promises,
    random: &'a mut Random,
    expect: Expect,
}

/// Opens the store and changes it, until it crashes or has enough.
pub fn work(vfs: &SimVfs, random: &mut Random, promises: &mut Promises, expect: Expect) {
    match Local::on(vfs.clone()) {
        Ok(local) => Process { vfs, local, promises, random, expect }.run(STEPS),
        Err(_) if vfs.has_crashed() || expect == Expect::Failures => {}
        Err(error) => promises.wrong = Some(format!("not opened: {error}")),
    }
}

/// As [`work`], with a bug, which may fail anyhow.
pub fn planted(vfs: &SimVfs, random: &mut Random, promises: &mut Promises, planted: Planted) {
    let Ok(local) = Local::on_planted(vfs.clone(), planted) else { return };
    Process { vfs, local, promises, random, expect: Expect::Failures }.run(STEPS);
}

/// Two threads write into the same new folders.
pub fn race(vfs: &SimVfs, random: &mut Random, promises: &mut Promises) {
    let Ok(local) = Local::on(vfs.clone()) else { return };
    let bodies: Vec<Body> = (0..4).map(|_| Some(body(random))).collect();
    let shared = Mutex::new(std::mem::take(promises));
    let note = |note: &dyn Fn(&mut Promises)| note(&mut shared.lock().unwrap_or_else(PoisonError::into_inner));
    std::thread::scope(|scope| {
        for (racer, bodies) in bodies.chunks(2).enumerate() {
            let (local, note) = (&local, &note);
            scope.spawn(move || {
                for (round, body) in bodies.iter().enumerate() {
                    let name = format!("r{round}/s/{racer}");
                    note(&|promises| promises.begin(&name, body));
                    let bytes = body.clone().unwrap_or_default().into();
                    let outcome = local.write(&key(&name), bytes, &WriteOptions::default());
                    let end = end_of(&outcome, Durability::Full);
                    note(&|promises| promises.end(&name, body, end, &Promises::default()));
                }
            });
        }
    });
    *promises = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
}

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

fn body(random: &mut Random) -> Vec<u8> {
    let length = LENGTHS[random.index(LENGTHS.len())];
    // No two are equal, and none has a sector of zeros.
    random.bytes(length).iter().map(|byte| byte | 1).collect()
}

fn end_of(outcome: &Result<Outcome>, durability: Durability) -> End {
    match outcome {
        Ok(Outcome::Applied(_)) if durability == Durability::Full => End::Durable,
        Ok(Outcome::Applied(_)) => End::Seen,
        Ok(Outcome::Unknown) => End::Unknown,
        Ok(Outcome::Rejected) | Err(_) => End::Nothing,
    }
}

impl Process<'_> {
    fn run(&mut self, steps: usize) {
        for _ in 0..steps {
            let from = KEYS[self.random.index(KEYS.len())];
            let to = KEYS[self.random.index(KEYS.len())];
            let (loose, beside) = LOOSE[self.random.index(LOOSE.len())];
            match self.random.below(13) {
                0..=2 => self.write(to, Condition::None, Durability::Full),
                3 => self.write(to, Condition::IfAbsent, Durability::Full),
                4 => self.write_if_match(to),
                5 => self.write(to, Condition::None, Durability::File),
                6 => self.copy(from, to),
                7 => self.rename(from, to, Condition::None),
                8 => self.rename(from, to, Condition::IfAbsent),
                // Of a key that is given twice, the second answer says nothing about the first.
                9 => self.delete(&[from, to][usize::from(from == to)..]),
                10 => self.write_loose(loose),
                11 => {
                    self.write_loose(loose);
                    self.write(beside, Condition::None, Durability::Full);
                }
                _ => {
                    self.write_loose(loose);
                    self.rename_loose(loose, to);
                }
            }
            if self.vfs.has_crashed() {
                return;
            }
        }
    }

    /// Nothing but a name that is taken by a folder, or a missing source, may fail without a reason.
    fn note(&mut self, what: &str, outcome: &Result<Outcome>) {
        if self.expect == Expect::Failures || self.vfs.has_crashed() {
            return;
        }
        let is_fine = match outcome {
            Ok(Outcome::Applied(_) | Outcome::Rejected) => true,
            Ok(Outcome::Unknown) => false,
            Err(error) => matches!(error.kind(), ErrorKind::Invalid | ErrorKind::NotFound),
        };
        if !is_fine {
            self.promises.wrong = Some(format!("{what}: {outcome:?}"));
        }
    }

    fn tell(&mut self, outcome: &Result<Outcome>, body: &Body) {
        if let Ok(Outcome::Applied(meta)) = outcome
            && let Some(version) = &meta.version
        {
            self.promises.tell(meta.key.as_str(), version.as_str(), body);
        }
    }

    /// An error claims that nothing has changed.
    fn expect_unchanged(&mut self, what: &str, end: End, keys: &[&str]) {
        for name in keys.iter().filter(|_| end == End::Nothing && !self.vfs.has_crashed()) {
            let found = match read(&self.local, &key(name)) {
                Ok(body) => Some(body),
                Err(error) if error.is_not_found() => None,
                Err(_) => continue,
            };
            if self.promises.seen(name).is_some_and(|seen| seen != found) {
                self.promises.wrong = Some(format!("{what} failed, and {name} has changed"));
            }
        }
    }

    fn write(&mut self, name: &str, condition: Condition, durability: Durability) {
        let body = Some(body(self.random));
        let before = self.promises.clone();
        self.promises.begin(name, &body);
        let options = WriteOptions::default().with_condition(condition).with_durability(durability);
        let outcome = self.write_in_pieces(name, body.as_deref().unwrap_or_default(), &options);
        self.note("write", &outcome);
        let end = end_of(&outcome, durability);
        self.promises.end(name, &body, end, &before);
        self.tell(&outcome, &body);
        self.expect_unchanged("write", end, &[name]);
    }

    fn write_in_pieces(&mut self, name: &str, body: &[u8], options: &WriteOptions) -> Result<Outcome> {
        if self.random.chance(50) {
            return self.local.write(&key(name), body.to_vec().into(), options);
        }
        let mut writer = self.local.open_writer(&key(name), options)?;
        for piece in body.chunks(700) {
            writer.write(piece.to_vec().into())?;
        }
        writer.commit()
    }

    fn write_if_match(&mut self, name: &str) {
        let Ok(meta) = self.local.stat(&key(name), &StatOptions::default()) else { return };
        if let Some(version) = meta.version {
            self.write(name, Condition::IfMatch(version), Durability::Full);
        }
    }

    fn copy(&mut self, from: &str, to: &str) {
        let Some(body @ Some(_)) = self.promises.seen(from) else { return };
        let before = self.promises.clone();
        self.promises.begin(to, &body);
        let outcome = self.local.copy(&key(from), &key(to), &CopyOptions::default());
        self.note("copy", &outcome);
        let end = end_of(&outcome, Durability::Full);
        self.promises.end(to, &body, end, &before);
        self.tell(&outcome, &body);
        self.expect_unchanged("copy", end, &[from, to]);
    }

    fn rename(&mut self, from: &str, to: &str, condition: Condition) {
        let Some(body @ Some(_)) = self.promises.seen(from) else { return };
        if from == to {
            return;
        }
        let before = self.promises.clone();
        self.promises.begin_move(from, to, &body);
        let outcome = self.local.rename(&key(from), &key(to), &RenameOptions::default().with_condition(condition));
        self.note("rename", &outcome);
        let end = end_of(&outcome, Durability::Full);
        self.promises.end_move(from, to, &body, end, &before);
        self.tell(&outcome, &body);
        self.expect_unchanged("rename", end, &[from, to]);
    }

    fn delete(&mut self, names: &[&str]) {
        let before = self.promises.clone();
        names.iter().for_each(|name| self.promises.begin(name, &None));
        let keys: Vec<_> = names.iter().map(|name| key(name)).collect();
        let answers = self.local.delete(&keys, &DeleteOptions::default()).unwrap();
        for (name, answer) in names.iter().zip(answers) {
            let end = match &answer {
                Deleted::Deleted => End::Durable,
                Deleted::Failed(error) if error.kind() == ErrorKind::OutcomeUnknown => End::Unknown,
                _ => End::Nothing,
            };
            if let Deleted::Failed(error) = answer {
                self.note("delete", &Err(error));
            }
            self.promises.end(name, &None, end, &before);
        }
        if names.first() != names.last() {
            let unchanged = |name: &&&str| self.promises.seen(name) == before.seen(name);
            let unchanged: Vec<_> = names.iter().filter(unchanged).copied().collect();
            self.expect_unchanged("delete", End::Nothing, &unchanged);
        }
    }

    fn write_loose(&mut self, name: &str) {
        let options = WriteOptions::default().with_durability(Durability::None);
        let outcome = self.local.write(&key(name), body(self.random).into(), &options);
        self.note("write", &outcome);
    }

    /// What was not durable is, once it was renamed durably.
    fn rename_loose(&mut self, from: &str, to: &str) {
        let Ok(bytes) = read(&self.local, &key(from)) else { return };
        let body = Some(bytes);
        let before = self.promises.clone();
        self.promises.begin(to, &body);
        let outcome = self.local.rename(&key(from), &key(to), &RenameOptions::default());
        self.note("rename", &outcome);
        let end = end_of(&outcome, Durability::Full);
        self.promises.end(to, &body, end, &before);
        self.expect_unchanged("rename", end, &[to]);
    }
}

fn read(local: &Local<SimVfs>, name: &Key) -> Result<Vec<u8>> {
    let chunks = local.read(name, &ReadOptions::default())?.body.collect::<Result<Vec<_>>>()?;
    Ok(chunks.concat())
}

/// Everything that is there, but what may be anything.
fn read_all(local: &Local<SimVfs>, promises: &mut Promises) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut found = BTreeMap::new();
    for meta in local.list(&Prefix::root(), &ListOptions::default())?.objects {
        let body = read(local, &meta.key)?;
        assert_eq!(body.len() as u64, meta.size, "{}", meta.key);
        if LOOSE.iter().all(|(loose, _)| *loose != meta.key.as_str()) {
            let version = meta.version.map(|version| version.to_string()).unwrap_or_default();
            promises.tell(meta.key.as_str(), &version, &Some(body.clone()));
            found.insert(meta.key.to_string(), body);
        }
    }
    Ok(found)
}

/// Looks at what a crash has left, and goes on with it.
pub fn check(vfs: &SimVfs, promises: &mut Promises) -> Result<(), String> {
    let told = |error: worldstore_core::Error| error.to_string();
    let local = Local::on(vfs.clone()).map_err(told)?;
    let found = read_all(&local, promises).map_err(told)?;
    let moves = promises.compare(&found)?;
    vfs.advance(DAY);
    let local = Local::on(vfs.clone()).map_err(told)?;
    if let Ok(staging) = vfs.root().and_then(|root| root.open_folder(STAGING)) {
        let entries = staging.list().map_err(|error| error.to_string())?;
        if let Some(entry) = entries.iter().find(|entry| entry.kind == Kind::File) {
            return Err(format!("{} was not swept", entry.name));
        }
    }
    let mut random = Random::new(7);
    let mut process = Process { vfs, local, promises, random: &mut random, expect: Expect::Success };
    // What has both names, or the old one still, is moved again.
    moves.iter().for_each(|(from, to)| process.rename(from, to, Condition::None));
    process.run(3);
    if vfs.has_crashed() {
        return Ok(());
    }
    let local = Local::on(vfs.clone()).map_err(told)?;
    let found = read_all(&local, promises).map_err(told)?;
    promises.compare(&found).map(drop)
}

//! The kit itself: it passes what is right, and finds what is wrong.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::*;
use crate::backend::{Backend, Writer};
use crate::capability::Capability;
use crate::error::Result;
use crate::kernel::Ability;
use crate::key::{Key, Prefix};
use crate::memory::Memory;
use crate::ops::*;

fn below() -> Prefix {
    Prefix::new("kit/below").unwrap()
}

/// What is wrong with a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// Conditions are ignored.
    Condition,
    /// It looks first and writes then.
    LookFirst,
    /// Reads ignore the pinned version.
    Pin,
    /// The last byte of every part is missing.
    Short,
    /// A page of a listing loses its last object.
    Listing,
    /// Something undeclared is done all the same.
    Undeclared,
    /// Deletes, copies and renames ignore that something must match.
    Match,
    /// Deletes look first and delete then.
    LookFirstDelete,
    /// Any write is taken for the one that is looked for.
    Token,
    /// Deletes report what was not there as deleted.
    Delete,
    /// Copies go wrong silently.
    Copy,
    /// Only reading is declared.
    ReadOnly,
    /// The second half of an object is read later than the first.
    Torn,
    /// Renames leave the object where it was.
    Rename,
}

/// A memory with a fault.
#[derive(Debug)]
struct Faulty {
    inner: Memory,
    fault: Fault,
}

impl Faulty {
    fn new(fault: Fault) -> Arc<Self> {
        Arc::new(Self { inner: Memory::new(), fault })
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn allow_change(&self) -> Result<()> {
        match self.is(Fault::ReadOnly) {
            true => Err(crate::Error::unsupported("read only")),
            false => Ok(()),
        }
    }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "faulty({:?})", self.fault)
    }
}

impl Backend for Faulty {
    fn info(&self) -> BackendInfo {
        let mut capability = self.inner.info().capability;
        match self.fault {
            Fault::Undeclared => {
                capability.write_if_match = false;
                capability.copy_if_match = false;
                capability.rename_if_match = false;
                capability.delete_if_match = false;
                capability.write_tokens = false;
            }
            Fault::ReadOnly => capability = Capability::read_only(),
            _ => {}
        }
        BackendInfo::new("faulty", "", capability)
    }

    fn stat(&self, key: &Key, options: &StatOptions) -> Result<ObjectMeta> {
        self.inner.stat(key, options)
    }

    fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<Chunks>> {
        let mut options = options.clone();
        if self.is(Fault::Pin) {
            options.version = None;
        }
        let mut reply = self.inner.read(key, &options)?;
        if self.is(Fault::Torn) {
            let middle = reply.meta.size / 2;
            let half = |range: Range<u64>| self.inner.read_ranges(key, &[range], &ReadRangesOptions::default());
            let first = half(0..middle)?;
            std::thread::sleep(std::time::Duration::from_millis(2));
            let parts = [first, half(middle..reply.meta.size)?].concat();
            reply.body = Box::new(parts.into_iter().map(Ok));
        }
        Ok(reply)
    }

    fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        let mut parts = self.inner.read_ranges(key, ranges, options)?;
        if self.is(Fault::Short) {
            parts.iter_mut().for_each(|part| part.truncate(part.len().saturating_sub(1)));
        }
        Ok(parts)
    }

    fn write(&self, key: &Key, body: Bytes, options: &WriteOptions) -> Result<Outcome> {
        self.allow_change()?;
        match (self.fault, &options.condition) {
            (Fault::Condition, _) => self.inner.write(key, body, &WriteOptions::default()),
            (Fault::LookFirst, Condition::IfAbsent) => match self.inner.stat(key, &StatOptions::default()) {
                Ok(_) => Ok(Outcome::Rejected),
                Err(_) => {
                    std::thread::yield_now();
                    self.inner.write(key, body, &WriteOptions::default())
                }
            },
            _ => self.inner.write(key, body, options),
        }
    }

    fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn Writer>> {
        self.allow_change()?;
        self.inner.open_writer(key, options)
    }

    fn settle(&self, key: &Key, token: &WriteToken, options: &SettleOptions) -> Result<Settled> {
        Ok(match self.inner.settle(key, token, options)? {
            Settled::Other(meta) if self.is(Fault::Token) => Settled::Applied(meta),
            settled => settled,
        })
    }

    fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        self.allow_change()?;
        let options = match (self.fault, &options.condition) {
            (Fault::Match, Condition::IfMatch(_)) => &DeleteOptions::default(),
            (Fault::LookFirstDelete, Condition::IfMatch(version)) => {
                let matches = |key: &Key| {
                    self.inner
                        .stat(key, &StatOptions::default())
                        .is_ok_and(|meta| meta.version.as_ref() == Some(version))
                };
                if !keys.iter().all(matches) {
                    return self.inner.delete(keys, options);
                }
                std::thread::yield_now();
                let gone = self.inner.delete(keys, &DeleteOptions::default())?;
                return Ok(gone.into_iter().map(|_| Deleted::Deleted).collect());
            }
            _ => options,
        };
        let outcomes = self.inner.delete(keys, options)?;
        match self.fault {
            Fault::Delete => Ok(outcomes.into_iter().map(|_| Deleted::Deleted).collect()),
            _ => Ok(outcomes),
        }
    }

    fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        let mut page = self.inner.list(prefix, options)?;
        if self.is(Fault::Listing) && page.objects.len() > 2 {
            page.objects.pop();
        }
        Ok(page)
    }

    fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome> {
        self.allow_change()?;
        match self.fault {
            Fault::Copy => self.inner.rename(from, to, &RenameOptions::default()),
            Fault::Match => self.inner.copy(from, to, &CopyOptions::default()),
            _ => self.inner.copy(from, to, options),
        }
    }

    fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
        self.allow_change()?;
        match self.fault {
            Fault::Match => self.inner.rename(from, to, &RenameOptions::default()),
            Fault::Rename => self.inner.copy(from, to, &CopyOptions::default()),
            _ => self.inner.rename(from, to, options),
        }
    }

    fn check(&self, options: &CheckOptions) -> Result<()> {
        self.inner.check(options)
    }
}

fn failed(fault: Fault) -> BTreeSet<String> {
    let report = run(&*Faulty::new(fault), &below());
    report.failed().map(|case| case.case.clone()).collect()
}

#[test]
fn nothing_wrong_is_found_in_memory() {
    assert_eq!(failed(Fault::None), BTreeSet::new());
    race(Faulty::new(Fault::None), &below()).into_result().unwrap();
}

#[test]
fn each_fault_fails_its_cases() {
    let expected = [
        (Fault::Condition, "write_if_absent"),
        (Fault::Condition, "write_if_match"),
        (Fault::Pin, "pinned"),
        (Fault::Short, "vectored"),
        (Fault::Listing, "list_order"),
        (Fault::Listing, "list_pages"),
        (Fault::Undeclared, "write_if_match"),
        (Fault::Undeclared, "commit_if_match"),
        (Fault::Undeclared, "copy_if_match"),
        (Fault::Undeclared, "rename_if_match"),
        (Fault::Undeclared, "delete_if_match"),
        (Fault::Undeclared, "token_of_write"),
        (Fault::Match, "copy_if_match"),
        (Fault::Match, "rename_if_match"),
        (Fault::Match, "delete_if_match"),
        (Fault::Token, "token_of_write"),
        (Fault::Token, "token_of_commit"),
        (Fault::Delete, "delete_many"),
        (Fault::Copy, "copy"),
        (Fault::Copy, "copy_if_absent"),
    ];
    let mut known: Vec<(Fault, BTreeSet<String>)> = Vec::new();
    for (fault, case) in expected {
        if known.last().is_none_or(|(last, _)| *last != fault) {
            known.push((fault, failed(fault)));
        }
        let (_, failed) = known.last().unwrap();
        assert!(failed.contains(case), "{fault:?} passed {case}: {failed:?}");
    }
}

#[test]
fn looking_first_passes_the_cases_and_loses_the_race() {
    assert_eq!(failed(Fault::LookFirst), BTreeSet::new());
    // One of several runs is enough: who looks first need not collide every time.
    let lost = (0..20).any(|_| {
        let report = race(Faulty::new(Fault::LookFirst), &below());
        report.failed().any(|case| case.case == "race_to_write")
    });
    assert!(lost);
}

#[test]
fn looking_first_before_a_delete_loses_the_race() {
    assert!(!failed(Fault::LookFirstDelete).contains("delete_if_match"));
    let lost = (0..20).any(|_| {
        let report = race_rounds(Faulty::new(Fault::LookFirstDelete), &below(), 50);
        report.failed().any(|case| case.case == "race_to_delete_if_match")
    });
    assert!(lost);
}

#[test]
fn read_only_backends_are_refused_every_change() {
    let report = run(&*Faulty::new(Fault::ReadOnly), &below()).into_result().unwrap();
    let skipped = report.cases.iter().filter(|case| matches!(case.result, CaseResult::Skipped(Ability::Write)));
    assert_eq!(skipped.count(), report.cases.len() - 1, "all but the case of a missing object");
    assert!(report.to_string().contains("round_trip: skipped, no write, which is refused"), "{report}");
}

#[test]
fn nothing_outside_of_the_folder_is_touched_and_nothing_stays() {
    let memory = Arc::new(Memory::new());
    let outside: Vec<_> =
        ["kit/a", "kit/below0", "kit/below-/a", "z"].into_iter().map(|key| Key::new(key).unwrap()).collect();
    for key in &outside {
        let _ = memory.write(key, Bytes::from_static(b"mine"), &WriteOptions::default()).unwrap();
    }
    let before = memory.list(&Prefix::root(), &ListOptions::default()).unwrap().objects;
    run(&*memory, &below()).into_result().unwrap();
    race(memory.clone(), &below()).into_result().unwrap();
    assert_eq!(memory.list(&Prefix::root(), &ListOptions::default()).unwrap().objects, before);
}

#[test]
fn a_folder_that_holds_objects_is_left_alone() {
    let memory = Memory::new();
    let mine = below().key("round_trip/mine").unwrap();
    let _ = memory.write(&mine, Bytes::from_static(b"mine"), &WriteOptions::default()).unwrap();
    let report = run(&memory, &below());
    assert_eq!(report.failed().map(|case| case.case.as_str()).collect::<Vec<_>>(), ["round_trip"]);
    assert!(memory.stat(&mine, &StatOptions::default()).is_ok());
    let error = report.into_result().unwrap_err();
    assert!(error.message().contains("it holds objects, which are left alone"), "{error}");
}

#[test]
fn cases_have_names_of_their_own() {
    let cases = cases();
    let names: BTreeSet<_> = cases.iter().map(|case| &case.name).collect();
    assert_eq!(names.len(), cases.len());
    let legal = |name: &str| name.chars().all(|char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '_');
    assert!(names.iter().all(|name| legal(name)));
    assert!(cases.iter().all(|case| !case.steps.is_empty()));
}

#[test]
fn reports_show_what_was_expected_and_what_came() {
    let report = run(&*Faulty::new(Fault::Short), &below());
    let shown = report.to_string();
    let expected = "vectored: FAILED\n  step 2: read ranges a [0..1, 9..10]\n    expected: parts [\"0\", \"9\"]\n    \
                    got: parts [\"\", \"\"]\n";
    assert!(shown.contains(expected), "{shown}");
    assert!(shown.contains("  write_if_match: declared, works in 3 cases\n"), "{shown}");
}

#[test]
fn declared_and_observed_are_told_apart() {
    let shown = |fault| run(&*Faulty::new(fault), &below()).to_string();
    assert!(shown(Fault::Condition).contains("  write_if_absent: declared, FAILS in "), "{}", shown(Fault::Condition));
    let undeclared = shown(Fault::Undeclared);
    assert!(undeclared.contains("  write_if_match: not declared, NOT REFUSED in "), "{undeclared}");
    let read_only = shown(Fault::ReadOnly);
    assert!(read_only.contains("  write: not declared, refused in "), "{read_only}");
    assert!(read_only.contains("  rename: not declared, not observed\n"), "{read_only}");
}

/// The cases that fail where the backend that was opened first is there each time, after this was done to it.
fn failed_after(fault: Fault, meanwhile: impl Fn(&Memory)) -> Vec<String> {
    let faulty = Faulty::new(fault);
    let open = || {
        meanwhile(&faulty.inner);
        Ok(faulty.clone())
    };
    reopen(open, &below()).unwrap().failed().map(|case| case.case.clone()).collect()
}

#[test]
fn memory_that_stays_keeps_everything() {
    let memory = Arc::new(Memory::new());
    let report = reopen(|| Ok(memory.clone()), &below()).unwrap().into_result().unwrap();
    assert_eq!(report.cases.len(), 4, "{report}");
    assert!(memory.list(&Prefix::root(), &ListOptions::default()).unwrap().objects.is_empty());
}

#[test]
fn what_is_lost_or_other_when_a_backend_is_opened_again_is_found() {
    let in_folder = |case: &str, name: &str| below().key(format!("{case}/{name}")).unwrap();
    let remove = |memory: &Memory, key: &Key| drop(memory.delete(std::slice::from_ref(key), &Default::default()));
    let replace = |memory: &Memory, key: &Key, body: Bytes| {
        if memory.stat(key, &StatOptions::default()).is_ok() {
            let _ = memory.write(key, body, &WriteOptions::default()).unwrap();
        }
    };
    let lazy = in_folder("reopened_objects", "lazy");
    assert_eq!(failed_after(Fault::None, |memory| remove(memory, &lazy)), ["reopened_objects"]);
    // The same bytes, but another version, and no token.
    assert_eq!(failed_after(Fault::None, |memory| replace(memory, &lazy, "lazy".into())), ["reopened_objects"]);
    let copy = in_folder("reopened_large_copy", "to");
    assert_eq!(failed_after(Fault::None, |memory| replace(memory, &copy, "short".into())), ["reopened_large_copy"]);
    assert_eq!(failed_after(Fault::Rename, |_| {}), ["reopened_large_rename"]);
    assert_eq!(failed_after(Fault::Copy, |_| {}), ["reopened_large_copy"]);
    assert_eq!(failed_after(Fault::Token, |_| {}), Vec::<String>::new());
    assert!((0..20).any(|_| failed_after(Fault::Torn, |_| {}).contains(&"large_object_replaced".to_owned())));
}

#[test]
fn a_backend_that_forgets_is_found() {
    let report = reopen(|| Ok(Arc::new(Memory::new())), &below()).unwrap();
    let failed: Vec<_> = report.failed().map(|case| case.case.as_str()).collect();
    assert_eq!(failed, ["reopened_objects", "reopened_large_copy", "reopened_large_rename"]);
}

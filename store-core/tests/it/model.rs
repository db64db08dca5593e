//! Random steps against a model: the contract as a map of objects, compared with every answer of a backend.

mod oracle;

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use worldstore_core::conformance::{Answer, Body, Case, CaseResult, play};
use worldstore_core::{Backend, ErrorKind, Local, Memory, Prefix, ReadRange};

use oracle::Oracle;

/// Objects and folders of the same names, neighbours around `/` in byte order, and names that are prefixes of others.
const KEYS: [&str; 14] =
    ["a", "a/b", "a/b/c", "a/b/d", "a/bc", "a/c", "a-/x", "a.x", "a0", "a0/b", "b", "b/c", "b/c/d/e", "ä/日"];
/// Of listings: with and without objects, and one that never holds any. Empty for everything.
const FOLDERS: [&str; 7] = ["", "a", "a/b", "a0", "b", "b/c", "none"];
/// Where listings may begin, names of objects or not.
const AFTER: [&str; 8] = ["a", "a/b", "a/b/c", "a/b/zz", "a0", "b/c", "Z", "zz"];
const WRITERS: [&str; 3] = ["u", "v", "w"];

/// A step before it is known what there is: choices are numbers, and [`Oracle`] makes a step of them.
#[derive(Debug, Clone)]
enum Wish {
    Write { key: usize, body: Body, when: Guard },
    Stat { key: usize },
    Read { key: usize, range: Option<ReadRange>, pin: Option<State> },
    ReadRanges { key: usize, ranges: Vec<(u64, u64)>, pin: Option<State> },
    Open { writer: usize, key: usize, when: Guard },
    Append { writer: usize, body: Body },
    Commit { writer: usize },
    Abort { writer: usize },
    Drop { writer: usize },
    Delete { keys: Vec<usize> },
    List { folder: usize, one_level: bool, after: Option<usize>, limit: Option<usize> },
    Copy { from: usize, to: usize, when: Guard },
    Rename { from: usize, to: usize, when: Guard },
}

/// A condition.
#[derive(Debug, Clone, Copy)]
enum Guard {
    Always,
    IfAbsent,
    IfMatch(State),
}

/// A state of an object.
#[derive(Debug, Clone, Copy)]
enum State {
    /// The one that the key has, or had last.
    Latest,
    /// The one that any step has shown, of this key or another.
    Of(usize),
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn memory_answers_as_the_model_does(wishes in wishes()) {
        check(&Memory::new(), &wishes)?;
    }

    #[test]
    fn local_answers_as_the_model_does(wishes in wishes()) {
        let folder = tempfile::tempdir().unwrap();
        check(&Local::new(folder.path()).unwrap(), &wishes)?;
        prop_assert_eq!(crate::objects::staged(folder.path()), 0);
    }
}

/// What is drawn reaches every kind of answer that the contract has; otherwise the tests above would prove little.
#[test]
fn the_steps_reach_every_answer() {
    let (memory, folder) = (Memory::new(), tempfile::tempdir().unwrap());
    let local = Local::new(folder.path()).unwrap();
    let mut reached = BTreeSet::new();
    let mut runner = TestRunner::deterministic();
    for _ in 0..64 {
        let wishes = wishes().new_tree(&mut runner).unwrap().current();
        for backend in [&memory as &dyn Backend, &local] {
            let steps = case(backend, &wishes).steps;
            reached.extend(steps.iter().flat_map(|planned| &planned.allowed).map(kind_of));
        }
    }
    let kinds = [ErrorKind::NotFound, ErrorKind::Invalid, ErrorKind::ConditionFailed];
    let errors = kinds.into_iter().map(|kind| kind_of(&Answer::Failed(kind)));
    let others = ["found", "applied", "rejected", "content", "parts", "deleted", "listed", "folders", "done"];
    let expected: BTreeSet<_> = others.into_iter().map(str::to_owned).chain(errors).collect();
    assert_eq!(reached, expected);
}

/// The seed of a failure is printed as the shortest list of steps that fails.
fn config() -> ProptestConfig {
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { ProptestConfig::default().cases } else { 64 };
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 2_000, ..ProptestConfig::default() }
}

fn case(backend: &dyn Backend, wishes: &[Wish]) -> Case {
    let mut oracle = Oracle::new(backend.info().capability);
    wishes.iter().for_each(|wish| oracle.take(wish));
    oracle.case
}

fn check(backend: &dyn Backend, wishes: &[Wish]) -> Result<(), TestCaseError> {
    let case = case(backend, wishes);
    let report = play(backend, &Prefix::root(), &case);
    match report.result {
        CaseResult::Passed => {
            prop_assert_eq!(report.transcript.len(), case.steps.len());
            Ok(())
        }
        result => Err(TestCaseError::fail(format!("{}\n{result:#?}", report.transcript.join("\n")))),
    }
}

fn kind_of(answer: &Answer) -> String {
    match answer {
        Answer::Found(_) => "found",
        Answer::Applied(_) => "applied",
        Answer::Rejected => "rejected",
        Answer::Content { .. } => "content",
        Answer::Parts(_) => "parts",
        Answer::Deleted(_) => "deleted",
        Answer::Listed { folders, .. } if folders.is_empty() => "listed",
        Answer::Listed { .. } => "folders",
        Answer::Done => "done",
        Answer::Failed(kind) => return format!("failed: {kind}"),
        other => return format!("{other:?}"),
    }
    .to_owned()
}

fn wishes() -> impl Strategy<Value = Vec<Wish>> {
    vec(wish(), 1..80)
}

fn wish() -> impl Strategy<Value = Wish> {
    // Few enough that most steps meet an object, or a folder of that name.
    let key = || prop_oneof![3 => 0..5_usize, 1 => 0..KEYS.len()];
    let writer = || 0..WRITERS.len();
    let pin = || proptest::option::weighted(0.3, state());
    let range = || proptest::option::of(range());
    let part = || (0..40_u64, 0..40_u64);
    let (after, limit) = (proptest::option::of(0..AFTER.len()), proptest::option::of(0..5_usize));
    prop_oneof![
        8 => (key(), body(), guard()).prop_map(|(key, body, when)| Wish::Write { key, body, when }),
        2 => key().prop_map(|key| Wish::Stat { key }),
        4 => (key(), range(), pin()).prop_map(|(key, range, pin)| Wish::Read { key, range, pin }),
        2 => (key(), vec(part(), 0..3), pin()).prop_map(|(key, ranges, pin)| Wish::ReadRanges { key, ranges, pin }),
        3 => (writer(), key(), guard()).prop_map(|(writer, key, when)| Wish::Open { writer, key, when }),
        3 => (writer(), body()).prop_map(|(writer, body)| Wish::Append { writer, body }),
        3 => writer().prop_map(|writer| Wish::Commit { writer }),
        1 => writer().prop_map(|writer| Wish::Abort { writer }),
        1 => writer().prop_map(|writer| Wish::Drop { writer }),
        4 => vec(key(), 0..4).prop_map(|keys| Wish::Delete { keys }),
        4 => (0..FOLDERS.len(), any::<bool>(), after, limit)
            .prop_map(|(folder, one_level, after, limit)| Wish::List { folder, one_level, after, limit }),
        3 => (key(), key(), guard()).prop_map(|(from, to, when)| Wish::Copy { from, to, when }),
        4 => (key(), key(), guard()).prop_map(|(from, to, when)| Wish::Rename { from, to, when }),
        1 => (key(), guard()).prop_map(|(key, when)| Wish::Copy { from: key, to: key, when }),
        1 => (key(), guard()).prop_map(|(key, when)| Wish::Rename { from: key, to: key, when }),
    ]
}

fn guard() -> impl Strategy<Value = Guard> {
    prop_oneof![3 => Just(Guard::Always), 2 => Just(Guard::IfAbsent), 2 => state().prop_map(Guard::IfMatch)]
}

fn state() -> impl Strategy<Value = State> {
    prop_oneof![2 => Just(State::Latest), 1 => any::<usize>().prop_map(State::Of)]
}

/// Lengths around which nothing special happens, and now and then one that is read in several chunks.
fn body() -> impl Strategy<Value = Body> {
    let length = prop_oneof![30 => 0..32_usize, 1 => Just((1_usize << 20) + 7)];
    (0..1_000_u64, length).prop_map(|(from, length)| Body::Stretch { from, length })
}

fn range() -> impl Strategy<Value = ReadRange> {
    prop_oneof![
        (0..40_u64, 0..40_u64).prop_map(|(start, end)| ReadRange::Bounded(std::ops::Range { start, end })),
        (0..40_u64).prop_map(ReadRange::From),
        (0..40_u64).prop_map(ReadRange::Last),
    ]
}

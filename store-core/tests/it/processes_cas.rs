//! Conditions on one folder between processes, some of which are killed. The children are this test binary again.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use worldstore_core::{
    Backend, Condition, CopyOptions, DeleteOptions, Deleted, Durability, Key, Local, Outcome, Prefix, ReadOptions,
    RenameOptions, WriteOptions,
};

const PROCESSES: usize = 8;
const ROUNDS: usize = 300;
/// What a child is to do, where, and which one it is. Set for children only.
const TASK: &str = "WORLDSTORE_CHILD_TASK";
const FOLDER: &str = "WORLDSTORE_CHILD_FOLDER";
const NUMBER: &str = "WORLDSTORE_CHILD_NUMBER";

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

fn quick() -> WriteOptions {
    WriteOptions::default().with_durability(Durability::None)
}

/// A child that waits for a line on its standard input before it begins.
fn child(task: &str, folder: &Path, number: usize) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "processes_cas::as_a_child", "--nocapture"])
        .envs([(TASK, task), (NUMBER, &number.to_string())])
        .env(FOLDER, folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Children for a task, all begun together.
fn children(task: &str, folder: &Path) -> Vec<Child> {
    let mut children: Vec<_> = (0..PROCESSES).map(|number| child(task, folder, number)).collect();
    for child in &mut children {
        child.stdin.take().unwrap().write_all(b"go\n").unwrap();
    }
    children
}

/// Runs a task in all children, and returns the lines that each has noted.
fn run_children(task: &str, folder: &Path) -> Vec<Vec<String>> {
    for mut child in children(task, folder) {
        assert!(child.wait().unwrap().success(), "a child failed");
    }
    (0..PROCESSES).map(|number| notes(folder, number)).collect()
}

fn notes(folder: &Path, number: usize) -> Vec<String> {
    let text = fs::read_to_string(folder.join(format!("notes-{number}"))).unwrap_or_default();
    // Whoever is killed may leave half a line.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(str::to_owned).collect()
}

/// Not a test of its own: what children do. Without a task it has nothing to do.
#[test]
fn as_a_child() {
    let Ok(task) = std::env::var(TASK) else { return };
    let folder = std::env::var(FOLDER).unwrap();
    let number = std::env::var(NUMBER).unwrap();
    let local = Local::new(Path::new(&folder).join("store")).unwrap();
    let mut notes = fs::File::create(Path::new(&folder).join(format!("notes-{number}"))).unwrap();
    std::io::stdin().read_line(&mut String::new()).unwrap();
    match task.as_str() {
        "create" => create(&local, &number, &mut notes),
        "count" => (0..ROUNDS).for_each(|_| count(&local, &mut notes)),
        "count for ever" => loop {
            count(&local, &mut notes);
        },
        "change" => change(&local, number.parse().unwrap(), &mut notes),
        "storm" => storm(&local, &mut notes),
        _ => panic!("no such task: {task}"),
    }
}

/// Creates one object a round that must be absent, and notes the rounds that it has won.
fn create(local: &Local, number: &str, notes: &mut fs::File) {
    let options = WriteOptions::if_absent().with_durability(Durability::None);
    for round in 0..ROUNDS {
        match local.write(&key(&format!("round/{round}")), Bytes::from(number.to_owned()), &options).unwrap() {
            Outcome::Applied(_) => writeln!(notes, "{round}").unwrap(),
            Outcome::Rejected => {}
            Outcome::Unknown => panic!("an outcome is unknown"),
        }
    }
}

#[test]
fn one_process_creates_what_must_be_absent() {
    let folder = tempfile::tempdir().unwrap();
    let local = Local::new(folder.path().join("store")).unwrap();
    let mut winners = BTreeMap::new();
    for (number, won) in run_children("create", folder.path()).into_iter().enumerate() {
        for round in won {
            assert_eq!(winners.insert(round.clone(), number), None, "two have won round {round}");
        }
    }
    assert_eq!(winners.len(), ROUNDS);
    for (round, winner) in winners {
        assert_eq!(content(&local, &format!("round/{round}")), winner.to_string(), "round {round}");
    }
}

fn content(local: &Local, name: &str) -> String {
    let chunks = local.read(&key(name), &ReadOptions::default()).unwrap().body;
    String::from_utf8(chunks.map(Result::unwrap).collect::<Vec<_>>().concat()).unwrap()
}

/// Adds one to the counter, and notes what it has read and written, each with its version.
fn count(local: &Local, notes: &mut fs::File) {
    loop {
        let reply = local.read(&key("counter"), &ReadOptions::default()).unwrap();
        let version = reply.meta.version.unwrap();
        let bytes = reply.body.map(Result::unwrap).collect::<Vec<_>>().concat();
        let value: usize = std::str::from_utf8(&bytes).unwrap().parse().unwrap();
        let line = format!("read {version} {value}\n");
        let options = quick().with_condition(Condition::IfMatch(version));
        match local.write(&key("counter"), Bytes::from(format!("{:08}", value + 1)), &options).unwrap() {
            Outcome::Applied(meta) => {
                let line = format!("{line}wrote {} {}\n", meta.version.unwrap(), value + 1);
                return notes.write_all(line.as_bytes()).unwrap();
            }
            Outcome::Rejected => notes.write_all(line.as_bytes()).unwrap(),
            Outcome::Unknown => panic!("an outcome is unknown"),
        }
    }
}

/// Checks what all have noted: one version, one value, and one value, one writer. Returns how much was written.
fn check_counts(noted: &[Vec<String>]) -> usize {
    let (mut values, mut writers) = (BTreeMap::new(), BTreeMap::new());
    for (number, line) in
        noted.iter().enumerate().flat_map(|(number, lines)| lines.iter().map(move |line| (number, line)))
    {
        let [what, version, value] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line:?}") };
        let before = values.insert(version, value);
        assert!(before.is_none_or(|before| before == value), "version {version} is {before:?} and {value}");
        if what == "wrote" {
            assert_eq!(writers.insert(value, number), None, "two have written {value}");
        }
    }
    writers.len()
}

#[test]
fn processes_lose_no_addition() {
    let folder = tempfile::tempdir().unwrap();
    let local = Local::new(folder.path().join("store")).unwrap();
    let _ = local.write(&key("counter"), Bytes::from_static(b"00000000"), &quick()).unwrap();
    let noted = run_children("count", folder.path());
    assert_eq!(check_counts(&noted), PROCESSES * ROUNDS);
    assert_eq!(content(&local, "counter").parse::<usize>().unwrap(), PROCESSES * ROUNDS);
}

/// Children are killed at any moment, again and again, while the others and this process go on.
#[test]
fn who_is_killed_blocks_nobody_and_spoils_nothing() {
    const KILLS: usize = 60;
    let folder = tempfile::tempdir().unwrap();
    let local = Local::new(folder.path().join("store")).unwrap();
    let _ = local.write(&key("counter"), Bytes::from_static(b"00000000"), &quick()).unwrap();
    let mut ours = fs::File::create(folder.path().join("notes-ours")).unwrap();
    let mut noted = Vec::new();
    for round in 0..KILLS / 3 {
        let first = 3 * round;
        let mut running: Vec<_> =
            (first..first + 3).map(|number| child("count for ever", folder.path(), number)).collect();
        for child in &mut running {
            child.stdin.take().unwrap().write_all(b"go\n").unwrap();
        }
        // Each round another while, so that they are hit everywhere.
        while notes(folder.path(), first).len() < 5 {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_micros(137 * round as u64));
        for child in &mut running {
            child.kill().unwrap();
            // It is gone, or on its way: nothing that it held may be in the way.
            count(&local, &mut ours);
        }
        for (number, mut child) in running.into_iter().enumerate() {
            child.wait().unwrap();
            noted.push(notes(folder.path(), first + number));
        }
    }
    noted.push(fs::read_to_string(folder.path().join("notes-ours")).unwrap().lines().map(str::to_owned).collect());
    let written = check_counts(&noted);
    let total = content(&local, "counter").parse::<usize>().unwrap();
    // What a child was killed for between writing and noting is counted and not noted.
    assert!(written <= total && total <= written + KILLS, "{written} noted, {total} counted");
    let left = local.list(&Prefix::root(), &Default::default()).unwrap().objects;
    assert_eq!(left.len(), 1, "{left:?}");
}

/// Changes one object in every way there is, each if it still matches, and notes what it has won.
fn change(local: &Local, number: usize, notes: &mut fs::File) {
    let source = key(&format!("source/{number}"));
    for round in 0..ROUNDS {
        let target = key("target");
        let Ok(meta) = local.stat(&target, &Default::default()) else {
            let options = WriteOptions::if_absent().with_durability(Durability::None);
            note_won(local.write(&target, Bytes::from_static(b"made"), &options).unwrap(), "absent", notes);
            continue;
        };
        let version = meta.version.unwrap();
        let condition = Condition::IfMatch(version.clone());
        let _ = local.write(&source, Bytes::from_static(b"same"), &quick()).unwrap();
        let from = version.as_str();
        match (round + number) % 4 {
            0 => {
                let options = quick().with_condition(condition);
                note_won(local.write(&target, Bytes::from_static(b"same"), &options).unwrap(), from, notes);
            }
            1 => {
                let options = CopyOptions::default().with_condition(condition).with_durability(Durability::None);
                note_won(local.copy(&source, &target, &options).unwrap(), from, notes);
            }
            2 => {
                let options = RenameOptions::default().with_condition(condition).with_durability(Durability::None);
                note_won(local.rename(&source, &target, &options).unwrap(), from, notes);
            }
            _ => match local.delete(&[target], &DeleteOptions::default().with_condition(condition)).unwrap()[..] {
                [Deleted::Deleted] => writeln!(notes, "{from} absent").unwrap(),
                [Deleted::Rejected] => {}
                ref other => panic!("{other:?}"),
            },
        }
    }
}

fn note_won(outcome: Outcome, from: &str, notes: &mut fs::File) {
    match outcome {
        Outcome::Applied(meta) => writeln!(notes, "{from} {}", meta.version.unwrap()).unwrap(),
        Outcome::Rejected => {}
        Outcome::Unknown => panic!("an outcome is unknown"),
    }
}

/// Each state that was left was left once, and each that was reached was reached once: the changes of all processes
/// are one chain.
#[test]
fn changes_of_all_kinds_and_processes_are_one_chain() {
    let folder = tempfile::tempdir().unwrap();
    let local = Local::new(folder.path().join("store")).unwrap();
    let mut next: BTreeMap<String, String> = BTreeMap::new();
    let (mut made, mut removed, mut reached) = (0_usize, 0_usize, BTreeMap::new());
    for (number, won) in run_children("change", folder.path()).into_iter().enumerate() {
        for line in won {
            let (from, to) = line.split_once(' ').unwrap();
            match from {
                "absent" => made += 1,
                _ => assert_eq!(next.insert(from.to_owned(), to.to_owned()), None, "{from} was left twice"),
            }
            match to {
                "absent" => removed += 1,
                _ => assert_eq!(reached.insert(to.to_owned(), number), None, "{to} was reached twice"),
            }
        }
    }
    let last = local.stat(&key("target"), &Default::default()).ok().map(|meta| meta.version.unwrap().to_string());
    assert_eq!(made, removed + usize::from(last.is_some()));
    let ends: Vec<_> = reached.keys().filter(|version| !next.contains_key(*version)).cloned().collect();
    assert_eq!(ends, Vec::from_iter(last));
    assert!(removed > 0 && next.len() > ROUNDS, "{removed} removed, {} changes", next.len());
}

/// Overwrites and makes again one object without any condition, all of one size, and notes every version.
fn storm(local: &Local, notes: &mut fs::File) {
    for round in 0..ROUNDS {
        let written = local.write(&key("target"), Bytes::from_static(b"same"), &quick()).unwrap();
        let meta = written.applied(&key("target"), &Condition::None).unwrap();
        writeln!(notes, "{}", meta.version.unwrap()).unwrap();
        if round % 5 == 0 {
            let _ = local.delete(&[key("target")], &DeleteOptions::default()).unwrap();
        }
    }
}

#[test]
fn processes_never_share_a_version() {
    let folder = tempfile::tempdir().unwrap();
    let noted = run_children("storm", folder.path());
    let versions: std::collections::BTreeSet<_> = noted.iter().flatten().collect();
    assert_eq!(versions.len(), PROCESSES * ROUNDS);
}

//! Processes that append to one table, stopped and continued at random, while another compacts and expires it. The
//! children are this test binary again.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use worldstore_async::table::AsyncTableBackend;
use worldstore_core::ErrorKind;
use worldstore_core::table::*;

use crate::support::{append, create, fresh, indexing, name, once, open, rows};

const PROCESSES: usize = 8;
const APPENDS: i64 = 12;
const TASK: &str = "WORLDSTORE_LANCE_CHILD_TASK";
const FOLDER: &str = "WORLDSTORE_LANCE_CHILD_FOLDER";
const NUMBER: &str = "WORLDSTORE_LANCE_CHILD_NUMBER";

fn child(task: &str, folder: &Path, number: usize) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "processes::as_a_child", "--nocapture"])
        .envs([(TASK, task), (NUMBER, &number.to_string())])
        .env(FOLDER, folder)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Not a test of its own: what children do. Without a task it has nothing to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_a_child() {
    let (Ok(task), Ok(folder), Ok(number)) = (std::env::var(TASK), std::env::var(FOLDER), std::env::var(NUMBER)) else {
        return;
    };
    let folder = Path::new(&folder);
    let tables = indexing(crate::support::adapt(worldstore_core::Local::new(folder.join("store")).unwrap()));
    match task.as_str() {
        "append" => append_all(&tables, folder, number.parse().unwrap()).await,
        _ => tidy(&tables, &folder.join("stop")).await,
    }
}

/// Appends its numbers one by one, an odd child by steps, and notes those that were acknowledged.
async fn append_all(tables: &worldstore_lance::LanceTables, folder: &Path, child: i64) {
    let mut notes = fs::File::create(folder.join(format!("notes-{child}"))).unwrap();
    for number in 0..APPENDS {
        let number = child * APPENDS + number;
        loop {
            let appended = match child % 2 {
                0 => append(tables, rows([number])).await,
                _ => {
                    let info = tables.describe(&name("t"), &DescribeOptions::default()).await.unwrap();
                    once(tables, info.watermark, info.watermark + 1, rows([number])).await
                }
            };
            match appended {
                Ok(_) => break,
                // Certain failures only: after an unknown outcome a second append could double the row.
                Err(error) if matches!(error.kind(), ErrorKind::ConditionFailed | ErrorKind::Conflict) => {}
                Err(error) => panic!("child {child}: {error:?}"),
            }
        }
        writeln!(notes, "{number}").unwrap();
    }
}

/// Compacts and expires until it is told to stop. Whoever comes first is no failure.
async fn tidy(tables: &worldstore_lance::LanceTables, stop: &Path) {
    let table = name("t");
    while !stop.exists() {
        for done in [
            tables.compact(&table, &CompactOptions::default()).await.map(drop),
            tables.expire(&table, &ExpireOptions::default().with_keep(2)).await.map(drop),
        ] {
            if let Err(error) = done {
                assert!(matches!(error.kind(), ErrorKind::Conflict), "{error:?}");
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Stops one child after the other for a moment, until told to end; then none is stopped.
fn stop_and_continue(children: &[Pid], ends: &AtomicBool) {
    let mut turn = 0;
    while !ends.load(Ordering::SeqCst) {
        let child = children[turn % children.len()];
        let _ = kill_process(child, Signal::STOP);
        thread::sleep(Duration::from_millis(30 + 40 * (turn as u64 % 4)));
        let _ = kill_process(child, Signal::CONT);
        thread::sleep(Duration::from_millis(15));
        turn += 3;
    }
}

#[test]
fn appends_of_many_processes_are_all_there_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    fs::create_dir(&store).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let backend = crate::support::adapt(worldstore_core::Local::new(&store).unwrap());
    runtime.block_on(create(&open(backend.clone())));
    let mut compactor = child("tidy", folder.path(), PROCESSES);
    let mut writers: Vec<Child> = (0..PROCESSES).map(|number| child("append", folder.path(), number)).collect();
    // A stopped child cannot be waited for: another thread wakes it.
    let pids: Vec<Pid> = writers.iter().chain([&compactor]).map(Pid::from_child).collect();
    let ends = AtomicBool::new(false);
    let statuses: Vec<bool> = thread::scope(|scope| {
        scope.spawn(|| stop_and_continue(&pids, &ends));
        let statuses = writers.iter_mut().map(|writer| writer.wait().unwrap().success()).collect();
        fs::write(folder.path().join("stop"), "").unwrap();
        let tidied = compactor.wait().unwrap().success();
        ends.store(true, Ordering::SeqCst);
        assert!(tidied, "the compactor failed");
        statuses
    });
    assert_eq!(statuses, [true; PROCESSES]);
    let mut noted: Vec<i64> = Vec::new();
    for child in 0..PROCESSES {
        let text = fs::read_to_string(folder.path().join(format!("notes-{child}"))).unwrap();
        noted.extend(text.lines().map(|line| line.parse::<i64>().unwrap()));
    }
    let (watermark, numbers) = runtime.block_on(fresh(&backend));
    let mut times = BTreeMap::new();
    for number in &numbers {
        *times.entry(number).or_insert(0) += 1;
    }
    let doubled: Vec<_> = times.iter().filter(|(_, times)| **times > 1).collect();
    assert!(doubled.is_empty(), "doubled: {doubled:?}");
    noted.sort_unstable();
    assert_eq!(numbers, noted);
    assert_eq!(noted.len() as i64, PROCESSES as i64 * APPENDS);
    assert_eq!(watermark as i64, PROCESSES as i64 / 2 * APPENDS);
}

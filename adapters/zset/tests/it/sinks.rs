//! What goes out between a step's last operator and its commit, by writers that are killed right there: nothing is lost, and
//! nothing goes out twice if each looks at what is out before it goes on.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use worldstore_zset::store::Mode;
use worldstore_zset::{Builder, Cache, Deltas, Engine, Input, Output, Time, ZSet};

use super::crashes::{changes, store_at};
use super::support::Pair;

/// The file of the writer's store.
const STORE: &str = "WORLDSTORE_ZSET_SINK_STORE";
/// The file that the changes of the output go to: a line for each step.
const SINK: &str = "WORLDSTORE_ZSET_SINK";
/// Where the writer waits to be killed, as in `commit 3`: before the append of step 3, or between it and the commit.
const WAITS: &str = "WORLDSTORE_ZSET_SINK_WAITS";
/// Set if the writer's steps commit what each operator keeps by itself.
const IN_SETS: &str = "WORLDSTORE_ZSET_SINK_IN_SETS";
/// The last step.
const LAST: i64 = 4;

struct Opened {
    engine: Engine,
    rows: Input<Pair>,
    sums: Output<Pair>,
    kept: Cache<Pair>,
}

fn open(path: &Path) -> Opened {
    let builder = Builder::new();
    let (input, rows) = builder.input::<Pair>("rows");
    let sums = rows.distinct("set").sum("sums", |row| row.0, |row| row.1);
    let (output, kept) = (sums.output("out"), sums.cache("kept"));
    let engine = Engine::open(builder.build().unwrap(), store_at(path), Mode::CreateTables).unwrap();
    Opened { engine, rows: input, sums: output, kept }
}

/// The steps whose changes are out, with the changes.
fn out(sink: &Path) -> Vec<(i64, Vec<(Pair, i64)>)> {
    let lines = std::fs::read_to_string(sink).unwrap_or_default();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
#[ignore = "the writer that is killed; started by the tests below"]
fn writer() {
    let file = |name: &str| PathBuf::from(std::env::var_os(name).expect("started by hand"));
    let (store, sink) = (file(STORE), file(SINK));
    let waits = std::env::var(WAITS).unwrap_or_default();
    let in_sets = std::env::var_os(IN_SETS).is_some();
    let mut opened = open(&store);
    for time in opened.engine.time().unwrap().max(0) + 1..=LAST {
        let may_wait = |place: &str| {
            if waits == format!("{place} {time}") {
                println!("waits");
                loop {
                    std::thread::park();
                }
            }
        };
        let is_out = out(&sink).iter().any(|(other, _)| *other == time);
        let send = |deltas: &Deltas| {
            may_wait("append");
            if !is_out {
                let line = serde_json::to_string(&(time, deltas.get(&opened.sums)?)).unwrap() + "\n";
                OpenOptions::new().create(true).append(true).open(&sink).unwrap().write_all(line.as_bytes()).unwrap();
            }
            may_wait("commit");
            Ok(())
        };
        let when = Time::at(time).with_flush_every_set(in_sets);
        opened.engine.step_then(changes(&opened.rows, time), when, send).unwrap();
    }
}

fn start(store: &Path, sink: &Path, waits: &str, in_sets: bool) -> Child {
    let mut writer = Command::new(std::env::current_exe().unwrap());
    if in_sets {
        writer.env(IN_SETS, "1");
    }
    writer.args(["--exact", "sinks::writer", "--ignored", "--nocapture"]);
    writer.env(STORE, store).env(SINK, sink).env(WAITS, waits).stdout(Stdio::piped()).spawn().unwrap()
}

fn sent_once(name: &str, in_sets: bool) {
    let folder = tempfile::tempdir().unwrap();
    let (store, sink) = (folder.path().join(name), folder.path().join("sink"));
    for time in 1..=LAST {
        for place in ["append", "commit"] {
            let mut writer = start(&store, &sink, &format!("{place} {time}"), in_sets);
            let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines().map_while(Result::ok);
            assert!(lines.any(|line| line.ends_with("waits")), "the writer came to {place} {time}");
            writer.kill().unwrap();
            writer.wait().unwrap();
            let mut opened = open(&store);
            // A server may still be at work for the writer that is gone; this waits for it.
            opened.engine.release(Time::none()).unwrap();
            assert_eq!(opened.engine.time().unwrap(), if time == 1 { -1 } else { time - 1 }, "{place} {time}");
            assert_eq!(out(&sink).len() as i64, if place == "append" { time - 1 } else { time });
        }
    }
    assert!(start(&store, &sink, "", in_sets).wait().unwrap().success());
    let sent = out(&sink);
    assert_eq!(sent.iter().map(|(time, _)| *time).collect::<Vec<_>>(), (1..=LAST).collect::<Vec<_>>());
    let mut opened = open(&store);
    let sum = ZSet::from_weights(sent.into_iter().flat_map(|(_, changes)| changes)).unwrap();
    assert_eq!(opened.engine.read(&opened.kept).unwrap().all().unwrap(), sum);
}

fn sent_once_in_both_ways(whole: &str, in_sets: &str) {
    sent_once(whole, false);
    sent_once(in_sets, true);
}

#[cfg(feature = "sqlite")]
#[test]
fn what_a_sink_got_before_a_kill_is_not_sent_again_from_sqlite() {
    sent_once_in_both_ways("whole.db", "in_sets.db");
}

#[cfg(feature = "redb")]
#[test]
fn what_a_sink_got_before_a_kill_is_not_sent_again_from_redb() {
    sent_once_in_both_ways("whole.redb", "in_sets.redb");
}

#[cfg(feature = "sled")]
#[test]
fn what_a_sink_got_before_a_kill_is_not_sent_again_from_sled() {
    sent_once_in_both_ways("whole.sled", "in_sets.sled");
}

#[cfg(feature = "postgres")]
#[test]
fn what_a_sink_got_before_a_kill_is_not_sent_again_from_postgres() {
    if let [Some(whole), Some(in_sets)] = [super::server::Schema::new(), super::server::Schema::new()] {
        sent_once_in_both_ways(&format!("{}.schema", whole.name), &format!("{}.schema", in_sets.name));
    }
}

//! Writers that are killed in the middle of steps: what is there afterwards is a prefix of the steps, with every one that
//! was acknowledged.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use worldstore_zset::store::{Memory, Mode, Store};
use worldstore_zset::{Builder, Cache, Changes, Engine, Input, Time, ZSet};

use super::support::{Pair, closure};

/// The file that the writer works on.
const FILE: &str = "WORLDSTORE_ZSET_CRASH_FILE";
/// Set if the writer's steps commit what each operator keeps by itself.
const IN_SETS: &str = "WORLDSTORE_ZSET_CRASH_IN_SETS";
/// How often each store is killed, if not 20 times.
const KILLS: &str = "WORLDSTORE_ZSET_KILLS";

struct Opened {
    engine: Engine,
    rows: Input<Pair>,
    caches: [Cache<Pair>; 3],
}

fn open(store: impl Store + 'static) -> Opened {
    let builder = Builder::new();
    let (input, rows) = builder.input::<Pair>("rows");
    let sums = rows.sum("sums", |row| row.0, |row| row.1);
    let joined = rows.join("joined", sums, |row| row.1, |sum| sum.0, |row, sum| (row.0, sum.1));
    let paths = closure("paths", rows.distinct("edges"));
    let caches = [sums.cache("kept_sums"), joined.cache("kept_joined"), paths.cache("kept_paths")];
    let engine = Engine::open(builder.build().unwrap(), store, Mode::CreateTables).unwrap();
    Opened { engine, rows: input, caches }
}

fn open_file(path: &Path) -> Opened {
    open(store_at(path))
}

/// The store in a file; its ending says which. For a server the file's name is a schema.
pub(super) fn store_at(path: &Path) -> Box<dyn Store> {
    match path.extension().and_then(|ending| ending.to_str()) {
        #[cfg(feature = "redb")]
        Some("redb") => Box::new(worldstore_zset::store::Redb::open(path).unwrap()),
        #[cfg(feature = "sled")]
        Some("sled") => Box::new(worldstore_zset::store::Sled::open(path).unwrap()),
        #[cfg(feature = "sqlite")]
        Some("db") => Box::new(worldstore_zset::store::Sqlite::open(path).unwrap()),
        #[cfg(feature = "postgres")]
        Some("schema") => {
            let (url, name) = (super::server::url().unwrap(), path.file_stem().unwrap().to_str().unwrap());
            let config = worldstore_zset::store::PostgresConfig::from_uri(&url).unwrap();
            Box::new(config.with_schema(name).unwrap().open().unwrap())
        }
        other => panic!("no store for {other:?}"),
    }
}

/// The changes of a step: rows come, and go some steps later.
pub(super) fn changes(rows: &Input<Pair>, time: i64) -> Changes {
    let batch = |time: i64| (0..20).map(move |row| ((time * 7 + row * 3) % 11, (time * 5 + row) % 11));
    let changes = Changes::new().insert(rows, batch(time));
    if time > 4 { changes.remove(rows, batch(time - 4)) } else { changes }
}

fn contents(opened: &mut Opened) -> Vec<ZSet<Pair>> {
    opened.caches.iter().map(|cache| opened.engine.read(cache).unwrap().all().unwrap()).collect()
}

#[test]
#[ignore = "the writer that is killed; started by the test below"]
fn writer() {
    let path = PathBuf::from(std::env::var_os(FILE).expect("started by hand"));
    let mut opened = open_file(&path);
    let in_sets = std::env::var_os(IN_SETS).is_some();
    let first = opened.engine.time().unwrap().max(0) + 1;
    let mut out = std::io::stdout();
    for time in first.. {
        opened.engine.step(changes(&opened.rows, time), Time::at(time).with_flush_every_set(in_sets)).unwrap();
        writeln!(out, "done {time}").unwrap();
        out.flush().unwrap();
    }
}

/// Lets a writer work for a while after its first step, kills it, and gives the last step that it acknowledged.
fn killed(path: &Path, pause: Duration, in_sets: bool) -> i64 {
    let mut writer = Command::new(std::env::current_exe().unwrap());
    if in_sets {
        writer.env(IN_SETS, "1");
    }
    let mut writer = writer
        .args(["--exact", "crashes::writer", "--ignored", "--nocapture"])
        .env(FILE, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines().map_while(Result::ok);
    let done = |line: String| line.rsplit_once("done ").and_then(|(_, time)| time.parse::<i64>().ok());
    let first = lines.by_ref().find_map(done).expect("the writer came to its first step");
    std::thread::sleep(pause);
    writer.kill().unwrap();
    writer.wait().unwrap();
    lines.filter_map(done).last().unwrap_or(first)
}

fn survive(name: &str) {
    survive_kills(name, false);
}

/// Cut short between two commits of a step: whoever applies it again goes on with it.
fn survive_in_sets(name: &str) {
    survive_kills(name, true);
}

fn survive_kills(name: &str, in_sets: bool) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    let kills: u64 = std::env::var(KILLS).map_or(20, |count| count.parse().unwrap());
    let mut expected = open(Memory::new());
    let mut applied = 0;
    for round in 0..kills {
        let acknowledged = killed(&path, Duration::from_micros(round * 7_919 % 30_000), in_sets);
        let mut opened = open_file(&path);
        // A server may still be at work on the last commit of the writer that is gone; this waits for it.
        opened.engine.release(Time::none()).unwrap();
        let mut there = opened.engine.time().unwrap();
        assert!((acknowledged..=acknowledged + 1).contains(&there), "{acknowledged} acknowledged, {there} there");
        if in_sets {
            there += 1;
            let again = Time::at(there).with_flush_every_set(true);
            opened.engine.step(changes(&opened.rows, there), again).unwrap();
            opened.engine.check().unwrap();
        }
        for time in applied + 1..=there {
            expected.engine.step(changes(&expected.rows, time), Time::at(time)).unwrap();
        }
        applied = there;
        assert_eq!(contents(&mut opened), contents(&mut expected), "after {there} steps");
    }
}

#[cfg(feature = "sqlite")]
#[test]
fn sqlite_survives_kills() {
    survive("state.db");
}

#[cfg(feature = "sled")]
#[test]
fn sled_survives_kills() {
    survive("state.sled");
}

#[cfg(feature = "postgres")]
#[test]
fn postgres_survives_kills() {
    if let Some(schema) = super::server::Schema::new() {
        survive(&format!("{}.schema", schema.name));
    }
}

#[cfg(feature = "redb")]
#[test]
fn redb_survives_kills() {
    survive("state.redb");
}

#[cfg(feature = "sqlite")]
#[test]
fn sqlite_survives_kills_between_the_commits_of_a_step() {
    survive_in_sets("state.db");
}

#[cfg(feature = "sled")]
#[test]
fn sled_survives_kills_between_the_commits_of_a_step() {
    survive_in_sets("state.sled");
}

#[cfg(feature = "redb")]
#[test]
fn redb_survives_kills_between_the_commits_of_a_step() {
    survive_in_sets("state.redb");
}

#[cfg(feature = "postgres")]
#[test]
fn postgres_survives_kills_between_the_commits_of_a_step() {
    if let Some(schema) = super::server::Schema::new() {
        survive_in_sets(&format!("{}.schema", schema.name));
    }
}

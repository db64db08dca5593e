//! Processes that are killed in the middle of batches: what is left is what a prefix of the batches makes, and all that
//! was acknowledged is in it. This test binary starts itself again as the process that is killed.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use worldstore::blocking::{World, WorldTables};
use worldstore::core::ErrorKind;
use worldstore::ecs::{Batch, ComponentValue, Entity, Local, Storage, Updates};
use worldstore::{CacheConfig, TableFormat, WorldOptions};

use super::steps::{Agent, Counters, Name, Position, shown};

/// Set for processes that are to be killed: `format|folder`.
const VARIABLE: &str = "WORLDSTORE_ENTITIES_VICTIM";
/// What the lines of a victim begin with, among those of the test harness.
const MARK: &str = "victim:";
const KILLS: u64 = 24;

/// Batch number `number`, which follows from what the storage holds before: rows of several components, all of which say
/// the number, entities that come, move and go, shared values, and something that a reserved entity has.
fn batch(number: u64, alive: &[Entity]) -> Batch {
    let mut updates = Updates::new();
    let counters = |flag| Counters { number, small: 1, block: [0; 3], flag, raw: vec![number as u8; 20] };
    updates.insert_value(Entity::WORLD, ComponentValue::of(&counters(None)).unwrap());
    for entity in alive {
        let phase = (u64::from(entity.index()) + number) % 7;
        updates.insert_value(*entity, ComponentValue::of(&Position { x: number as f32, y: 1.0 }).unwrap());
        match phase {
            0 => updates.destroy(*entity),
            1 => updates.insert_value(*entity, ComponentValue::of(&Agent).unwrap()),
            2 => updates.remove_named(*entity, "agent"),
            _ => &mut updates,
        };
    }
    let name = Name { text: format!("{}", number / 3), nick: None };
    for _ in 0..9 {
        let position = ComponentValue::of(&Position { x: number as f32, y: 0.0 }).unwrap();
        updates.spawn_values(vec![position, ComponentValue::of(&name).unwrap().shared()]);
    }
    updates.to_batch().unwrap()
}

fn step(storage: &mut dyn Storage) -> u64 {
    let number = storage.tick().unwrap().0 + 1;
    let alive: Vec<Entity> = storage.export().unwrap().allocator.alive().collect();
    storage.apply(&batch(number, &alive)).unwrap().tick.0
}

fn open(format: &str, folder: &Path) -> WorldTables {
    let format = match format {
        "lance" => TableFormat::Lance,
        _ => TableFormat::Iceberg,
    };
    // Flushed and published all the time.
    let cache = CacheConfig::default().with_flush_rows(200).with_idle_sec(0.05);
    let options = WorldOptions::default().with_format(format).with_cache(cache);
    let (uri, begun) = (folder.join("world").display().to_string(), Instant::now());
    let world = loop {
        match World::open_or_create(&uri, &options) {
            // A flush that goes on behind the handle that was dropped keeps the world open until its end.
            Err(error) if error.kind() == ErrorKind::Conflict && begun.elapsed() < Duration::from_secs(60) => {
                std::thread::sleep(Duration::from_millis(20));
            }
            opened => break opened.unwrap(),
        }
    };
    WorldTables::open(&world.run("main").unwrap()).unwrap()
}

/// The body of a victim, and nothing in an ordinary run.
#[test]
fn victim() {
    let Ok(setting) = std::env::var(VARIABLE) else { return };
    let (format, folder) = setting.split_once('|').unwrap();
    let mut storage = open(format, Path::new(folder));
    loop {
        println!("\n{MARK}{}", step(&mut storage));
    }
}

/// Kills a process between or in batches, and looks at what is left each time.
fn survive(format: &str) {
    let folder = tempfile::tempdir().unwrap();
    let mut expected = Local::new();
    for kill in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "entities::kills::victim", "--nocapture"])
            .env(VARIABLE, format!("{format}|{}", folder.path().display()))
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let (sender, acknowledged) = mpsc::channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        let reader = std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if let Some(tick) = line.strip_prefix(MARK) {
                    sender.send(tick.parse::<u64>().unwrap()).unwrap();
                }
            }
        });
        // It is under way after the first, and then killed wherever it is.
        let first = acknowledged.recv_timeout(Duration::from_secs(120)).expect("a batch is applied");
        std::thread::sleep(Duration::from_micros(2_900 * kill));
        child.kill().unwrap();
        child.wait().unwrap();
        reader.join().unwrap();
        let last = acknowledged.try_iter().last().unwrap_or(first);
        let storage = open(format, folder.path());
        let tick = storage.tick().unwrap().0;
        assert!(tick == last || tick == last + 1, "{format}: {last} was acknowledged, and {tick} is there");
        while expected.tick().unwrap().0 < tick {
            step(&mut expected);
        }
        let (found, wanted) = (storage.export().unwrap(), expected.export().unwrap());
        assert_eq!(shown(&found), shown(&wanted), "{format}, kill {kill}, tick {tick}");
    }
}

#[cfg(feature = "lance")]
#[test]
fn entities_in_lance_survive_kills() {
    survive("lance");
}

#[cfg(feature = "iceberg")]
#[test]
fn entities_in_iceberg_survive_kills() {
    survive("iceberg");
}

//! Processes that are killed in the middle of batches: what is left is what a prefix of the batches makes, and all that
//! was acknowledged is in it. This test binary starts itself again as the process that is killed.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use worldstore_ecs::{ComponentValue, Entity, Local, Storage, Updates};

use super::steps::{Counters, Name, Position, shown};

/// Set for processes that are to be killed: `kind|place`.
const VARIABLE: &str = "WORLDSTORE_ECS_VICTIM";
/// What the lines of a victim begin with, among those of the test harness.
const MARK: &str = "victim:";
const KILLS: u64 = 20;

/// Batch number `number`, which follows from what the storage holds before: rows of several components, all of which say
/// the number, entities that come and go, and something that the reserved entity has.
fn batch(number: u64, alive: &[Entity]) -> Updates {
    let mut updates = Updates::new();
    let counters = |flag| Counters { entity: number, small: 1, block: [0; 3], flag, raw: vec![number as u8; 20] };
    updates.insert_value(Entity::WORLD, ComponentValue::of(&counters(None)).unwrap());
    for entity in alive {
        updates.insert_value(*entity, ComponentValue::of(&Position { x: number as f32, y: 1.0 }).unwrap());
    }
    for entity in alive.iter().filter(|entity| (u64::from(entity.index()) + number).is_multiple_of(7)) {
        updates.destroy(*entity);
    }
    for spawn in 0..12 {
        let name = Name { text: format!("{number}-{spawn}"), nick: None };
        let position = ComponentValue::of(&Position { x: number as f32, y: 0.0 }).unwrap();
        let values =
            vec![position, ComponentValue::of(&name).unwrap(), ComponentValue::of(&counters(Some(true))).unwrap()];
        updates.spawn_values(values);
    }
    updates
}

fn step(storage: &mut dyn Storage) -> u64 {
    let number = storage.tick().unwrap().0 + 1;
    let alive: Vec<Entity> = storage.export().unwrap().allocator.alive().collect();
    storage.apply(&batch(number, &alive).to_batch().unwrap()).unwrap().tick.0
}

/// The body of a victim, and nothing in an ordinary run.
#[test]
fn victim() {
    let Ok(setting) = std::env::var(VARIABLE) else { return };
    let (kind, place) = setting.split_once('|').unwrap();
    let mut storage = open(kind, place);
    loop {
        println!("\n{MARK}{}", step(&mut *storage));
    }
}

fn open(kind: &str, place: &str) -> Box<dyn Storage> {
    match kind {
        #[cfg(feature = "sqlite")]
        "sqlite" => Box::new(worldstore_ecs::storage::sqlite::SqliteConfig::new(place).open().unwrap()),
        #[cfg(feature = "postgres")]
        "postgres" => super::support::Postgres::of(place).open("world"),
        #[cfg(feature = "redis")]
        "redis" => super::support::Redis::of(place).open("world"),
        #[cfg(feature = "backend")]
        "log" => {
            let folder = std::sync::Arc::new(worldstore_core::Local::new(place).unwrap());
            let prefix = worldstore_core::Prefix::new("world").unwrap();
            let config = worldstore_ecs::storage::log::LogConfig::new(folder, prefix);
            Box::new(config.with_snapshot_batches(7).open().unwrap())
        }
        _ => panic!("{kind} {place}"),
    }
}

/// Kills a process between or in batches, 20 times, and looks at what is left each time.
pub fn survive(kind: &str, place: &str) {
    let mut expected = Local::new();
    for kill in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "stores::kills::victim", "--nocapture"])
            .env(VARIABLE, format!("{kind}|{place}"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
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
        let first = acknowledged.recv_timeout(Duration::from_secs(60)).expect("a batch is applied");
        std::thread::sleep(Duration::from_micros(1_700 * kill));
        child.kill().unwrap();
        child.wait().unwrap();
        reader.join().unwrap();
        let last = acknowledged.try_iter().last().unwrap_or(first);
        let storage = open(kind, place);
        let tick = storage.tick().unwrap().0;
        assert!(tick == last || tick == last + 1, "{kind}: {last} was acknowledged, and {tick} is there");
        while expected.tick().unwrap().0 < tick {
            step(&mut expected);
        }
        assert_eq!(shown(&*storage), shown(&expected), "{kind}, kill {kill}, tick {tick}");
    }
}

#[cfg(feature = "sqlite")]
#[test]
fn sqlite_survives_kills() {
    let folder = tempfile::tempdir().unwrap();
    survive("sqlite", folder.path().join("world.db").to_str().unwrap());
}

#[cfg(feature = "postgres")]
#[test]
fn postgres_survives_kills() {
    let Some(server) = super::support::postgres() else { return };
    survive("postgres", server.base());
}

#[cfg(feature = "redis")]
#[test]
fn redis_survives_kills_of_its_clients() {
    let Some(server) = super::support::redis() else { return };
    survive("redis", server.base());
}

#[cfg(feature = "backend")]
#[test]
fn a_log_in_a_folder_survives_kills() {
    let folder = tempfile::tempdir().unwrap();
    survive("log", folder.path().to_str().unwrap());
}

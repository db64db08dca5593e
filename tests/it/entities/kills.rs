//! Processes that are killed in the middle of batches: nothing is lost or torn.

use std::time::{Duration, Instant};

use worldstore::blocking::{World, WorldTables};
use worldstore::core::ErrorKind;
use worldstore::ecs::conformance::kills::{self, Kills};
use worldstore::ecs::{Storage, WorldTablesOptions};
use worldstore::{CacheConfig, TableFormat, WorldOptions};

const KILLS: Kills<'_> = Kills { victim: "entities::kills::victim", count: 24, step: Duration::from_micros(2_900) };

/// The body of a victim, and nothing in an ordinary run.
#[test]
fn victim() {
    kills::victim(&|place| Ok(open(place))).unwrap();
}

/// Opens `format|folder`.
fn open(place: &str) -> Box<dyn Storage> {
    let (format, folder) = place.split_once('|').unwrap();
    let format = match format {
        "lance" => TableFormat::Lance,
        _ => TableFormat::Iceberg,
    };
    // Flushed and published all the time.
    let cache = CacheConfig::default().with_flush_rows(200).with_idle_sec(0.05);
    let options = WorldOptions::default().with_format(format).with_cache(cache);
    let (uri, begun) = (format!("{folder}/world"), Instant::now());
    let world = loop {
        match World::open_or_create(&uri, &options) {
            // A flush that goes on behind the handle that was dropped keeps the world open until its end.
            Err(error) if error.kind() == ErrorKind::Conflict && begun.elapsed() < Duration::from_secs(60) => {
                std::thread::sleep(Duration::from_millis(20));
            }
            opened => break opened.unwrap(),
        }
    };
    // Checkpoints are in between.
    let options = WorldTablesOptions::default().with_checkpoint_rows(300);
    Box::new(WorldTables::open_with(&world.run("main").unwrap(), &options).unwrap())
}

fn survive(format: &str) {
    let folder = tempfile::tempdir().unwrap();
    kills::survive(&KILLS, &format!("{format}|{}", folder.path().display()), &|place| Ok(open(place))).unwrap();
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

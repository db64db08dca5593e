//! Processes that are killed in the middle of batches: nothing is lost or torn.

use std::time::Duration;

use worldstore_ecs::Storage;
use worldstore_ecs::conformance::kills::{self, Kills};

const KILLS: Kills<'_> = Kills { victim: "stores::kills::victim", count: 20, step: Duration::from_micros(1_700) };

/// The body of a victim, and nothing in an ordinary run.
#[test]
fn victim() {
    kills::victim(&|place| Ok(open(place))).unwrap();
}

/// Opens `kind|place`.
fn open(place: &str) -> Box<dyn Storage> {
    let (kind, place) = place.split_once('|').unwrap();
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

fn survive(kind: &str, place: &str) {
    kills::survive(&KILLS, &format!("{kind}|{place}"), &|place| Ok(open(place))).unwrap();
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

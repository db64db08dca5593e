//! A store, and the world in it if there is one.

use std::time::{Duration, Instant};

use worldstore::asynchronous::AsyncStore;
use worldstore::core::{Ability, Content, Missing, Prefix};
use worldstore::storage::Root;
use worldstore::world::LogState;
use worldstore::{Error, ErrorKind, Registry, Result, World, WorldOptions};

use super::super::fs::address::Address;
use super::super::fs::caps;
use super::{Finding, Status};
use crate::args::product::DoctorArgs;
use crate::output::counted;
use crate::progress::shown;

/// What needs which abilities. Lance and Iceberg create their manifests if absent; a log of objects is found by
/// listing it in order.
const NEEDS: [(&str, &[Ability]); 3] = [
    ("tables", &[Ability::Write, Ability::WriteIfAbsent]),
    ("log in it", &[Ability::Write, Ability::WriteIfAbsent, Ability::ListSorted]),
    ("power cuts", &[Ability::Durable]),
];
/// Durable writes that are timed.
const WRITES: usize = 15;
/// The size of each.
const BYTES: usize = 4096;
/// Above this, every append that waits for its log waits long.
const SLOW: Duration = Duration::from_millis(50);
/// Below this, less is free than a compaction may need for a moment.
const FREE_MIN: u64 = 1 << 30;

pub async fn findings(uri: &str, args: &DoctorArgs, registry: &Registry, tell: &mut impl FnMut(Finding)) -> Result<()> {
    let opened = Address::folder(registry, uri, Root::Existing).await;
    let folder = match opened {
        Ok(folder) => folder,
        Err(error) => {
            tell(Finding::failed("store", &error));
            return Ok(());
        }
    };
    let store = match folder.path.is_empty() {
        true => folder.store.clone(),
        false => folder.store.child(&folder.path)?,
    };
    let start = Instant::now();
    if let Err(error) = store.check().await {
        tell(Finding::failed("store", &error));
        return Ok(());
    }
    let info = store.backend().info();
    tell(Finding::fine("store", format!("{} {}, answers in {:.1?}", info.scheme, folder.shown, start.elapsed())));
    for (about, needed) in NEEDS {
        tell(ability(about, needed, &store));
    }
    if let Some(path) = &folder.folder {
        tell(free(path));
    }
    if args.probe {
        tell(observed(&folder, args.json).await);
        tell(shown("writing", args.json, written(&folder, &store)).await);
    }
    // A database is open once at a time, and the world opens it again.
    drop((store, folder));
    tell(world(uri, registry).await);
    Ok(())
}

fn ability(about: &'static str, needed: &[Ability], store: &AsyncStore) -> Finding {
    let missing: Vec<&str> =
        needed.iter().filter(|ability| !store.supports(**ability)).map(|ability| ability.as_str()).collect();
    match missing.is_empty() {
        true => Finding::fine(about, "yes"),
        false => Finding::note(about, format!("no: the store does not declare {}", missing.join(", "))),
    }
}

fn free(path: &std::path::Path) -> Finding {
    const ABOUT: &str = "free space";
    match rustix::fs::statvfs(path) {
        Ok(space) => {
            let bytes = space.f_bavail.saturating_mul(space.f_frsize);
            let status = if bytes < FREE_MIN { Status::Note } else { Status::Fine };
            Finding::new(ABOUT, status, format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30)))
        }
        Err(source) => Finding::failed(ABOUT, &Error::io("ask for free space", source.into())),
    }
}

/// The conformance kit, in a folder that nobody has.
async fn observed(folder: &Address, json: bool) -> Finding {
    const ABOUT: &str = "observed";
    match caps::probe(folder, json).await {
        Ok(report) => {
            let failed: Vec<&str> = report.failed().map(|case| case.case.as_str()).collect();
            match failed.is_empty() {
                true => Finding::fine(ABOUT, format!("{}, none failed", counted(report.cases.len() as u64, "case"))),
                false => Finding::new(ABOUT, Status::Failed, format!("not as declared: {}", failed.join(" "))),
            }
        }
        Err(error) => Finding::failed(ABOUT, &error),
    }
}

/// How long a durable write of 4 KiB takes: the median.
async fn written(folder: &Address, store: &AsyncStore) -> Finding {
    const ABOUT: &str = "durable write";
    if !store.supports(Ability::Durable) {
        return Finding::note(ABOUT, "the store has none");
    }
    match time(folder).await {
        Ok(median) => {
            let status = if median > SLOW { Status::Note } else { Status::Fine };
            Finding::new(ABOUT, status, format!("{median:.1?} for 4 KiB, the median of {WRITES}"))
        }
        Err(error) => Finding::failed(ABOUT, &error),
    }
}

async fn time(folder: &Address) -> Result<Duration> {
    let scratch = caps::scratch(folder)?;
    let timed = write_all(folder, &scratch).await;
    folder.store.delete_folder(scratch.as_str(), Content::Delete, Missing::Ignore).await?;
    caps::remove_scratch(folder, &scratch)?;
    let mut times = timed?;
    times.sort_unstable();
    Ok(times[WRITES / 2])
}

async fn write_all(folder: &Address, scratch: &Prefix) -> Result<[Duration; WRITES]> {
    let mut times = [Duration::ZERO; WRITES];
    for (number, time) in times.iter_mut().enumerate() {
        let key = scratch.key(number.to_string())?;
        let start = Instant::now();
        folder.store.write(key.as_str(), vec![0_u8; BYTES]).await?;
        *time = start.elapsed();
    }
    Ok(times)
}

async fn world(uri: &str, registry: &Registry) -> Finding {
    const ABOUT: &str = "world";
    let options = WorldOptions::default().with_registry(registry.clone());
    let looked = async {
        let world = World::read(uri, &options).await?;
        let state = world.newest_published().await?;
        Ok::<_, Error>((state, world.log_state().await, world))
    };
    match looked.await {
        Ok((state, log, world)) => {
            let tables = counted(state.tables.len() as u64, "table");
            let about = format!("{} with {tables} in {}, state {}", world.name(), world.format(), state.number);
            match log {
                Ok(LogState::Clean) => Finding::fine(ABOUT, about),
                Ok(LogState::Waiting) => Finding::note(ABOUT, about + "; the log has rows for the next writer"),
                Ok(LogState::Large(bytes)) => Finding::note(ABOUT, format!("{about}; the log holds {bytes} bytes")),
                // It was not asked which one it is.
                Err(error) if error.kind() == ErrorKind::ConditionFailed => {
                    Finding::note(ABOUT, format!("{about}; {error}"))
                }
                Err(error) => Finding::failed(ABOUT, &error),
            }
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Finding::fine(ABOUT, "none here"),
        Err(error) => Finding::failed(ABOUT, &error),
    }
}

//! `list`, `create`, `pin` and `release`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use worldstore::core::snapshot::{Description, Snapshot, Which};
use worldstore::{ErrorKind, Registry, Result};

use super::super::fs::show::{print_json, rfc3339};
use super::chain::on_chain;
use crate::args::snapshot::{ChainArgs, CreateArgs, PinArgs};
use crate::output::{counted, line};
use crate::progress::shown;

/// A snapshot with what is in it, or with why that cannot be told.
type Listed = (Snapshot, Result<Description>);

pub async fn list(args: ChainArgs, registry: &Registry) -> Result<()> {
    let listed = on_chain(&args.uri, registry, |snapshots| {
        let describe = |snapshot: Snapshot| match snapshots.describe(&Which::Named(snapshot.name.clone())) {
            // One that is damaged hides no other.
            Err(error) if !matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::NotFound) => Err(error),
            description => Ok((snapshot, description)),
        };
        snapshots.list()?.into_iter().map(describe).collect()
    });
    let listed: Vec<Listed> = shown("reading states", args.json, listed).await?;
    let now = unix_ms(SystemTime::now());
    let width = listed.iter().map(|(snapshot, _)| snapshot.name.chars().count()).max().unwrap_or_default();
    for (snapshot, description) in &listed {
        match args.json {
            true => print_json(&as_json(snapshot, description, now))?,
            false => line(&as_line(snapshot, description, now, width))?,
        }
    }
    Ok(())
}

fn as_line(snapshot: &Snapshot, description: &Result<Description>, now: u64, width: usize) -> String {
    let kept = match snapshot.expires_ms {
        None => "until released".to_owned(),
        Some(end) if snapshot.has_ended(now) => format!("ended {}", time(end)),
        Some(end) => format!("until {}", time(end)),
    };
    let told = match description {
        Ok(description) => format!("{} {}", description.content, counted(description.bytes, "byte")),
        Err(error) => format!("damaged: {error}"),
    };
    format!("{:<width$}  {:>8}  {kept:<26}  {told}", snapshot.name, snapshot.number)
}

fn as_json(snapshot: &Snapshot, description: &Result<Description>, now: u64) -> Value {
    let mut value = kept_json(snapshot);
    value["ended"] = json!(snapshot.has_ended(now));
    value["problem"] = json!(description.as_ref().err().map(ToString::to_string));
    let description = description.as_ref().ok();
    value["content"] = json!(description.map(|description| description.content.to_string()));
    value["created"] = json!(description.map(|description| time(description.created_ms)));
    for (name, count) in [
        ("entries", description.map(|description| description.entries)),
        ("files", description.map(|description| description.files)),
        ("blocks", description.map(|description| description.blocks)),
        ("bytes", description.map(|description| description.bytes)),
    ] {
        value[name] = json!(count);
    }
    value
}

pub async fn create(args: CreateArgs, registry: &Registry) -> Result<()> {
    let (name, state) = (args.name.clone(), args.state());
    let snapshot = on_chain(&args.uri, registry, move |snapshots| snapshots.create(&name, &state)).await?;
    tell(&snapshot, args.json)
}

pub async fn pin(args: PinArgs, registry: &Registry) -> Result<()> {
    let (name, state) = (args.create.name.clone(), args.create.state());
    let snapshot = on_chain(&args.create.uri, registry, move |snapshots| match args.renew {
        true => snapshots.renew(&name, args.time),
        false => snapshots.pin(&name, &state, args.time),
    })
    .await?;
    tell(&snapshot, args.create.json)
}

pub async fn release(uri: &str, name: String, json: bool, registry: &Registry) -> Result<()> {
    let released = name.clone();
    on_chain(uri, registry, move |snapshots| snapshots.release(&name)).await?;
    match json {
        true => print_json(&json!({"released": released})),
        false => line(&format!("released {released}")),
    }
}

impl CreateArgs {
    fn state(&self) -> Which {
        self.manifest.map_or(Which::Newest, Which::Number)
    }
}

fn tell(snapshot: &Snapshot, json: bool) -> Result<()> {
    if json {
        return print_json(&kept_json(snapshot));
    }
    let kept = snapshot.expires_ms.map_or_else(|| "it is released".to_owned(), time);
    line(&format!("keeps manifest {} as {} until {kept}", snapshot.number, snapshot.name))
}

fn kept_json(snapshot: &Snapshot) -> Value {
    json!({
        "name": snapshot.name,
        "manifest": snapshot.number,
        "hash": snapshot.hash.to_string(),
        "expires": snapshot.expires_ms.map(time),
    })
}

/// Milliseconds since 1970 as a time; what is beyond all calendars is shown as the end of the last one.
fn time(unix_ms: u64) -> String {
    const END_MS: u64 = 253_402_300_799_000;
    rfc3339(UNIX_EPOCH + Duration::from_millis(unix_ms.min(END_MS)))
}

fn unix_ms(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

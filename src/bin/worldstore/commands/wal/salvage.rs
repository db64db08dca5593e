//! `worldstore wal salvage`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;
use worldstore::core::wal::{salvage, salvage_objects};
use worldstore::{Error, ErrorKind, Registry, Result};

use super::place::{Log, split};
use super::verify::pairs;
use crate::commands::blocking;
use crate::commands::fs::address::refuse_inside;
use crate::commands::fs::show::print_json;
use crate::output::{counted, line};
use crate::progress::shown;

/// Refuses a target that lies in the log, or that holds anything.
pub fn refuse(log: &str, target: &Path, registry: &Registry) -> Result<()> {
    refuse_inside(registry, log, &target.display().to_string())?;
    let holds = match fs::read_dir(target) {
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(Error::io("list", source).with("folder", target.display())),
        Ok(mut entries) => entries.next().is_some(),
    };
    match holds {
        true => Err(Error::new(ErrorKind::AlreadyExists, "folder is not empty").with("folder", target.display())),
        false => Ok(()),
    }
}

pub async fn run(log: Log, target: PathBuf, json: bool) -> Result<()> {
    let (into, path) = split(&target)?;
    let found = blocking(move || match log {
        Log::Files { vfs, name } => salvage(&vfs, &name, &into, &path),
        Log::Objects { backend, folder } => salvage_objects(backend, folder, &into, &path),
    });
    let found = shown("copying", json, found).await?;
    if json {
        let damage: Vec<String> = found.damage.iter().map(ToString::to_string).collect();
        let (first, last) = found.records.clone().map(|records| (*records.start(), *records.end())).unzip();
        return print_json(&json!({
            "copied": found.copied, "first": first, "last": last, "lost": pairs(&found.lost), "damage": damage,
        }));
    }
    found.damage.iter().try_for_each(|damage| line(&damage.to_string()))?;
    found.lost.iter().try_for_each(|range| line(&format!("lost: {range:?}")))?;
    let range = found.records.map(|records| format!(", {records:?}")).unwrap_or_default();
    line(&format!("copied {}{range}, to {}", counted(found.copied, "record"), target.display()))
}

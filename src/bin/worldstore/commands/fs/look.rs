//! `stat`, `ping` and `schemes`.

use std::time::Instant;

use serde_json::json;
use worldstore::core::ObjectMeta;
use worldstore::storage::Root;
use worldstore::{ErrorKind, Registry, Result};

use super::address::Address;
use super::show::{file_json, print_json, rfc3339};
use crate::args::fs::OneArgs;
use crate::output::line;

pub async fn stat(args: OneArgs, registry: &Registry) -> Result<()> {
    let place = Address::either(registry, &args.uri, Root::Existing).await?;
    if place.path.is_empty() {
        return print_folder(&place, args.json);
    }
    match place.store.stat(&place.path).await {
        Ok(meta) => print_file(&place, &meta, args.json),
        // A folder is said to be the wrong type; whatever else is wrong with the key makes the second call fail too.
        Err(error) if error.kind() == ErrorKind::Invalid => match place.store.is_folder(&place.path).await {
            Ok(true) => print_folder(&place, args.json),
            _ => Err(error),
        },
        Err(error) => Err(error),
    }
}

fn print_file(place: &Address, meta: &ObjectMeta, json: bool) -> Result<()> {
    let (scheme, native) = (place.store.backend().info().scheme, place.store.native_path(&place.path)?);
    if json {
        let mut object = file_json(meta.key.as_str(), meta);
        object["scheme"] = scheme.into();
        object["native"] = native.into();
        return print_json(&object);
    }
    let unknown = || "-".to_owned();
    line(&format!("kind      file\npath      {}\nbytes     {}", meta.key, meta.size))?;
    line(&format!("modified  {}", meta.modified.map_or_else(unknown, rfc3339)))?;
    line(&format!("version   {}", meta.version.as_ref().map_or_else(unknown, ToString::to_string)))?;
    line(&format!("scheme    {scheme}\nnative    {native}"))
}

fn print_folder(place: &Address, json: bool) -> Result<()> {
    let (scheme, native) = (place.store.backend().info().scheme, place.store.native_path(&place.path)?);
    match json {
        true => print_json(&json!({"kind": "folder", "path": place.path, "scheme": scheme, "native": native})),
        false => line(&format!("kind      folder\npath      {}\nscheme    {scheme}\nnative    {native}", place.path)),
    }
}

pub async fn ping(args: OneArgs, registry: &Registry) -> Result<()> {
    let start = Instant::now();
    let folder = Address::folder(registry, &args.uri, Root::Existing).await?;
    let store = match folder.path.is_empty() {
        true => folder.store.clone(),
        false => folder.store.child(&folder.path)?,
    };
    match store.ping().await {
        // What cannot list is asked otherwise.
        Err(error) if error.kind() == ErrorKind::Unsupported => store.check().await?,
        answer => answer?,
    }
    let (info, ms) = (store.backend().info(), start.elapsed().as_secs_f64() * 1e3);
    match args.json {
        true => print_json(&json!({"uri": folder.shown, "scheme": info.scheme, "root": info.root, "ms": ms})),
        false => line(&format!("{} answers: {} {}, {ms:.1} ms", folder.shown, info.scheme, info.root)),
    }
}

pub fn schemes(json: bool, registry: &Registry) -> Result<()> {
    for listed in registry.list() {
        let info = &listed.info;
        if json {
            print_json(&json!({
                "scheme": info.name, "aliases": info.aliases, "compiled_in": listed.compiled_in,
                "feature": info.feature, "example": info.example, "about": info.about, "settings": info.settings,
            }))?;
            continue;
        }
        let absent = info.feature.as_ref().filter(|_| !listed.compiled_in);
        let absent = absent.map(|feature| format!(" (not compiled in: feature {feature})")).unwrap_or_default();
        line(&format!("{:<9} {:<30} {}{absent}", info.name, info.example, info.about))?;
    }
    Ok(())
}

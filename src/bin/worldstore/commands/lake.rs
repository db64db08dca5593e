//! `worldstore lake`: where addresses lead to, and what lies there.

use serde_json::{Map, Value, json};
use worldstore::asynchronous::lake;
use worldstore::core::hive::HiveValue;
use worldstore::core::lake::{Filter, LakeFile, LakeListOptions, LakeListing, LakeUri, ListStats};
use worldstore::registry::{OpenOptions, Resolved, masked};
use worldstore::{Error, Registry, Result};

use super::fs::show::{Style, file_json, print_json};
use crate::args::lake::{LakeCommand, ListArgs, MountArgs, ResolveArgs};
use crate::output::{counted, line};
use crate::progress::shown;

pub async fn run(command: LakeCommand, registry: &Registry) -> Result<()> {
    match command {
        LakeCommand::Resolve(args) => resolve(&args, registry),
        LakeCommand::List(args) => list(args, registry).await,
    }
}

/// A registry that knows the mounts of the command line too.
pub fn with_mounts(registry: &Registry, mounts: &[String]) -> Result<Registry> {
    let mut registry = registry.clone();
    for mount in mounts {
        let (name, uri) = mount_pair(mount)?;
        registry = registry.with_mount(name, uri).map_err(|error| error.with("mount", name))?;
    }
    Ok(registry)
}

/// Name and URI of a mount. A URI whose name was forgotten may have a `=` of its own, and a password before it.
pub fn mount_pair(mount: &str) -> Result<(&str, &str)> {
    match mount.split_once('=') {
        Some((name, uri)) if !name.is_empty() && !name.contains("://") => Ok((name, uri)),
        _ => Err(Error::invalid("a mount must be like `NAME=URI`").with("mount", masked(mount))),
    }
}

fn address(uri: &str, mounts: &MountArgs, registry: &Registry) -> Result<(Registry, LakeUri)> {
    Ok((with_mounts(registry, &mounts.mounts)?, LakeUri::parse(uri)?))
}

fn resolve(args: &ResolveArgs, registry: &Registry) -> Result<()> {
    let (registry, uri) = address(&args.uri, &args.mounts, registry)?;
    let resolved = registry.resolve_lake(&uri)?;
    let Resolved { mount, physical, .. } = &resolved;
    let (folder, template) = (uri.template.folder()?, uri.template.to_string());
    let variables: Vec<String> = uri.template.variables().iter().map(ToString::to_string).collect();
    let cache = mount.tier.as_ref();
    if args.json {
        return print_json(&json!({
            "address": uri.to_string(), "bucket": mount.bucket, "template": template, "folder": folder.as_str(),
            "variables": variables, "physical": masked(physical), "residency": mount.residency.as_str(),
            "origin": mount.origin.to_string(),
            "cache": cache.map(|tier| json!({
                "uri": masked(&tier.cache), "bytes_max": tier.options.bytes_max,
                "object_bytes_max": tier.options.object_bytes_max,
            })),
        }));
    }
    line(&format!("physical   {}", masked(physical)))?;
    line(&format!("residency  {}\norigin     {}", mount.residency, mount.origin))?;
    if let Some(tier) = cache {
        let (uri, options) = (masked(&tier.cache), tier.options);
        line(&format!("cache      {uri}, {} bytes, objects of {}", options.bytes_max, options.object_bytes_max))?;
    }
    let folder = if folder.is_root() { "." } else { folder.as_str() };
    let variables = if variables.is_empty() { "none".to_owned() } else { variables.join(" ") };
    line(&format!("bucket     {}\nfolder     {folder}\nvariables  {variables}", mount.bucket))
}

async fn list(args: ListArgs, registry: &Registry) -> Result<()> {
    let (registry, uri) = address(&args.uri, &args.mounts, registry)?;
    let mut options = LakeListOptions::default();
    if let Some(condition) = &args.condition {
        options = options.with_filter(Filter::parse(condition)?);
    }
    if let Some(ending) = &args.ending {
        options = options.with_ending(ending);
    }
    let storage = registry.open_bucket(&uri.bucket, &OpenOptions::existing()).await?;
    let listing = shown("listing", args.json, lake::list(&*storage.backend, &uri.template, &options)).await;
    let listing = listing.map_err(|error| error.with("address", &uri))?;
    if !args.counts {
        let style = Style::of(args.long, args.json);
        listing.files.iter().try_for_each(|file| print_file(style, &listing, file))?;
    }
    print_counts(&listing, args.json)
}

fn print_file(style: Style, listing: &LakeListing, file: &LakeFile) -> Result<()> {
    let path = file.meta.key.as_str();
    if style != Style::Json {
        return style.file(path, &file.meta);
    }
    let values = listing.columns.iter().zip(&file.values);
    let values = values.map(|(column, value)| (column.name.clone(), json_of(value)));
    let mut object = file_json(path, &file.meta);
    object["values"] = Value::Object(values.collect::<Map<_, _>>());
    print_json(&object)
}

fn json_of(value: &HiveValue) -> Value {
    match value {
        HiveValue::Int(number) => (*number).into(),
        HiveValue::Bool(value) => (*value).into(),
        other => other.text().into(),
    }
}

fn print_counts(listing: &LakeListing, json: bool) -> Result<()> {
    let ListStats { list_calls, folders_seen, files_seen, bytes, .. } = listing.stats;
    let ListStats { folders_pruned, folders_unfit, folders_hidden, .. } = listing.stats;
    let ListStats { files_pruned, files_unfit, files_hidden, .. } = listing.stats;
    let files = listing.stats.files();
    if json {
        return print_json(&json!({
            "kind": "counts", "files": files, "bytes": bytes, "list_calls": list_calls,
            "folders_seen": folders_seen, "folders_pruned": folders_pruned, "folders_unfit": folders_unfit,
            "folders_hidden": folders_hidden, "files_seen": files_seen, "files_pruned": files_pruned,
            "files_unfit": files_unfit, "files_hidden": files_hidden, "unfit": listing.unfit,
        }));
    }
    line(&format!("{}, {}, {}", counted(files, "file"), counted(bytes, "byte"), counted(list_calls, "list call")))?;
    line(&format!(
        "folders  {folders_seen} seen, {folders_pruned} pruned, {folders_unfit} unfit, {folders_hidden} hidden"
    ))?;
    line(&format!("files    {files_seen} seen, {files_pruned} pruned, {files_unfit} unfit, {files_hidden} hidden"))?;
    match listing.unfit.is_empty() {
        true => Ok(()),
        false => line(&format!("unfit    {}", listing.unfit.join(" "))),
    }
}

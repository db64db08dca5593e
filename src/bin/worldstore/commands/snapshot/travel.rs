//! `export`, `import` and `restore`.

use std::io::{self, Read};

use serde_json::json;
use worldstore::core::snapshot::archive::{ArchiveLimits, ArchiveReader};
use worldstore::core::snapshot::{Exported, ImportOptions, Imported, Snapshots, Which};
use worldstore::core::{Chunks, Condition, Prefix, ReadOptions, WriteOptions};
use worldstore::registry::masked;
use worldstore::storage::Root;
use worldstore::{Error, Registry, Result};

use super::super::blocking;
use super::super::fs::address::Address;
use super::super::fs::show::print_json;
use super::chain::{Place, on_chain, options};
use crate::args::snapshot::{ExportArgs, ImportArgs, RestoreArgs};
use crate::output::{counted, line, note};
use crate::progress::shown;

pub async fn export(args: ExportArgs, registry: &Registry) -> Result<()> {
    let source = Place::folder(&args.uri, Root::Existing, registry).await?;
    let address = Address::object(registry, &args.archive, Root::Create).await?;
    let (target, key) = Place::object(address)?;
    let (uri, archive) = (source.shown.clone(), target.shown.clone());
    let condition = if args.force { Condition::None } else { Condition::IfAbsent };
    let which = Which::Named(args.name.clone());
    let exported = blocking(move || {
        let snapshots = source.chain().map_err(|error| error.with("uri", &uri))?;
        // Before anything is written: a name that is wrong leaves nothing to abort.
        snapshots.manifest(&which).map_err(|error| error.with("uri", &uri))?;
        write(&snapshots, &which, &target, &key, &WriteOptions::default().with_condition(condition))
    });
    let Exported { number, content, archive: summary, .. } = shown("exporting", args.json, exported).await?;
    match args.json {
        true => print_json(&json!({
            "name": args.name, "manifest": number, "content": content.to_string(), "archive": archive,
            "members": summary.members, "bytes": summary.bytes, "blake3": summary.blake3.to_string(),
        })),
        false => {
            let size = format!("{}, {}", counted(summary.members, "member"), counted(summary.bytes, "byte"));
            line(&format!("exported {} to {archive}: {size}, blake3 {}", args.name, summary.blake3))
        }
    }
}

fn write(snapshots: &Snapshots, which: &Which, target: &Place, key: &str, options: &WriteOptions) -> Result<Exported> {
    let writer = target.store()?.open_atomic(key, options)?;
    // Dropping the writer aborts.
    let (writer, exported) = snapshots.export(which, writer, &ArchiveLimits::default())?;
    writer.commit()?;
    Ok(exported)
}

pub async fn import(args: ImportArgs, registry: &Registry) -> Result<()> {
    let address = Address::object(registry, &args.archive, Root::Existing).await?;
    // Before the target's folder is made.
    address.store.stat(&address.path).await?;
    let (source, key) = Place::object(address)?;
    let mut limits = ArchiveLimits::default();
    limits.members_max = args.members_max.unwrap_or(limits.members_max);
    limits.total_bytes_max = args.bytes_max.unwrap_or(limits.total_bytes_max);
    let (source, key) =
        look(source, key, limits.clone()).await.map_err(|error| error.with("archive", masked(&args.archive)))?;
    let place = Place::folder(&args.uri, Root::Create, registry).await?;
    let import = ImportOptions::default().with_limits(limits).with_manifests(options());
    let (archive, tag) = (source.shown.clone(), args.tag.clone());
    let imported = blocking(move || {
        let body = source.store()?.read(&key, &ReadOptions::default())?.body;
        let (snapshots, imported) = Snapshots::import(place.backend()?, Prefix::root(), Stream::new(body), &import)?;
        if let Some(tag) = &tag {
            snapshots.create(tag, &Which::Number(imported.number))?;
        }
        Ok(imported)
    });
    let imported = shown("importing", args.json, imported).await;
    tell(&imported.map_err(|error| error.with("archive", &archive))?, &archive, args.json)
}

/// Reads the head of an archive, before anything is made for what is in it.
async fn look(source: Place, key: String, limits: ArchiveLimits) -> Result<(Place, String)> {
    blocking(move || {
        let body = source.store()?.read(&key, &ReadOptions::default())?.body;
        ArchiveReader::new(Stream::new(body), &limits)?;
        Ok((source, key))
    })
    .await
}

pub async fn restore(args: RestoreArgs, registry: &Registry) -> Result<()> {
    let which = Which::Named(args.name);
    let state = which.clone();
    // Before the target's folder is made.
    on_chain(&args.uri, registry, move |snapshots| snapshots.manifest(&state).map(drop)).await?;
    let source = Place::folder(&args.uri, Root::Existing, registry).await?;
    let target = Place::folder(&args.target, Root::Create, registry).await?;
    let from = source.shown.clone();
    let restored = blocking(move || {
        let import = ImportOptions::default().with_manifests(options());
        let (_, restored) = source.chain()?.restore(&which, target.backend()?, Prefix::root(), &import)?;
        Ok(restored)
    });
    let restored = shown("restoring", args.json, restored).await;
    tell(&restored.map_err(|error| error.with("uri", &from))?, &from, args.json)
}

fn tell(imported: &Imported, source: &str, json: bool) -> Result<()> {
    for key in &imported.left_behind {
        note(&format!("could not remove {key}, to which nothing refers"));
    }
    if json {
        let left: Vec<&str> = imported.left_behind.iter().map(|key| key.as_str()).collect();
        return print_json(&json!({
            "manifest": imported.number, "source_manifest": imported.source_number,
            "content": imported.content.to_string(), "entries": imported.entries, "members": imported.members,
            "bytes": imported.bytes, "blake3": imported.archive.map(|archive| archive.blake3.to_string()),
            "left_behind": left,
        }));
    }
    let size = format!("{}, {}", counted(imported.members, "member"), counted(imported.bytes, "byte"));
    line(&format!("imported {source} as manifest {}: {size}, content {}", imported.number, imported.content))
}

/// Chunks as a stream of bytes.
struct Stream {
    chunks: Chunks,
    chunk: bytes::Bytes,
}

impl Stream {
    fn new(chunks: Chunks) -> Self {
        Self { chunks, chunk: bytes::Bytes::new() }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            match self.chunks.next() {
                Some(chunk) => self.chunk = chunk.map_err(io_error)?,
                None => return Ok(0),
            }
        }
        let length = self.chunk.len().min(buffer.len());
        let taken = self.chunk.split_to(length);
        buffer[..length].copy_from_slice(&taken);
        Ok(length)
    }
}

fn io_error(error: Error) -> io::Error {
    io::Error::other(error)
}

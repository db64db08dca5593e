//! One large object, read and written as a stream.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::{ObjectStoreExt, WriteMultipart};
use worldstore_core::{Durability, Key, ReadOptions, WriteOptions};

use super::peers::{Peers, body};
use crate::Failure;
use crate::measure::{Row, Seen, Subject, row};

const GIB: usize = 1 << 30;
const CHUNK: usize = 1 << 20;

pub fn read(name: &str, folder: &Path, scale: usize) -> Result<Row, Failure> {
    let size = GIB / scale;
    let chunk = body(CHUNK, 1);
    let mut file = File::create(folder.join("large"))?;
    for _ in 0..size / CHUNK {
        file.write_all(&chunk)?;
    }
    drop(file);
    let size = size / CHUNK * CHUNK;
    let peers = Peers::local(folder)?;
    let (key, location) = (Key::new("large")?, object_store::path::Path::from("large"));
    let options = ReadOptions::default();
    let subjects = vec![
        Subject::new("std::fs", || {
            let (mut seen, mut file, mut buffer) = (Seen::default(), File::open(folder.join("large"))?, vec![0; CHUNK]);
            loop {
                match file.read(&mut buffer)? {
                    0 => return Ok(seen),
                    read => seen.add_part(&buffer[..read]),
                }
            }
        }),
        Subject::new("worldstore", || {
            let mut seen = Seen::default();
            for chunk in peers.store.read("large", &options)?.body {
                seen.add_part(&chunk?);
            }
            Ok(seen)
        }),
        Subject::new("worldstore async", || {
            peers.runtime.block_on(async {
                let (mut seen, mut body) = (Seen::default(), peers.async_backend.read(&key, &options).await?.body);
                while let Some(chunk) = body.try_next().await? {
                    seen.add_part(&chunk);
                }
                Ok(seen)
            })
        }),
        Subject::new("object_store", || {
            peers.runtime.block_on(async {
                let (mut seen, mut body) = (Seen::default(), peers.object_store.get(&location).await?.into_stream());
                while let Some(chunk) = body.try_next().await? {
                    seen.add_part(&chunk);
                }
                Ok(seen)
            })
        }),
        Subject::new("OpenDAL", || {
            peers.runtime.block_on(async {
                let reader = peers.opendal.reader("large").await?;
                let (mut seen, mut body) = (Seen::default(), reader.into_bytes_stream(..).await?);
                while let Some(chunk) = body.try_next().await? {
                    seen.add_part(&chunk);
                }
                Ok(seen)
            })
        }),
    ];
    row(name, size as u64, "byte", subjects)
}

/// Each replaces the object of the round before. Without a promise for a power cut, as the peers give none.
pub fn write(name: &str, folder: &Path, scale: usize) -> Result<Row, Failure> {
    let (count, peers) = (GIB / scale / CHUNK, Peers::local(folder)?);
    let chunk = Bytes::from(body(CHUNK, 1));
    let (temporary, target) = (folder.join("std-temporary"), folder.join("std"));
    let options = WriteOptions::default().with_durability(Durability::None);
    let written = Seen { bytes: (count * CHUNK) as u64, ..Seen::default() };
    let subjects = vec![
        Subject::new("std::fs", || {
            let mut file = File::create(&temporary)?;
            for _ in 0..count {
                file.write_all(&chunk)?;
            }
            fs::rename(&temporary, &target)?;
            Ok(written)
        }),
        Subject::new("worldstore", || {
            let mut writer = peers.backend.open_writer(&Key::new("ours")?, &options)?;
            for _ in 0..count {
                writer.write(chunk.clone())?;
            }
            let _ = writer.commit()?;
            Ok(written)
        }),
        Subject::new("worldstore async", || {
            peers.runtime.block_on(async {
                let mut writer = peers.async_backend.open_writer(&Key::new("ours-async")?, &options).await?;
                for _ in 0..count {
                    writer.write(chunk.clone()).await?;
                }
                let _ = writer.commit().await?;
                Ok(written)
            })
        }),
        Subject::new("object_store", || {
            peers.runtime.block_on(async {
                let location = object_store::path::Path::from("object_store");
                let mut writer = WriteMultipart::new(peers.object_store.put_multipart(&location).await?);
                for _ in 0..count {
                    writer.wait_for_capacity(4).await?;
                    writer.put(chunk.clone());
                }
                writer.finish().await?;
                Ok(written)
            })
        }),
        Subject::new("OpenDAL", || {
            peers.runtime.block_on(async {
                let mut writer = peers.opendal.writer("opendal").await?;
                for _ in 0..count {
                    writer.write(chunk.clone()).await?;
                }
                writer.close().await?;
                Ok(written)
            })
        }),
    ];
    let row = row(name, (count * CHUNK) as u64, "byte", subjects)?;
    same_content(folder, &["std", "ours", "ours-async", "object_store", "opendal"])?;
    Ok(row)
}

/// Equal bytes, or the row is void.
fn same_content(folder: &Path, names: &[&str]) -> Result<(), Failure> {
    let hash = |name: &&str| -> Result<_, Failure> {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(File::open(folder.join(name))?)?;
        Ok(hasher.finalize())
    };
    let hashes = names.iter().map(hash).collect::<Result<Vec<_>, _>>()?;
    match hashes.iter().all(|hash| *hash == hashes[0]) {
        true => Ok(()),
        false => Err(format!("the subjects wrote different bytes: {names:?} {hashes:?}").into()),
    }
}

//! Small objects in memory: what the layers themselves cost.

use std::path::Path;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::ObjectStoreExt;
use worldstore_core::{Key, ReadOptions, StatOptions, WriteOptions};

use super::peers::{Peers, body};
use crate::Failure;
use crate::measure::{Row, Seen, Subject, row};

const SIZE: usize = 4096;
const OBJECTS: usize = 1_000;
/// How often each object is asked for in a round.
const TIMES: usize = 10;

struct Seeded {
    peers: Peers,
    names: Vec<String>,
    keys: Vec<Key>,
    locations: Vec<object_store::path::Path>,
    content: Bytes,
}

fn seeded(scale: usize) -> Result<Seeded, Failure> {
    let (peers, content) = (Peers::memory()?, Bytes::from(body(SIZE, 5)));
    let names: Vec<_> = (0..(OBJECTS / scale).max(10)).map(|number| format!("folder/{number}")).collect();
    let keys = names.iter().map(Key::new).collect::<Result<Vec<_>, _>>()?;
    let locations: Vec<_> = names.iter().map(|name| object_store::path::Path::from(name.as_str())).collect();
    peers.runtime.block_on(async {
        for (key, location) in keys.iter().zip(&locations) {
            let _ = peers.backend.write(key, content.clone(), &WriteOptions::default())?;
            peers.object_store.put(location, content.clone().into()).await?;
            peers.opendal.write(key.as_str(), content.clone()).await?;
        }
        Ok::<_, Failure>(())
    })?;
    Ok(Seeded { peers, names, keys, locations, content })
}

pub fn head(name: &str, _folder: &Path, scale: usize) -> Result<Row, Failure> {
    let Seeded { peers, names, keys, locations, .. } = &seeded(scale)?;
    let options = StatOptions::default();
    let subjects = vec![
        Subject::new("worldstore", || {
            let mut seen = Seen::default();
            for key in (0..TIMES).flat_map(|_| keys) {
                seen.add_size(peers.backend.stat(key, &options)?.size);
            }
            Ok(seen)
        }),
        Subject::new("worldstore async", || {
            peers.runtime.block_on(async {
                let mut seen = Seen::default();
                for key in (0..TIMES).flat_map(|_| keys) {
                    seen.add_size(peers.async_backend.stat(key, &options).await?.size);
                }
                Ok(seen)
            })
        }),
        Subject::new("object_store", || {
            peers.runtime.block_on(async {
                let mut seen = Seen::default();
                for location in (0..TIMES).flat_map(|_| locations) {
                    seen.add_size(peers.object_store.head(location).await?.size);
                }
                Ok(seen)
            })
        }),
        Subject::new("OpenDAL", || {
            peers.runtime.block_on(async {
                let mut seen = Seen::default();
                for name in (0..TIMES).flat_map(|_| names) {
                    seen.add_size(peers.opendal.stat(name).await?.content_length());
                }
                Ok(seen)
            })
        }),
    ];
    row(name, (names.len() * TIMES) as u64, "op", subjects)
}

pub fn read(name: &str, _folder: &Path, scale: usize) -> Result<Row, Failure> {
    let Seeded { peers, names, keys, locations, .. } = &seeded(scale)?;
    let options = ReadOptions::default();
    let subjects = vec![
        Subject::new("worldstore", || {
            let mut seen = Seen::default();
            for key in (0..TIMES).flat_map(|_| keys) {
                seen.count += 1;
                for chunk in peers.backend.read(key, &options)?.body {
                    seen.add_part(&chunk?);
                }
            }
            Ok(seen)
        }),
        Subject::new("worldstore, Store", || {
            let mut seen = Seen::default();
            for name in (0..TIMES).flat_map(|_| names) {
                seen.add(&peers.store.read_bytes(name)?);
            }
            Ok(seen)
        }),
        Subject::new("worldstore async", || {
            peers.runtime.block_on(async {
                let mut seen = Seen::default();
                for key in (0..TIMES).flat_map(|_| keys) {
                    seen.count += 1;
                    let mut body = peers.async_backend.read(key, &options).await?.body;
                    while let Some(chunk) = body.try_next().await? {
                        seen.add_part(&chunk);
                    }
                }
                Ok(seen)
            })
        }),
        Subject::new("object_store", || {
            peers.runtime.block_on(async {
                let mut seen = Seen::default();
                for location in (0..TIMES).flat_map(|_| locations) {
                    seen.add(&peers.object_store.get(location).await?.bytes().await?);
                }
                Ok(seen)
            })
        }),
        Subject::new("OpenDAL", || {
            peers.runtime.block_on(async {
                let mut seen = Seen::default();
                for name in (0..TIMES).flat_map(|_| names) {
                    seen.add(&peers.opendal.read(name).await?.to_bytes());
                }
                Ok(seen)
            })
        }),
    ];
    row(name, (names.len() * TIMES) as u64, "op", subjects)
}

pub fn write(name: &str, _folder: &Path, scale: usize) -> Result<Row, Failure> {
    let Seeded { peers, names, keys, locations, content } = &seeded(scale)?;
    let (options, written) = (WriteOptions::default(), Seen { count: names.len() as u64, ..Seen::default() });
    let subjects = vec![
        Subject::new("worldstore", || {
            for key in keys {
                let _ = peers.backend.write(key, content.clone(), &options)?;
            }
            Ok(written)
        }),
        Subject::new("worldstore async", || {
            peers.runtime.block_on(async {
                for key in keys {
                    let _ = peers.async_backend.write(key, content.clone(), &options).await?;
                }
                Ok(written)
            })
        }),
        Subject::new("object_store", || {
            peers.runtime.block_on(async {
                for location in locations {
                    peers.object_store.put(location, content.clone().into()).await?;
                }
                Ok(written)
            })
        }),
        Subject::new("OpenDAL", || {
            peers.runtime.block_on(async {
                for name in names {
                    peers.opendal.write(name, content.clone()).await?;
                }
                Ok(written)
            })
        }),
    ];
    row(name, names.len() as u64, "op", subjects)
}

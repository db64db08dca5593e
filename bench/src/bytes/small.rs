//! Small objects on local files: one after the other, in an order without locality.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use futures::TryStreamExt;
use object_store::ObjectStoreExt;
use worldstore_core::{Durability, Key, ReadOptions, StatOptions, WriteOptions};

use super::peers::{Peers, body};
use crate::Failure;
use crate::measure::{Row, Seen, Subject, row};

/// Bytes of an object.
const SIZE: usize = 4096;
/// Objects that are read.
const OBJECTS: usize = 2_000;

/// Writes the objects and returns their names, shuffled.
fn seeded(folder: &Path, scale: usize) -> Result<Vec<String>, Failure> {
    let count = (OBJECTS / scale).max(10);
    for number in 0..count {
        let path = folder.join(format!("{}", number % 10));
        fs::create_dir_all(&path)?;
        fs::write(path.join(format!("{number}")), body(SIZE, number as u64))?;
    }
    // A step that shares no factor with the count visits all.
    let step = (count / 3..).find(|step| gcd(*step, count) == 1).unwrap_or(1);
    Ok((0..count).map(|place| place * step % count).map(|number| format!("{}/{number}", number % 10)).collect())
}

fn gcd(one: usize, other: usize) -> usize {
    if other == 0 { one } else { gcd(other, one % other) }
}

pub fn head(name: &str, folder: &Path, scale: usize) -> Result<Row, Failure> {
    let (names, peers) = (seeded(folder, scale)?, Peers::local(folder)?);
    let keys = names.iter().map(Key::new).collect::<Result<Vec<_>, _>>()?;
    let paths: Vec<PathBuf> = names.iter().map(|name| folder.join(name)).collect();
    let locations: Vec<_> = names.iter().map(|name| object_store::path::Path::from(name.as_str())).collect();
    let options = StatOptions::default();
    let subjects = vec![
        Subject::new("std::fs", || {
            let mut seen = Seen::default();
            for path in &paths {
                seen.add_size(fs::metadata(path)?.len());
            }
            Ok(seen)
        }),
        Subject::new("worldstore", || {
            let mut seen = Seen::default();
            for key in &keys {
                seen.add_size(peers.backend.stat(key, &options)?.size);
            }
            Ok(seen)
        }),
        Subject::new("worldstore async", || {
            peers.runtime.block_on(async {
                let mut seen = Seen::default();
                for key in &keys {
                    seen.add_size(peers.async_backend.stat(key, &options).await?.size);
                }
                Ok(seen)
            })
        }),
        Subject::new("object_store", || {
            peers.runtime.block_on(async {
                let mut seen = Seen::default();
                for location in &locations {
                    seen.add_size(peers.object_store.head(location).await?.size);
                }
                Ok(seen)
            })
        }),
        Subject::new("OpenDAL", || {
            peers.runtime.block_on(async {
                let mut seen = Seen::default();
                for name in &names {
                    seen.add_size(peers.opendal.stat(name).await?.content_length());
                }
                Ok(seen)
            })
        }),
        Subject::new("OpenDAL blocking", || {
            let mut seen = Seen::default();
            for name in &names {
                seen.add_size(peers.opendal_blocking.stat(name)?.content_length());
            }
            Ok(seen)
        }),
    ];
    row(name, names.len() as u64, "op", subjects)
}

pub fn read(name: &str, folder: &Path, scale: usize) -> Result<Row, Failure> {
    let (names, peers) = (seeded(folder, scale)?, Peers::local(folder)?);
    let keys = names.iter().map(Key::new).collect::<Result<Vec<_>, _>>()?;
    let paths: Vec<PathBuf> = names.iter().map(|name| folder.join(name)).collect();
    let locations: Vec<_> = names.iter().map(|name| object_store::path::Path::from(name.as_str())).collect();
    let options = ReadOptions::default();
    let subjects = vec![
        Subject::new("std::fs", || {
            let mut seen = Seen::default();
            for path in &paths {
                seen.add(&fs::read(path)?);
            }
            Ok(seen)
        }),
        Subject::new("worldstore", || {
            let mut seen = Seen::default();
            for name in &names {
                seen.add(&peers.store.read_bytes(name)?);
            }
            Ok(seen)
        }),
        Subject::new("worldstore async", || {
            peers.runtime.block_on(async {
                let mut seen = Seen::default();
                for key in &keys {
                    let body: Vec<_> = peers.async_backend.read(key, &options).await?.body.try_collect().await?;
                    seen.count += 1;
                    body.iter().for_each(|chunk| seen.add_part(chunk));
                }
                Ok(seen)
            })
        }),
        Subject::new("object_store", || {
            peers.runtime.block_on(async {
                let mut seen = Seen::default();
                for location in &locations {
                    seen.add(&peers.object_store.get(location).await?.bytes().await?);
                }
                Ok(seen)
            })
        }),
        Subject::new("OpenDAL", || {
            peers.runtime.block_on(async {
                let mut seen = Seen::default();
                for name in &names {
                    seen.add(&peers.opendal.read(name).await?.to_bytes());
                }
                Ok(seen)
            })
        }),
        Subject::new("OpenDAL blocking", || {
            let mut seen = Seen::default();
            for name in &names {
                seen.add(&peers.opendal_blocking.read(name)?.to_bytes());
            }
            Ok(seen)
        }),
    ];
    row(name, names.len() as u64, "op", subjects)
}

/// New objects, whole or not at all, without a promise for a power cut: what object_store and OpenDAL give.
pub fn write(name: &str, folder: &Path, scale: usize) -> Result<Row, Failure> {
    let (count, peers) = ((1_000 / scale).max(10), Peers::local(folder)?);
    let (content, fresh) = (bytes::Bytes::from(body(SIZE, 7)), Fresh::default());
    let staging = folder.join("std-staging");
    fs::create_dir_all(&staging)?;
    let options = WriteOptions::default().with_durability(Durability::None);
    let subjects = vec![
        Subject::new("std::fs", || {
            times(count, || std_write(folder, &staging, &fresh.name("std"), &content, Durability::None))
        }),
        Subject::new("worldstore", || {
            times(count, || Ok(peers.store.write_with(&fresh.name("ours"), content.clone(), &options).map(drop)?))
        }),
        Subject::new("worldstore async", || {
            peers.runtime.block_on(async {
                for _ in 0..count {
                    let key = Key::new(fresh.name("ours-async"))?;
                    let _ = peers.async_backend.write(&key, content.clone(), &options).await?;
                }
                Ok(done(count))
            })
        }),
        Subject::new("object_store", || {
            peers.runtime.block_on(async {
                for _ in 0..count {
                    let location = object_store::path::Path::from(fresh.name("object_store"));
                    peers.object_store.put(&location, content.clone().into()).await?;
                }
                Ok(done(count))
            })
        }),
        Subject::new("OpenDAL", || {
            peers.runtime.block_on(async {
                for _ in 0..count {
                    peers.opendal.write(&fresh.name("opendal"), content.clone()).await?;
                }
                Ok(done(count))
            })
        }),
    ];
    row(name, count as u64, "op", subjects)
}

/// New objects that survive a power cut, name and all. No peer promises that on local files: object_store syncs
/// nothing, OpenDAL the file but not its folder. So this one is against the system calls alone.
pub fn write_durable(name: &str, folder: &Path, scale: usize) -> Result<Row, Failure> {
    let (count, peers) = ((200 / scale).max(10), Peers::local(folder)?);
    let (content, fresh) = (bytes::Bytes::from(body(SIZE, 7)), Fresh::default());
    let staging = folder.join("std-staging");
    fs::create_dir_all(&staging)?;
    let options = WriteOptions::default().with_durability(Durability::Full);
    let subjects = vec![
        Subject::new("std::fs", || {
            times(count, || std_write(folder, &staging, &fresh.name("std"), &content, Durability::Full))
        }),
        Subject::new("worldstore", || {
            times(count, || Ok(peers.store.write_with(&fresh.name("ours"), content.clone(), &options).map(drop)?))
        }),
        Subject::new("worldstore async", || {
            peers.runtime.block_on(async {
                for _ in 0..count {
                    let key = Key::new(fresh.name("ours-async"))?;
                    let _ = peers.async_backend.write(&key, content.clone(), &options).await?;
                }
                Ok(done(count))
            })
        }),
    ];
    row(name, count as u64, "op", subjects)
}

fn done(count: usize) -> Seen {
    Seen { count: count as u64, ..Seen::default() }
}

fn times(count: usize, work: impl Fn() -> Result<(), Failure>) -> Result<Seen, Failure> {
    (0..count).try_for_each(|_| work())?;
    Ok(done(count))
}

/// Names that were not used before, all in one folder per subject.
#[derive(Default)]
struct Fresh(AtomicU64);

impl Fresh {
    fn name(&self, subject: &str) -> String {
        format!("{subject}/{}", self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// The least that makes an object appear whole: a temporary file and a rename, with syncs if they are asked for.
fn std_write(folder: &Path, staging: &Path, name: &str, content: &[u8], level: Durability) -> Result<(), Failure> {
    let (temporary, target) = (staging.join(name.replace('/', "-")), folder.join(name));
    let mut file = File::create(&temporary)?;
    file.write_all(content)?;
    if level == Durability::Full {
        file.sync_all()?;
    }
    if let Err(error) = fs::rename(&temporary, &target) {
        if error.kind() != std::io::ErrorKind::NotFound {
            return Err(error.into());
        }
        fs::create_dir_all(target.parent().ok_or("a name has a folder")?)?;
        fs::rename(&temporary, &target)?;
    }
    if level == Durability::Full {
        File::open(target.parent().ok_or("a name has a folder")?)?.sync_all()?;
    }
    Ok(())
}

//! Objects in Redis: a backend whose conditions are decided by the server, in scripts.
//!
//! [`RedisConfig`] names the server and a namespace in it, and connects as [`Redis`], a
//! [`Backend`](worldstore_core::Backend) with every capability but durability, which has to be asked for.
//!
//! # Keys of a namespace
//!
//! All carry the namespace as their hash tag, so that they live in one slot.
//!
//! | key | what |
//! |---|---|
//! | `{namespace}:names` | sorted set of all object keys, in byte order |
//! | `{namespace}:heads` | hash from object key to version, size, time, generation, pieces, write token |
//! | `{namespace}:small` | hash from object key to body, for small ones |
//! | `{namespace}:serial` | the last version given out |
//! | `{namespace}:pieces:` generation | hash from number to piece, for a large body |
//!
//! Pieces are staged under a generation that expires, and stay once their object is published. What is replaced expires
//! too, unless someone goes on reading it.
//!
//! # Durability
//!
//! Redis answers before anything is on a disk, unless it runs with `appendonly yes` and `appendfsync always`. So the
//! capability says `durable: false`; [`Persistence::Always`] has the server's settings checked at the start and
//! declares `durable: true`. Replicas are not waited for: a failover may lose what was answered.

mod backend;
mod config;
mod head;
mod read;
mod scripts;
mod space;
mod writer;

pub use backend::Redis;
pub use config::{Persistence, RedisConfig};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

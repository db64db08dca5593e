//! A folder on an SSH server as a worldstore backend, over the SSH File Transfer Protocol (SFTP, version 3).
//!
//! - [`SftpConfig`] says where the folder is, who we are and which host keys are trusted, and connects.
//! - [`Sftp`] is the [`AsyncBackend`](worldstore_async::AsyncBackend).
//!
//! The SSH connection is `russh`'s. The file transfer protocol is spoken here, because names and handles have to stay
//! the bytes that they are, and because what is left open by a caller who went away has to be closed.

mod backend;
mod change;
mod check;
pub mod config;
mod connect;
mod durable;
mod failure;
pub mod host_keys;
mod lookup;
mod publish;
mod read;
mod remote;
mod server;
mod session;
mod stage;
mod walk;
mod wire;

pub use backend::Sftp;
pub use config::{MissingRoot, SftpConfig};
pub use host_keys::HostKeys;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

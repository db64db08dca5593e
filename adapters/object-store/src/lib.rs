//! Any `object_store::ObjectStore` as a worldstore backend; S3 and what speaks its protocol.
//!
//! - [`ObjectStoreBackend`] is an [`AsyncBackend`](worldstore_async::AsyncBackend) over any object store, with the
//!   capability that its maker declares.
//! - [`S3Config`] (feature `s3`) names a bucket, a prefix and credentials, and connects.
//!
//! What object stores leave open is decided here: conditional changes are sent once and never repeated blindly, a
//! lost reply is resolved by a token that travels with the object, several ranges come from one state.

mod attempts;
pub mod backend;
mod check;
mod delete;
mod failure;
mod list;
mod read;
#[cfg(feature = "s3")]
pub mod s3;
mod upload;
mod write;

pub use backend::{ObjectStoreBackend, WriteTokens};
#[cfg(feature = "s3")]
pub use s3::{Conditions, S3Config, Transport};

#[cfg(all(doctest, feature = "s3"))]
#[doc = include_str!("../README.md")]
struct Readme;

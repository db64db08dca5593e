//! Any `object_store::ObjectStore` as a worldstore backend; S3, Azure Blob Storage, Google Cloud Storage, and the files
//! of a web server.
//!
//! - [`ObjectStoreBackend`] is an [`AsyncBackend`](worldstore_async::AsyncBackend) over any object store, with the
//!   capability that its maker declares.
//! - [`S3Config`] (feature `s3`), `AzureConfig` (`azure`), `GcsConfig` (`gcs`) and `HttpConfig` (`http`) name a place and
//!   credentials, and connect.
//!
//! What object stores leave open is decided here: conditional changes are sent once and never repeated blindly, a
//! lost reply is resolved by a token that travels with the object, several ranges come from one state.

// Each service uses a part of what they share; with all of them nothing may be left over.
#![cfg_attr(not(all(feature = "s3", feature = "azure", feature = "gcs", feature = "http")), allow(dead_code))]

mod attempts;
#[cfg(feature = "azure")]
pub mod azure;
pub mod backend;
mod check;
#[cfg(feature = "cloud")]
pub mod connection;
mod delete;
#[cfg(feature = "cloud")]
mod direct;
mod failure;
#[cfg(feature = "gcs")]
pub mod gcs;
#[cfg(feature = "http")]
pub mod http;
mod list;
mod protocol;
mod read;
#[cfg(feature = "s3")]
pub mod s3;
mod upload;
#[cfg(feature = "cloud")]
mod wire;
mod write;

#[cfg(feature = "azure")]
pub use azure::AzureConfig;
pub use backend::ObjectStoreBackend;
#[cfg(feature = "cloud")]
pub use connection::{Connection, Transport};
#[cfg(feature = "gcs")]
pub use gcs::GcsConfig;
#[cfg(feature = "http")]
pub use http::{HttpConfig, Redirects};
#[cfg(feature = "s3")]
pub use s3::{Conditions, S3Config, UploadConditions};

#[cfg(all(doctest, feature = "s3"))]
#[doc = include_str!("../README.md")]
struct Readme;

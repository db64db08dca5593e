//! The backend over object stores in memory, over the services by their real protocols, and over one that fails.

// As in the crate: each service uses a part of what the tests share.
#![cfg_attr(not(all(feature = "s3", feature = "azure", feature = "gcs", feature = "http")), allow(dead_code))]

#[cfg(feature = "azure")]
#[cfg(test)]
mod azure;
#[cfg(test)]
mod careless;
#[cfg(all(feature = "s3", feature = "azure", feature = "gcs", feature = "http"))]
#[cfg(test)]
mod fake;
#[cfg(feature = "http")]
#[cfg(test)]
mod http;
#[cfg(feature = "s3")]
#[cfg(test)]
mod log;
#[cfg(test)]
mod memory;
#[cfg(any(feature = "s3", feature = "azure"))]
#[cfg(test)]
mod proxy;
#[cfg(all(feature = "s3", feature = "azure", feature = "gcs", feature = "http"))]
#[cfg(test)]
mod requests;
#[cfg(feature = "s3")]
#[cfg(test)]
mod s3;
#[cfg(feature = "cloud")]
#[cfg(test)]
mod service;
#[cfg(test)]
mod suite;
#[cfg(all(feature = "s3", feature = "azure", feature = "gcs", feature = "http"))]
#[cfg(test)]
mod uploads;

//! The backend over object stores in memory, over the services by their real protocols, and over one that fails.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

#[cfg(all(test, feature = "azure"))]
mod azure;
#[cfg(test)]
mod careless;
#[cfg(all(test, feature = "s3", feature = "gcs"))]
mod fake;
#[cfg(all(test, feature = "http"))]
mod http;
#[cfg(test)]
mod memory;
#[cfg(all(test, feature = "s3"))]
mod proxy;
#[cfg(all(test, feature = "s3", feature = "gcs"))]
mod requests;
#[cfg(all(test, feature = "s3"))]
mod s3;
#[cfg(all(test, feature = "cloud"))]
mod service;
#[cfg(test)]
mod suite;

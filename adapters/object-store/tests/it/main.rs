//! The backend over object stores in memory, and over S3 by its real protocol.

#[cfg(test)]
mod careless;
#[cfg(test)]
mod memory;
#[cfg(feature = "s3")]
#[cfg(test)]
mod proxy;
#[cfg(feature = "s3")]
#[cfg(test)]
mod s3;
#[cfg(test)]
mod suite;

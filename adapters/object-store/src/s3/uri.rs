//! Addresses: buckets, and the services that hold them.

use url::Url;
use worldstore_core::{Error, Prefix, Result};

/// Bucket and root of `s3://bucket/folder`.
pub(super) fn bucket_and_root(uri: &str) -> Result<(String, Prefix)> {
    let broken = |reason: &'static str| Err(Error::invalid(reason));
    let Some(rest) = uri.strip_prefix("s3://") else { return broken("URI does not start with s3://") };
    let (bucket, folder) = rest.split_once('/').unwrap_or((rest, ""));
    // What looks like credentials is not repeated in the message.
    if bucket.contains(['@', ':']) {
        return broken("URI of a bucket holds neither user nor port: give an endpoint and credentials");
    }
    if uri.contains(['?', '#']) {
        return broken("URI of a bucket has neither query nor fragment");
    }
    check_bucket(bucket)?;
    let root = Prefix::new(folder.strip_suffix('/').unwrap_or(folder)).map_err(|error| error.with("uri", uri))?;
    Ok((bucket.to_owned(), root))
}

fn check_bucket(bucket: &str) -> Result<()> {
    let broken = |reason: &'static str| Err(Error::invalid(reason).with("bucket", bucket));
    if bucket.is_empty() {
        return Err(Error::invalid("URI names no bucket"));
    }
    if !(3..=63).contains(&bucket.len()) {
        return broken("name of a bucket has 3 to 63 characters");
    }
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
    if !bucket.bytes().all(allowed) {
        return broken("name of a bucket has only small letters, digits, dots and hyphens");
    }
    if bucket.starts_with(['.', '-']) || bucket.ends_with(['.', '-']) || bucket.contains("..") {
        return broken("name of a bucket begins and ends with a letter or digit and has no two dots in a row");
    }
    if bucket.ends_with("--x-s3") {
        return broken("directory buckets are not supported: they list in no order");
    }
    Ok(())
}

/// Checks the address of a service.
pub(super) fn endpoint(address: &str, http_allowed: bool) -> Result<()> {
    let url = Url::parse(address).map_err(|error| Error::invalid("endpoint is no URL").caused_by(error))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::invalid("endpoint holds credentials: set them apart from it"));
    }
    let broken = |reason: &'static str| Err(Error::invalid(reason).with("endpoint", address));
    match url.scheme() {
        "https" => {}
        "http" if http_allowed => {}
        "http" => return broken("endpoint is plain HTTP, which is not allowed"),
        _ => return broken("endpoint is neither http nor https"),
    }
    if url.query().is_some() || url.fragment().is_some() {
        return broken("endpoint has a query or fragment");
    }
    Ok(())
}

//! What was compiled in: the text of `--version`, and what `worldstore doctor` tells first.

use std::sync::LazyLock;

/// Every feature of the package, and whether it is on.
pub const FEATURES: [(&str, bool); 21] = [
    ("archetype", cfg!(feature = "archetype")),
    ("azure", cfg!(feature = "azure")),
    ("cli", cfg!(feature = "cli")),
    ("ecs", cfg!(feature = "ecs")),
    ("gcs", cfg!(feature = "gcs")),
    ("graph", cfg!(feature = "graph")),
    ("http", cfg!(feature = "http")),
    ("iceberg", cfg!(feature = "iceberg")),
    ("iceberg-rest", cfg!(feature = "iceberg-rest")),
    ("lance", cfg!(feature = "lance")),
    ("postgres", cfg!(feature = "postgres")),
    ("redb", cfg!(feature = "redb")),
    ("redis", cfg!(feature = "redis")),
    ("rsa", cfg!(feature = "rsa")),
    ("s3", cfg!(feature = "s3")),
    ("sftp", cfg!(feature = "sftp")),
    ("sled", cfg!(feature = "sled")),
    ("sql", cfg!(feature = "sql")),
    ("sqlite", cfg!(feature = "sqlite")),
    ("tls", cfg!(feature = "tls")),
    ("zset", cfg!(feature = "zset")),
];

/// The names of the features that are on, or of those that are off.
pub fn features(on: bool) -> String {
    let names: Vec<&str> = FEATURES.iter().filter(|(_, is_on)| *is_on == on).map(|(name, _)| *name).collect();
    match names.is_empty() {
        true => "none".to_owned(),
        false => names.join(" "),
    }
}

/// The version, and what it was built for.
pub fn build() -> String {
    let debug = if cfg!(debug_assertions) { ", debug build" } else { "" };
    format!("{} ({}-{}{debug})", env!("CARGO_PKG_VERSION"), std::env::consts::ARCH, std::env::consts::OS)
}

/// What `--version` tells behind the name.
pub static VERSION: LazyLock<String> =
    LazyLock::new(|| format!("{}\nfeatures: {}\nleft out: {}", build(), features(true), features(false)));

#[cfg(test)]
mod tests;

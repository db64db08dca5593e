//! The table of schemes, whether they are compiled in or not.

use super::scheme::{Naming, Residence, SchemeInfo};

/// What every service over HTTP is told: a plain endpoint needs `allow_http`, times are in milliseconds.
const CONNECTION: [&str; 5] =
    ["allow_http", "connect_timeout_ms", "request_timeout_ms", "retries_max", "retry_budget_ms"];

/// All schemes, in the order in which they are listed.
pub(super) fn known() -> Vec<SchemeInfo> {
    here().into_iter().chain(services()).chain(databases()).collect()
}

fn scheme(name: &str, feature: &str, example: &str, about: &str) -> SchemeInfo {
    SchemeInfo::new(name).with_feature(feature).with_example(example).with_about(about)
}

fn here() -> [SchemeInfo; 2] {
    let memory = SchemeInfo::new("memory").with_example("memory:").with_about("in the process, new each time");
    let file = SchemeInfo::new("file").with_alias("local").with_example("file:///folder");
    [
        memory.with_naming(Naming::Container).with_residence(Residence::Process),
        file.with_about("a folder, also as a plain path").with_naming(Naming::Folder).with_residence(Residence::Folder),
    ]
}

fn services() -> [SchemeInfo; 5] {
    let with = |names: &[&'static str]| [names, &CONNECTION].concat();
    [
        scheme("s3", "s3", "s3://bucket/folder", "Amazon S3 and what speaks its protocol").with_settings(with(&[
            "access_key_id",
            "conditions",
            "delete_conditions",
            "endpoint",
            "region",
            "secret_access_key",
            "upload_conditions",
        ])),
        scheme("az", "azure", "az://container/folder", "Azure Blob Storage")
            .with_alias("azure")
            .with_settings(with(&["access_key", "account", "bearer_token", "endpoint", "sas_token"])),
        scheme("gs", "gcs", "gs://bucket/folder", "Google Cloud Storage").with_settings(with(&[
            "anonymous",
            "bearer_token",
            "endpoint",
            "service_account_file",
            "service_account_key",
        ])),
        scheme("http", "http", "https://host/folder", "files of a web server, read-only, without listings")
            .with_alias("https")
            .with_naming(Naming::Url)
            .with_settings(with(&["redirects"])),
        scheme("sftp", "sftp", "sftp://user@host/folder", "a folder on an SSH server")
            .with_naming(Naming::Url)
            .with_settings(vec!["agent", "key_file", "key_passphrase", "known_hosts", "password"]),
    ]
}

fn databases() -> [SchemeInfo; 5] {
    let database = |name, example, about| scheme(name, name, example, about).with_naming(Naming::Container);
    [
        database("sqlite", "sqlite:///folder/file.db", "objects in an SQLite file"),
        database("postgres", "postgres://user@host/database", "objects in a PostgreSQL database")
            .with_alias("postgresql"),
        database("redis", "redis://host:6379/0", "objects on a Redis server").with_alias("rediss"),
        database("sled", "sled:///folder", "objects in an embedded database, not power-safe"),
        database("redb", "redb:///folder/file.redb", "objects in one durable file"),
    ]
}

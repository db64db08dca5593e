//! Which of several sources wins, and how what is wrong is told.

use worldstore_cache::Durability;
use worldstore_core::ErrorKind;

use super::place::file_name;
use super::*;
use crate::TableFormat;

const FILE: &str = "\
[storage]
uri = 's3://${BUCKET:-shelf}/a'
backend = 'iceberg'
metadata = '/var/meta'

[storage.io]
region = 'eu-central-1'
endpoint = 'http://here'

[cache]
flush_rows = 10
idle_sec = 2.5
global_mb = 64
durability = 'buffered'
";

fn file(text: &str) -> Config {
    Config::parse(text, "some.toml", &Lookup::none()).unwrap()
}

#[test]
fn defaults_are_those_of_the_docs() {
    let config = StorageConfig::load(None, &Lookup::none()).unwrap();
    assert_eq!((config.uri.as_str(), config.namespace.as_str()), ("./worldstore_data", "worlds"));
    assert_eq!((config.backend, config.metadata.to_str()), (None, Some(".worldstore_meta")));
    assert_eq!(config.io.names().count(), 0);
    let cache = load_cache(None, &Lookup::none()).unwrap();
    assert_eq!(cache, CacheConfig::default());
    assert_eq!((cache.flush_rows, cache.flush_mb, cache.global_mb), (1_000_000, 512, 1024));
    assert_eq!((cache.idle_sec, cache.direct_mb, cache.durability), (30.0, 32, Durability::Durable));
}

#[test]
fn the_environment_wins_over_the_file() {
    let file = file(FILE);
    let config = StorageConfig::load(Some(&file), &Lookup::none()).unwrap();
    assert_eq!((config.uri.as_str(), config.backend), ("s3://shelf/a", Some(TableFormat::Iceberg)));
    let environment = Lookup::given([
        ("WORLDSTORE_STORAGE_URI", "s3://other"),
        ("WORLDSTORE_STORAGE_NAMESPACE", "lab"),
        ("WORLDSTORE_STORAGE_METADATA", ""),
        ("WORLDSTORE_STORAGE_IO_REGION", "us-east-1"),
        ("WORLDSTORE_CACHE_FLUSH_ROWS", "20"),
        ("WORLDSTORE_CACHE_DIRECT_MB", "0"),
        ("WORLDSTORE_CACHE_DURABILITY", "durable"),
        ("WORLDSTORE_STORAGES", "of others"),
    ]);
    let config = StorageConfig::load(Some(&file), &environment).unwrap();
    assert_eq!((config.uri.as_str(), config.namespace.as_str()), ("s3://other", "lab"));
    assert_eq!(config.metadata.to_str(), Some("/var/meta"), "an empty variable counts as not set");
    assert_eq!((config.io.text("region"), config.io.text("endpoint")), (Some("us-east-1"), Some("http://here")));
    assert_eq!(config.with_uri("memory:").uri, "memory:", "the program wins over all");
    let cache = load_cache(Some(&file), &environment).unwrap();
    assert_eq!((cache.flush_rows, cache.flush_mb, cache.global_mb), (20, 512, 64));
    assert_eq!((cache.idle_sec, cache.direct_mb, cache.durability), (2.5, 0, Durability::Durable));
}

#[test]
fn errors_name_the_key_and_the_source() {
    let said = |error: Error| {
        assert_eq!(error.kind(), ErrorKind::Invalid);
        error.to_string()
    };
    let parsed = |text: &str| said(Config::parse(text, "some.toml", &Lookup::none()).unwrap_err());
    for (text, part) in [
        (
            "[cache]\n\nflush_row = 1\n",
            "unknown key, at: some.toml:3, key: cache.flush_row, known: flush_rows flush_mb",
        ),
        ("[storage]\nurl = 'a'\n", "at: some.toml:2, key: storage.url, known: uri namespace"),
        ("[storage]\nio = 'a'\n", "key is no table"),
        ("[storages]\nuri = 'a'\n", "key: storages, known: cache lake profile storage"),
    ] {
        assert!(parsed(text).contains(part), "{text}: {}", parsed(text));
    }
    let cache = |text: &str| said(load_cache(Some(&file(text)), &Lookup::none()).unwrap_err());
    for (text, parts) in [
        (
            "[cache]\nflush_mb = '512MB'\n",
            ["mebibytes, without a unit, key: cache.flush_mb", "at: some.toml:2, got: 512MB"],
        ),
        ("[cache]\nidle_sec = '30s'\n", ["seconds, without a unit, key: cache.idle_sec", "at: some.toml:2, got: 30s"]),
        ("[cache]\nglobal_mb = 1073741824\n", ["from 32 to 16777216, key: cache.global_mb", "got: 1073741824"]),
        ("[cache]\nglobal_mb = 31\n", ["from 32 to 16777216, key: cache.global_mb", "got: 31"]),
        ("[cache]\ndirect_mb = 33554432\n", ["from 0 to 16777216, key: cache.direct_mb", "got: 33554432"]),
        ("[cache]\nflush_rows = 0\n", ["at least 1, key: cache.flush_rows", "at: some.toml:2"]),
        ("[cache]\nflush_mb = 0\n", ["key: cache.flush_mb", "got: 0"]),
        ("[cache]\nflush_rows = -1\n", ["key: cache.flush_rows", "got: -1"]),
        ("[cache]\nflush_rows = 1.5\n", ["key: cache.flush_rows", "got: 1.5"]),
        ("[cache]\nidle_sec = 0.0\n", ["key: cache.idle_sec", "at: some.toml:2"]),
        ("[cache]\nidle_sec = inf\n", ["key: cache.idle_sec", "at: some.toml:2"]),
        ("[cache]\nidle_sec = nan\n", ["key: cache.idle_sec", "at: some.toml:2"]),
        ("[cache]\nidle_sec = -3\n", ["key: cache.idle_sec", "got: -3"]),
        ("[cache]\ndurability = 'safe'\n", ["key: cache.durability", "got: safe, known: buffered durable"]),
    ] {
        let message = cache(text);
        assert!(parts.iter().all(|part| message.contains(part)), "{text}: {message}");
    }
    for (variable, value, part) in [
        ("WORLDSTORE_CACHE_FLUSH_ROW", "1", "unknown key, at: WORLDSTORE_CACHE_FLUSH_ROW, key: cache.flush_row"),
        ("WORLDSTORE_CACHE_IO_REGION", "a", "key: cache.io_region"),
        ("WORLDSTORE_CACHE_GLOBAL_MB", "1GB", "key: cache.global_mb, at: WORLDSTORE_CACHE_GLOBAL_MB, got: 1GB"),
        ("WORLDSTORE_CACHE_GLOBAL_MB", "0", "key: cache.global_mb, at: WORLDSTORE_CACHE_GLOBAL_MB, got: 0"),
    ] {
        let message = said(load_cache(None, &Lookup::given([(variable, value)])).unwrap_err());
        assert!(message.contains(part), "{message}");
    }
    for (variable, value, part) in [
        ("WORLDSTORE_STORAGE_BACKEND", "delta", "got: delta, known: lance iceberg memory"),
        ("WORLDSTORE_STORAGE_NAMESPACE", "a/b", "key: storage.namespace, at: WORLDSTORE_STORAGE_NAMESPACE"),
        ("WORLDSTORE_STORAGE_URI", " ", "key: storage.uri, at: WORLDSTORE_STORAGE_URI"),
        ("WORLDSTORE_STORAGE_IO_", "a", "unknown key"),
    ] {
        let message = said(StorageConfig::load(None, &Lookup::given([(variable, value)])).unwrap_err());
        assert!(message.contains(part), "{message}");
    }
}

#[tokio::test]
async fn what_the_program_sets_is_checked_too() {
    let refused = |config: StorageConfig, cache: CacheConfig| async move {
        StorageContext::builder(config).with_cache(cache).build().await.unwrap_err().to_string()
    };
    let memory = || StorageConfig::default().with_uri("memory:");
    for (message, part) in [
        (refused(memory().with_namespace(".."), CacheConfig::default()).await, "storage.namespace, at: the program"),
        (refused(memory().with_uri(""), CacheConfig::default()).await, "storage.uri, at: the program"),
        (refused(memory(), CacheConfig::default().with_flush_rows(0)).await, "cache.flush_rows, at: the program"),
        (refused(memory().with_io("region", "x"), CacheConfig::default()).await, "unknown setting, setting: region"),
    ] {
        assert!(message.contains(part), "{message}");
    }
    let file = file("[storage]\nuri = 'memory:'\n[storage.io]\nregion = 'x'\n");
    let config = StorageConfig::load(Some(&file), &Lookup::none()).unwrap();
    let message = refused(config, CacheConfig::default()).await;
    assert!(message.contains("setting: region") && message.contains("at: some.toml:4"), "{message}");
}

#[test]
fn nothing_secret_is_shown() {
    let config = StorageConfig::default().with_uri("redis://me:hidden@host").with_io("password", "hidden");
    let shown = format!("{config:?} {:?}", file("[storage]\nuri = 'redis://me:hidden@host'\n"));
    assert!(!shown.contains("hidden") && shown.contains("password"), "{shown}");
}

#[test]
fn no_two_locations_have_one_folder_name() {
    assert_eq!(file_name("s3://shelf/a_b"), "s3_3a_2f_2fshelf_2fa_5fb");
    assert_ne!(file_name("s3://shelf/a/b"), file_name("s3://shelf/a_2fb"));
}

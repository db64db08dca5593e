//! Schemes of one's own, what is refused, and profiles.

use std::sync::Arc;

use worldstore_core::Memory;

use super::*;
use crate::config::{Config, Lookup};

fn shelf() -> Scheme {
    let info = SchemeInfo::new("shelf").with_alias("rack").with_settings(["width", "code"]);
    Scheme::new(info, |request: OpenRequest| async move {
        if let Some("narrow") = request.settings.text("width") {
            return Err(request.settings.wrong("width", "setting is too narrow"));
        }
        Ok(Storage::from_sync(Arc::new(Memory::new()), request.uri))
    })
}

async fn refused(registry: &Registry, uri: &str, options: &OpenOptions) -> String {
    let error = registry.open(uri, options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    error.to_string()
}

#[tokio::test]
async fn own_schemes_are_opened_on_both_sides() {
    let mut registry = Registry::empty();
    registry.register(shelf()).unwrap();
    for uri in ["shelf://a", "rack://a"] {
        let storage = registry.open(uri, &OpenOptions::default().with_setting("width", "wide")).await.unwrap();
        assert_eq!(storage.location, uri);
        storage.store().write("key", "value").await.unwrap();
        assert_eq!(storage.sync_store().unwrap().read_text("key").unwrap(), "value");
    }
    assert_eq!(registry.register(shelf()).unwrap_err().kind(), ErrorKind::AlreadyExists);
    for name in ["", "Shelf", "3d", "a/b", "profile"] {
        let open = |_| async { Err(Error::unexpected("never opened")) };
        let error = registry.register(Scheme::new(SchemeInfo::new(name), open)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{name}");
    }
}

#[tokio::test]
async fn unknown_schemes_and_settings_are_named() {
    let mut registry = Registry::empty();
    registry.register(shelf()).unwrap();
    let options = OpenOptions::default();
    let said = refused(&registry, "case://a", &options).await;
    assert_eq!(said, "invalid: unknown scheme, scheme: case, known: shelf rack");
    let said = refused(&registry, "sqlite:///a.db", &options).await;
    assert!(said.contains("not compiled in, build with feature sqlite, scheme: sqlite, known: shelf rack"), "{said}");
    let said = refused(&registry, "shelf://a", &options.clone().with_setting("wdth", "hidden")).await;
    assert_eq!(said, "invalid: unknown setting, setting: wdth, scheme: shelf, known: width code");
    let said = refused(&registry, "shelf://a", &options.with_setting("width", "narrow")).await;
    assert_eq!(said, "invalid: setting is too narrow, setting: width");
    let said = refused(&registry, "profile:", &OpenOptions::default()).await;
    assert!(said.contains("names no profile"), "{said}");
}

#[test]
fn the_list_has_every_scheme_once() {
    let list = Registry::compiled_in().list();
    let names: Vec<&str> = list.iter().map(|listed| listed.info.name.as_str()).collect();
    for name in ["memory", "file", "s3", "az", "gs", "http", "sftp", "sqlite", "postgres", "redis", "sled", "redb"] {
        assert_eq!(names.iter().filter(|other| **other == name).count(), 1, "{name} in {names:?}");
    }
    for listed in &list {
        let SchemeInfo { name, feature, example, about, .. } = &listed.info;
        assert!(uri::scheme(example).unwrap() == name || listed.info.names().any(|alias| example.starts_with(alias)));
        assert!(!about.is_empty() && (feature.is_some() || listed.compiled_in), "{name}");
    }
    assert_eq!(names.len(), known::known().len());
    let cloud = list.iter().find(|listed| listed.info.name == "gs").unwrap();
    assert_eq!(cloud.compiled_in, cfg!(feature = "gcs"));
}

#[tokio::test]
async fn profiles_add_settings_and_paths() {
    let text = "[profile.wide]\nuri = 'shelf://${NAME}'\nwidth = 'wide'\n[profile.narrow]\nuri = 'shelf://b'\n\n\
                width = 'narrow'\n[profile.unset]\nuri = 'shelf://b'\ncode = '${CODE}'\n";
    let config = Config::parse(text, "some.toml", &Lookup::given([("NAME", "a")])).unwrap();
    let mut registry = Registry::empty();
    registry.register(shelf()).unwrap();
    let registry = registry.with_config(config).unwrap();
    let options = OpenOptions::default();
    assert_eq!(registry.open("profile:wide", &options).await.unwrap().location, "shelf://a");
    assert_eq!(registry.open_profile("wide", "b/c", &options).await.unwrap().location, "shelf://a/b/c");
    let located = registry.locate("profile:wide/b/c").unwrap();
    assert_eq!((located.root.as_str(), located.path.as_str()), ("shelf://a", "b/c"));
    let said = refused(&registry, "profile:narrow", &options).await;
    assert_eq!(said, "invalid: setting is too narrow, setting: width, at: some.toml:7, profile: narrow");
    let said = refused(&registry, "profile:unset", &options).await;
    assert!(said.contains("variable: CODE, key: code, profile: unset, at: some.toml:10"), "{said}");
    assert!(registry.open("profile:none", &options).await.unwrap_err().is_not_found());
    assert!(Registry::empty().open("profile:wide", &options).await.unwrap_err().is_not_found());
}

#[test]
fn settings_of_profiles_are_checked_where_they_are_known() {
    let text = "[profile.a]\nuri = 'shelf://a'\n\nlength = 'hidden'\n";
    let config = Config::parse(text, "some.toml", &Lookup::none()).unwrap();
    let mut registry = Registry::empty();
    assert!(registry.clone().with_config(config.clone()).is_ok(), "another build may know the scheme");
    registry.register(shelf()).unwrap();
    let error = registry.with_config(config).unwrap_err().to_string();
    assert!(error.contains("unknown setting, setting: length, scheme: shelf"), "{error}");
    assert!(error.contains("at: some.toml:4, profile: a") && !error.contains("hidden"), "{error}");
}

#[tokio::test]
async fn a_path_inside_of_a_store_is_not_opened_as_a_store() {
    let error = Registry::compiled_in().open("memory:!/a", &OpenOptions::default()).await.unwrap_err();
    assert!(error.to_string().contains("leave out what follows `!/`"), "{error}");
}

#[tokio::test]
async fn passwords_of_stores_without_a_world_are_not_shown() {
    let mut registry = Registry::empty();
    registry.register(shelf()).unwrap();
    let options = crate::WorldOptions::default().with_registry(registry);
    for read in [
        crate::World::read("shelf://me:hidden@a", &options).await,
        crate::World::open("shelf://me:hidden@a", &options).await,
    ] {
        let said = read.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(said.contains("world: shelf://me:***@a"), "{said}");
    }
}

//! Who says what a bucket is, what is refused, and what a tier keeps.

use std::fs;

use worldstore_core::lake::{LakeListOptions, Template};

use super::*;
use crate::config::Config;

const TOML: &str = "
[profile.lab]
uri = 'memory:'

[lake.nfl]
uri = '${NFL:-/data/nfl}'

[lake.lab]
uri = 'profile:lab'

[lake.tiered]
uri = '/far'
residency = 'tiered'
cache = '/near'
cache_bytes_max = 1000
";

fn registry(variables: &[(&str, &str)]) -> Registry {
    let config = Config::parse(TOML, "some.toml", &Lookup::none()).unwrap();
    let registry = Registry::compiled_in().with_config(config).unwrap();
    registry.with_lake_variables(Lookup::given(variables.iter().copied()))
}

#[test]
fn the_first_that_says_anything_counts() {
    let all = [("WORLDSTORE_LAKE_NFL", "/variable"), (ROOT_VARIABLE, "/root/")];
    let uri = |registry: &Registry, bucket: &str| {
        let mount = registry.mount(bucket).unwrap();
        (mount.uri, mount.origin.to_string(), mount.residency)
    };
    let told = |uri: &str, origin: &str| (uri.to_owned(), origin.to_owned(), Residency::Local);
    let given = registry(&all).with_mount("nfl", "/given").unwrap();
    assert_eq!(uri(&given, "nfl"), told("/given", "given"));
    assert_eq!(uri(&registry(&all), "nfl"), told("/variable", "WORLDSTORE_LAKE_NFL"));
    assert_eq!(uri(&registry(&all[1..]), "nfl"), told("/data/nfl", "some.toml:5"));
    assert_eq!(uri(&registry(&all), "odd-name.x"), told("/root/odd-name.x", ROOT_VARIABLE));
    assert_eq!(uri(&registry(&[("WORLDSTORE_LAKE_ODD_NAME_X", "file:///odd")]), "odd-name.x").0, "file:///odd");
    assert_eq!(uri(&registry(&all), "root"), told("/root/root", ROOT_VARIABLE), "it has no variable of its own");
    assert_eq!(uri(&registry(&[("WORLDSTORE_LAKE_NFL", "")]), "nfl").0, "/data/nfl", "an empty one is none");

    let error = registry(&[]).mount("other").unwrap_err();
    assert!(error.is_not_found());
    for part in ["bucket: other", "known: lab nfl tiered", "WORLDSTORE_LAKE_OTHER WORLDSTORE_LAKE_ROOT"] {
        assert!(error.to_string().contains(part), "{error}");
    }
    assert!(Registry::compiled_in().mount("nfl").unwrap_err().is_not_found(), "nothing is looked for unasked");
}

#[test]
fn addresses_are_resolved() {
    let registry = registry(&[]).with_mount("db", "sqlite:///x.db").unwrap();
    let resolve = |text: &str| registry.resolve_lake(&LakeUri::parse(text).unwrap());
    for (address, physical) in [
        ("lake://nfl/tracks/{season:int}/week={week}", "/data/nfl/tracks/{season:int}/week={week}"),
        ("lake://nfl/", "/data/nfl"),
        ("lake://lab/a/", "memory:!/a/"),
        ("lake://tiered/a%20b", "/far/a%20b"),
    ] {
        assert_eq!(resolve(address).unwrap().physical, physical);
    }
    let tier = resolve("lake://tiered").unwrap().mount;
    let options = TierOptions::default().with_bytes_max(1000);
    assert_eq!((tier.residency, tier.tier), (Residency::Tiered, Some(Tier { cache: "/near".to_owned(), options })));
    #[cfg(not(feature = "sqlite"))]
    assert!(resolve("lake://db").unwrap_err().to_string().contains("feature sqlite"));
}

#[test]
fn wrong_mounts_are_told() {
    for (lines, parts) in [
        ("uri = 'lake://other'", ["cannot be another one", "bucket: a"]),
        ("uri = 'gz://x'", ["unknown scheme", "at: some.toml:1"]),
        ("uri = 'profile:none'", ["no such profile", "bucket: a"]),
        ("uri = 'memory:!/x'", ["a whole store", "bucket: a"]),
        ("uri = '${NONE}'", ["not set", "bucket: a"]),
        ("uri = '/x'\nresidency = 'near'", ["unknown residency", "known: local remote tiered"]),
        ("uri = '/x'\ncache = '/y'", ["only what is tiered", "key: cache"]),
        ("uri = '/x'\nresidency = 'tiered'", ["needs the folder", "key: cache"]),
        (
            "uri = '/x'\nresidency = 'tiered'\ncache = '/y'\ncache_bytes_max = -1",
            ["no number of bytes", "cache_bytes_max"],
        ),
        ("uri = '/x'\nresidency = 'tiered'\ncache = 'lake://b'", ["cannot be another one", "bucket: a"]),
    ] {
        let config = Config::parse(&format!("[lake.a]\n{lines}\n"), "some.toml", &Lookup::none()).unwrap();
        let error = Registry::compiled_in().with_config(config).unwrap().mount("a").unwrap_err().to_string();
        for part in parts {
            assert!(error.contains(part), "{lines} should say {part:?}: {error}");
        }
    }
    assert!(Registry::compiled_in().with_mount("a/b", "/x").is_err());
    assert!(Registry::compiled_in().with_mount("", "/x").is_err());
    let above = registry(&[(ROOT_VARIABLE, "/root")]).mount("..").unwrap_err();
    assert_eq!(above.kind(), worldstore_core::ErrorKind::Invalid, "nothing leads above the root");
    let mut registry = Registry::compiled_in();
    let open = |_| async { Err(Error::unexpected("never opened")) };
    assert!(registry.register(Scheme::new(SchemeInfo::new("lake"), open)).is_err(), "the name is taken");
}

#[tokio::test]
async fn a_remote_scheme_is_not_local() {
    let mut registry = Registry::compiled_in();
    let open = |_| async { Err(Error::unexpected("never opened")) };
    registry.register(Scheme::new(SchemeInfo::new("far"), open)).unwrap();
    let with = |lines: &str| {
        let config =
            Config::parse(&format!("[lake.a]\nuri = 'far://x'\n{lines}\n"), "some.toml", &Lookup::none()).unwrap();
        registry.clone().with_config(config).unwrap().mount("a")
    };
    assert_eq!(with("").unwrap().residency, Residency::Remote);
    assert!(with("residency = 'local'").unwrap_err().to_string().contains("cannot be local"));
    assert!(with("residency = 'tiered'\ncache = 'far://y'").unwrap_err().to_string().contains("on this machine"));
    assert_eq!(with("residency = 'tiered'\ncache = '/y'").unwrap().residency, Residency::Tiered);
}

#[tokio::test]
async fn buckets_are_opened_and_a_tier_keeps_what_was_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::create_dir_all(folder.path().join("far/nfl/season=2024")).unwrap();
    fs::write(folder.path().join("far/nfl/season=2024/a"), "rows").unwrap();
    let text = format!("[lake.nfl]\nuri = '{}'\nresidency = 'tiered'\ncache = '{}'\n", path("far/nfl"), path("near"));
    let config = Config::parse(&text, "some.toml", &Lookup::none()).unwrap();
    let registry = Registry::compiled_in().with_config(config).unwrap();
    let registry = registry.with_lake_variables(Lookup::given([(ROOT_VARIABLE, path("far"))]));

    let storage = registry.open_bucket("nfl", &OpenOptions::existing()).await.unwrap();
    assert!(storage.backend.to_string().starts_with("tiered("), "{}", storage.backend);
    let template = Template::parse("season={season}").unwrap();
    let listing =
        worldstore_async::lake::list(&*storage.backend, &template, &LakeListOptions::default()).await.unwrap();
    assert_eq!((listing.files.len(), listing.files[0].values[0].clone()), (1, 2024.into()));
    assert_eq!(storage.store().read_text("season=2024/a").await.unwrap(), "rows");
    let kept = || fs::read_dir(folder.path().join("near")).unwrap().count();
    assert!(kept() > 0, "what was read is kept");

    let below = registry.open("lake://nfl/season=2024", &OpenOptions::existing()).await.unwrap();
    assert_eq!(below.store().read_text("a").await.unwrap(), "rows");
    assert!(below.location.ends_with("far/nfl/season=2024"), "{}", below.location);
    let located = registry.locate("lake://nfl/season=2024/a").unwrap();
    assert_eq!((located.root.as_str(), located.path.as_str()), ("lake://nfl", "season=2024/a"));
    let opened = registry.open_located(&located.root, &located, &OpenOptions::existing()).await.unwrap();
    assert_eq!(opened.store().read_text("season=2024/a").await.unwrap(), "rows");

    let missing = registry.open_bucket("nothing", &OpenOptions::existing()).await.unwrap_err();
    assert!(missing.is_not_found() && missing.to_string().contains("bucket: nothing"), "{missing}");
    let error = registry.open("lake://nfl/{season}", &OpenOptions::existing()).await.unwrap_err();
    assert!(error.to_string().contains("variable: season"), "{error}");
}

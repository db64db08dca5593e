//! When two places are one store, and when one lies in the other.

use std::sync::atomic::{AtomicBool, Ordering};

use worldstore::Storage;
use worldstore::config::{Config, Lookup};
use worldstore::core::Memory;
use worldstore::registry::{OpenRequest, Scheme, SchemeInfo};

use super::*;

/// A scheme of buckets, each in memory of its own.
fn registry() -> Registry {
    let mut registry = Registry::compiled_in();
    let info = SchemeInfo::new("shelf").with_settings(["endpoint"]);
    let open = |request: OpenRequest| async move { Ok(Storage::from_sync(Arc::new(Memory::new()), request.uri)) };
    registry.register(Scheme::new(info, open)).unwrap();
    registry.register(jar()).unwrap();
    let text = "[profile.one]\nuri = 'shelf://bucket/a'\nendpoint = 'one'\n\
                [profile.two]\nuri = 'shelf://bucket/a'\nendpoint = 'two'\n\
                [profile.same]\nuri = 'shelf://bucket/a'\nendpoint = 'one'\n";
    registry.with_config(Config::parse(text, "some.toml", &Lookup::none()).unwrap()).unwrap()
}

/// A scheme whose stores can be opened only once.
fn jar() -> Scheme {
    let info = SchemeInfo::new("jar").with_naming(Naming::Container);
    let opened = Arc::new(AtomicBool::new(false));
    Scheme::new(info, move |request: OpenRequest| {
        let opened = opened.swap(true, Ordering::Relaxed);
        async move {
            match opened {
                true => Err(Error::invalid("it is open already")),
                false => Ok(Storage::from_sync(Arc::new(Memory::new()), request.uri)),
            }
        }
    })
}

#[tokio::test]
async fn stores_are_shared_where_they_are_one() {
    let registry = registry();
    for (one, other, shared) in [
        ("shelf://bucket/a/b", "shelf://bucket/c", true),
        ("shelf://bucket/a/b", "shelf://other/a/b", false),
        ("profile:one/a", "profile:one/b/c", true),
        ("profile:one/a", "profile:two/a", false),
        ("profile:one/a", "profile:same/a", true),
        ("profile:one/a", "shelf://bucket/a", false),
        ("jar://a!/b", "jar://a!/c/d", true),
        ("memory:!/a", "memory:!/b", false),
        ("/tmp/a", "/tmp/./b", true),
        ("/tmp/a", "memory:!/a", false),
    ] {
        let one = Address::object(&registry, one, Root::Existing).await.unwrap();
        let other = one.target(&registry, other).await.unwrap();
        assert_eq!(one.shares_store(&other), shared, "{} and {}", one.shown, other.shown);
    }
}

#[test]
fn a_target_inside_of_the_source_is_found() {
    let registry = registry();
    for (source, target, inside) in [
        ("shelf://bucket/a", "shelf://bucket/a/b", true),
        ("shelf://bucket/a/", "shelf://bucket/a", true),
        ("shelf://bucket/a", "shelf://bucket/ab", false),
        ("shelf://bucket", "shelf://bucket/ab", true),
        ("profile:one", "profile:one/b", true),
        ("profile:one", "profile:two/b", false),
        ("profile:one", "profile:same/b", true),
        ("/tmp", "file:///tmp/none/b", true),
        ("/", "/tmp", true),
        ("/tmp/a", "/tmp/ab", false),
    ] {
        assert_eq!(refuse_inside(&registry, source, target).is_err(), inside, "{source} and {target}");
    }
}

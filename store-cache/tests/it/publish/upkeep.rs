//! What may go and what must stay, what verification finds, and how a published world travels.

use worldstore_cache::{expire_tables, verify_manifest, verify_retained};
use worldstore_core::ErrorKind;
use worldstore_core::manifest::{ExpireOptions, Mode};
use worldstore_core::snapshot::archive::ArchiveLimits;
use worldstore_core::snapshot::{ImportOptions, Problem, Snapshots, content_hash};
use worldstore_core::table::{FilesOptions, Scan};

use super::*;

fn keep_last(manifests: &Manifests, keep: u64) {
    manifests.expire(&ExpireOptions::default().with_keep_last(keep)).unwrap();
}

#[tokio::test]
async fn a_lease_keeps_versions_through_compaction_and_expiry() {
    let world = World::new().await;
    let (publisher, manifests) = (world.publisher().await, world.manifests());
    world.tick(1).await;
    world.tick(2).await;
    let number = world.publish(&publisher, 2).await.unwrap();
    let mut pinned = world.reader().await.with_lease("reader", Duration::from_secs(100)).await.unwrap();
    assert_eq!(pinned.number(), number);
    for seq in 3..=6 {
        world.tick(seq).await;
        world.compact("agents").await;
        world.publish(&publisher, seq).await.unwrap();
    }
    keep_last(&manifests, 1);
    assert_eq!(versions(&manifests)[&name("edges")], [2, 6]);
    let plan = expire_tables(&world.tables, &manifests, &at_once().with_mode(Mode::DryRun)).await.unwrap();
    let done = expire_tables(&world.tables, &manifests, &at_once()).await.unwrap();
    assert_eq!((&plan.tables, done.tables[&name("edges")].versions.as_slice()), (&done.tables, &[0, 1, 3, 4, 5][..]));
    assert!(done.tables[&name("agents")].files > 0 && done.failed.is_empty() && done.unpublished.is_empty());
    check_ticks(&pinned).await;
    check_ticks(&world.reader().await).await;
    assert!(verify_retained(&manifests).await.unwrap().damage.is_empty());

    // Renewed in time it stays; after its end it goes, and with it what it kept.
    world.clock.set(1_090_000);
    assert_eq!(pinned.renew().await.unwrap(), Some(1_190_000));
    world.clock.set(1_180_000);
    keep_last(&manifests, 1);
    expire_tables(&world.tables, &manifests, &at_once()).await.unwrap();
    check_ticks(&pinned).await;
    world.clock.set(1_300_000);
    keep_last(&manifests, 1);
    let gone = expire_tables(&world.tables, &manifests, &at_once()).await.unwrap();
    assert_eq!(gone.tables[&name("edges")].versions, [2]);
    let read = pinned.scan(&name("edges"), &Scan::all()).await.err().unwrap();
    assert_eq!(read.kind(), ErrorKind::NotFound);
    assert_eq!(pinned.renew().await.unwrap_err().kind(), ErrorKind::NotFound);
    pinned.refresh().await.unwrap();
    assert_eq!(pinned.seq(), 6);
    check_ticks(&pinned).await;
}

/// Some formats need older metadata no more, and let it go. What a manifest names stays all the same.
#[tokio::test]
async fn files_that_a_kept_manifest_names_stay() {
    for (knows_folder, damaged) in [(true, 0), (false, 3)] {
        let world = World::new().await;
        let (publisher, manifests) = (world.publisher().await, world.manifests());
        world.tick(1).await;
        manifests.tag("kept", world.publish(&publisher, 1).await.unwrap()).unwrap();
        for seq in 2..=4 {
            world.tick(seq).await;
            world.publish(&publisher, seq).await.unwrap();
        }
        keep_last(&manifests, 1);
        world.files.set_forgetful();
        let folder = if knows_folder { Prefix::new("tables").unwrap() } else { Prefix::root() };
        let expired = expire_tables(&world.tables, &manifests, &at_once().with_tables_in(folder)).await.unwrap();
        assert!(expired.failed.is_empty() && expired.tables[&name("edges")].files > 0, "{expired:?}");
        assert_eq!(verify_retained(&manifests).await.unwrap().damage.len(), damaged);
    }
}

#[tokio::test]
async fn a_dry_run_can_take_manifests_as_expired() {
    let world = World::new().await;
    let (publisher, manifests) = (world.publisher().await, world.manifests());
    let mut numbers = Vec::new();
    for seq in 1..=4 {
        world.tick(seq).await;
        numbers.push(world.publish(&publisher, seq).await.unwrap());
    }
    let reader = world.reader().await;
    let tables = reader.tables();
    let expiring = at_once().with_expiring(numbers[..3].iter().copied());
    let applied = expire_tables(&world.tables, &manifests, &expiring).await.unwrap_err();
    assert_eq!(applied.kind(), ErrorKind::Invalid, "it would take what is retained");
    let whole = expire_tables(tables, &manifests, &at_once().with_mode(Mode::DryRun)).await.unwrap();
    assert_eq!(whole.tables[&name("edges")].versions, [0], "all others are retained");
    let plan = expire_tables(tables, &manifests, &expiring.with_mode(Mode::DryRun)).await.unwrap();
    assert_eq!(plan.tables[&name("edges")].versions, [0, 1, 2, 3]);
    keep_last(&manifests, 2);
    let done = expire_tables(&world.tables, &manifests, &at_once()).await.unwrap();
    assert_eq!(done.tables, plan.tables);
}

#[tokio::test]
async fn versions_that_may_be_published_next_and_tables_that_never_were_stay() {
    let world = World::new().await;
    let (publisher, manifests) = (world.publisher().await, world.manifests());
    world.tick(1).await;
    let cut = world.cut(1).await;
    let edges =
        Cut { tables: cut.tables.iter().filter(|table| table.name == name("edges")).cloned().collect(), seq: 1 };
    publisher.publish(&edges).await.unwrap();
    for seq in 2..=4 {
        world.tick(seq).await;
    }
    let expired = expire_tables(&world.tables, &manifests, &at_once()).await.unwrap();
    assert_eq!(expired.unpublished, [name("agents"), name("sensors")]);
    assert_eq!(expired.tables[&name("edges")].versions, [0]);
    for seq in 2..=4 {
        world.publish(&publisher, seq).await.unwrap();
        check_ticks(&world.reader().await).await;
    }
    // Young ones stay by time.
    keep_last(&manifests, 1);
    let young = worldstore_cache::ExpireTablesOptions::default();
    let expired = expire_tables(&world.tables, &manifests, &young).await.unwrap();
    assert!(expired.tables.values().all(|expiry| expiry.versions.is_empty()), "{expired:?}");
}

#[tokio::test]
async fn verification_finds_every_file_that_is_not_what_was_published() {
    let world = World::new().await;
    let (publisher, manifests) = (world.publisher().await, world.manifests());
    world.tick(1).await;
    let first = world.publish(&publisher, 1).await.unwrap();
    world.tick(2).await;
    world.publish(&publisher, 2).await.unwrap();
    let verified = verify_manifest(&manifests, Which::Newest).await.unwrap();
    assert_eq!((verified.files, verified.damage.len()), (9, 0));

    let stored = manifests.at(first).unwrap();
    let key = |table: &str, kind: &str| {
        let files = &stored.entry(&format!("table/{table}")).unwrap().files;
        files.iter().find(|file| file.key.contains(kind)).unwrap().key.clone()
    };
    let [flipped, short, missing] = [key("agents", "data"), key("edges", "data"), key("sensors", "meta")];
    let mut bytes = world.bytes(&flipped).to_vec();
    bytes[0] ^= 1;
    world.overwrite(&flipped, bytes.into());
    world.overwrite(&short, world.bytes(&short).slice(1..));
    world.delete(&missing);

    let damage = verify_retained(&manifests).await.unwrap().damage;
    let found = |wanted: &str| damage.iter().find(|damage| damage.key.as_str() == wanted).unwrap();
    assert_eq!(damage.len(), 3);
    assert!(matches!(found(&flipped).problem, Problem::Content { .. }));
    assert!(matches!(found(&short).problem, Problem::Length { .. }));
    assert!(matches!(found(&missing).problem, Problem::Missing));
    assert_eq!(found(&flipped).entries, ["table/agents"]);
    // The newest manifest has the data files still, and metadata of its own.
    assert_eq!(verify_manifest(&manifests, Which::Newest).await.unwrap().damage.len(), 2);
}

#[tokio::test]
async fn a_published_world_travels_as_a_snapshot() {
    let world = World::new().await;
    let publisher = world.publisher().await;
    world.tick(1).await;
    world.tick(2).await;
    world.publish(&publisher, 2).await.unwrap();
    world.compact("agents").await;
    world.publish(&publisher, 2).await.unwrap();
    let snapshots = Snapshots::new(world.manifests());
    snapshots.create("monday", &Which::Newest).unwrap();
    let monday = Which::Named("monday".to_owned());
    world.tick(3).await;
    world.publish(&publisher, 3).await.unwrap();
    assert!(snapshots.verify(&monday).unwrap().damage.is_empty());

    let (archive, exported) = snapshots.export(&monday, Vec::new(), &ArchiveLimits::default()).unwrap();
    let (elsewhere, folder) = (Arc::new(Memory::new()), Prefix::new("world").unwrap());
    let import = Snapshots::import(elsewhere.clone(), folder, &archive[..], &ImportOptions::default());
    let (copy, imported) = import.unwrap();
    let (there, here) = (snapshots.manifest(&monday).unwrap(), copy.manifest(&Which::Newest).unwrap());
    assert_eq!((imported.content, content_hash(&here)), (exported.content, content_hash(&there)));
    assert_eq!((&here.entries, &here.properties), (&there.entries, &there.properties));
    assert!(copy.verify(&Which::Newest).unwrap().damage.is_empty());
    // Every file of the version is there, under its key.
    let at = DescribeOptions::default().with_version(3);
    let version = world.tables.describe(&name("agents"), &at).await.unwrap().version;
    let files = world.tables.files(&name("agents"), &FilesOptions::default().with_version(version)).await.unwrap();
    for file in files {
        let key = Key::new(format!("tables/{}", file.key)).unwrap();
        assert!(elsewhere.read(&key, &ReadOptions::default()).is_ok(), "{key}");
    }
}

//! `worldstore snapshot` and `worldstore blocks`.

use std::fs;
use std::sync::Arc;

use expect_test::expect;
use serde_json::json;
use worldstore::core::blocks::Hash;
use worldstore::core::manifest::{Entry, File, ManifestOptions, Manifests, ManualWallClock};
use worldstore::core::{Local, Prefix};

use super::desk::{Desk, code_of, errors_of};

/// 2026-01-01, so that what is written is always the same.
const NEW_YEAR_MS: u64 = 1_767_225_600_000;

/// The content hash of the first state that is published.
const CALM: &str = "0b70bfb5e46fe184b126e3d4e9c75223d022f91088c0595465c32fef61e291f4";

/// The chain in a folder of the desk.
pub fn chain(desk: &Desk, folder: &str) -> Manifests {
    let clock = Arc::new(ManualWallClock::new(NEW_YEAR_MS));
    let options = ManifestOptions::default().with_seed(7).with_clock(clock).with_writer("test");
    let local = Local::new(desk.path(folder)).unwrap();
    Manifests::open_or_create(Arc::new(local), Prefix::root(), options).unwrap()
}

/// Publishes a state of a chain: an entry of one file, and one of two blocks.
pub fn publish(desk: &Desk, folder: &str, text: &str) {
    let manifests = chain(desk, folder);
    let key = format!("data/{text}.bin");
    desk.write(&format!("{folder}/{key}"), text);
    let file = File { key, length: text.len() as u64, hash: Hash::of(text.as_bytes()) };
    let blocks = manifests.blocks().unwrap();
    let [one, other] = ["same", text].map(|each| blocks.put(each.to_owned()).unwrap());
    let published = manifests.writer().unwrap().publish(|draft| {
        draft.put(Entry::new("log", "1", other.hash).with_blocks([&one.blocks[..], &other.blocks[..]].concat()));
        draft.put(Entry::new("table", "1", file.hash).with_files(vec![file.clone()]));
        draft.properties.insert("run".into(), "main".into());
        Ok(())
    });
    published.unwrap();
}

/// A desk with a chain `sea`, whose third state is kept as `monday`, and the archive `monday.tar` of that.
fn with_snapshot() -> Desk {
    let desk = Desk::new();
    publish(&desk, "sea", "calm");
    desk.ok(&["snapshot", "create", "sea", "monday"]);
    desk.ok(&["snapshot", "export", "sea", "monday", "monday.tar"]);
    desk
}

/// The files of a folder below the desk, without what belongs to the store; none if there is no folder.
fn files(desk: &Desk, folder: &str) -> Vec<String> {
    if !desk.path(folder).exists() {
        return Vec::new();
    }
    desk.ok(&["fs", "ls", "-r", folder]).lines().map(str::to_owned).collect()
}

#[test]
fn states_are_kept_listed_and_released() {
    let desk = Desk::new();
    publish(&desk, "sea", "calm");
    assert_eq!(desk.ok(&["snapshot", "list", "sea"]), "");
    let created = desk.ok(&["snapshot", "create", "sea", "monday"]);
    assert_eq!(created, "keeps manifest 3 as monday until it is released\n");
    let pinned = desk.lines(&["snapshot", "pin", "sea", "reader", "--manifest", "3", "--for", "2h", "--json"]);
    assert_eq!((&pinned[0]["name"], &pinned[0]["manifest"]), (&json!("reader"), &json!(3)));
    let expires = pinned[0]["expires"].as_str().unwrap().to_owned();
    let renewed = desk.ok(&["snapshot", "pin", "sea", "reader", "--renew", "--for", "36500d"]);
    assert!(renewed.starts_with("keeps manifest 3 as reader until 21"), "{renewed}");
    let listed = desk.ok(&["snapshot", "list", "sea"]);
    let monday = listed.lines().next().unwrap();
    assert!(monday.starts_with("monday         3  until released              "), "{listed}");
    assert!(monday.ends_with(&format!(" {CALM} 12 bytes")), "{listed}");
    let lines = desk.lines(&["snapshot", "list", "sea", "--json"]);
    let counts = ["manifest", "expires", "ended", "created", "entries", "files", "blocks", "bytes", "problem"];
    let told: Vec<_> = counts.iter().map(|name| lines[0][name].clone()).collect();
    assert_eq!(json!(told), json!([3, null, false, "2026-01-01T00:00:00Z", 2, 1, 2, 12, null]));
    assert!(lines[1]["expires"].as_str().unwrap() > expires.as_str());
    assert_eq!(lines[0]["content"], lines[1]["content"]);
    assert_eq!(desk.ok(&["snapshot", "release", "sea", "reader"]), "released reader\n");
    assert_eq!(desk.lines(&["snapshot", "release", "sea", "monday", "--json"]), [json!({"released": "monday"})]);
    assert_eq!(desk.ok(&["snapshot", "list", "sea"]), "");
}

#[test]
fn what_is_wrong_is_said_and_changes_nothing() {
    let desk = with_snapshot();
    publish(&desk, "sea", "storm");
    for (args, messages) in [
        (&["snapshot", "list", "lake"][..], &["not found", "lake"][..]),
        (&["snapshot", "list", "sea/data"], &["not found: there are no manifests", "uri: sea/data"]),
        (&["snapshot", "create", "sea", "monday"], &["already exists", "pin: monday"]),
        (&["snapshot", "create", "sea", "x", "--manifest", "99"], &["not found", "99"]),
        (&["snapshot", "create", "sea", ""], &["invalid", "1 to 1,024 bytes"]),
        (&["snapshot", "pin", "sea", "x", "--for", "soon"], &["like `15m`"]),
        (&["snapshot", "pin", "sea", "x", "--for", "0s"], &["the time is out of range"]),
        (&["snapshot", "pin", "sea", "x", "--for", "0s", "--renew"], &["the time is out of range"]),
        (&["snapshot", "expire", "sea", "--keep", "0"], &["one state at least must be kept"]),
        (&["snapshot", "expire", "sea", "--keep", "0", "--dry-run"], &["one state at least must be kept"]),
        (&["snapshot", "pin", "sea", "monday", "--renew", "--for", "1h"], &["a tag has no end"]),
        (&["snapshot", "pin", "sea", "x", "--renew", "--for", "1h"], &["no such lease"]),
        (&["snapshot", "release", "sea", "tuesday"], &["no such snapshot", "\"tuesday\"", "known: monday", "uri: sea"]),
        (&["snapshot", "verify", "sea", "tuesday"], &["no such snapshot", "known: monday"]),
        (&["snapshot", "export", "sea", "tuesday", "x.tar"], &["no such snapshot", "known: monday"]),
        (&["snapshot", "export", "sea", "monday", "monday.tar"], &["already exists", "monday.tar"]),
        (&["snapshot", "import", "sea", "monday.tar"], &["there is something in the place already", "monday.tar"]),
        (&["snapshot", "import", "copy", "none.tar"], &["not found", "none.tar"]),
        (&["snapshot", "restore", "sea", "tuesday", "copy"], &["no such snapshot", "known: monday"]),
        (&["snapshot", "verify", "http://x"], &["http"]),
    ] {
        desk.refused(args, messages);
    }
}

#[test]
fn an_archive_is_the_same_wherever_and_whenever_it_is_made() {
    let desk = with_snapshot();
    let exported = desk.ok(&["snapshot", "export", "sea", "monday", "again.tar"]);
    expect![[r#"
        exported monday to again.tar: 3 members, 7168 bytes, blake3 3c64ea06a064bbf6c092a654c5d2d4955bf328c58f11e5475431136c526aa4b6
    "#]]
    .assert_eq(&exported);
    let told = desk.lines(&["snapshot", "export", "sea", "monday", "backup/third.tar", "--json"]);
    let bytes = fs::read(desk.path("monday.tar")).unwrap();
    assert_eq!(told[0]["blake3"], json!(Hash::of(&bytes).to_string()));
    assert_eq!((&told[0]["bytes"], &told[0]["members"]), (&json!(bytes.len()), &json!(3)));
    for other in ["again.tar", "backup/third.tar"] {
        assert!(fs::read(desk.path(other)).unwrap() == bytes, "{other}");
    }
    desk.write("again.tar", "something else");
    desk.ok(&["snapshot", "export", "sea", "monday", "again.tar", "--force"]);
    assert!(fs::read(desk.path("again.tar")).unwrap() == bytes);
}

#[test]
fn an_archive_arrives_and_is_a_chain_again() {
    let desk = with_snapshot();
    let imported = desk.ok(&["snapshot", "import", "copy", "monday.tar", "--tag", "from sea"]);
    assert_eq!(imported, format!("imported monday.tar as manifest 3: 3 members, 12 bytes, content {CALM}\n"));
    let verified = desk.ok(&["snapshot", "verify", "copy", "from sea"]);
    assert_eq!(verified, format!("read 1 manifest, 1 file, 2 blocks, 12 bytes: all right, content {CALM}\n"));
    assert_eq!(fs::read_to_string(desk.path("copy/data/calm.bin")).unwrap(), "calm");
    assert!(files(&desk, "copy").iter().all(|name| !name.contains("importing")));
    let restored = desk.lines(&["snapshot", "restore", "sea", "monday", "second", "--json"]);
    assert_eq!((&restored[0]["content"], &restored[0]["blake3"]), (&json!(CALM), &json!(null)));
    assert_eq!(files(&desk, "second").iter().filter(|name| !name.contains("manifests")).count(), 3);
    // Into another kind of store, below a folder of it, and back again.
    let uri = format!("sqlite://{}!/worlds/sea", desk.path("all.db").display());
    if cfg!(feature = "sqlite") {
        desk.ok(&["snapshot", "import", &uri, "monday.tar", "--tag", "monday"]);
        assert!(desk.ok(&["snapshot", "verify", &uri, "--all"]).contains("all right"));
    }
    publish(&desk, "copy", "storm");
    assert!(desk.ok(&["snapshot", "verify", "copy", "--all"]).contains("all right"));
}

#[test]
fn damaged_archives_import_nothing() {
    let desk = with_snapshot();
    desk.write("letter.txt", "dear archive");
    assert_eq!(code_of(&desk.run(&["snapshot", "import", "copy", "letter.txt"])), 2);
    assert!(!desk.path("copy").exists(), "nothing is made for what is no archive");
    let bytes = fs::read(desk.path("monday.tar")).unwrap();
    for at in (0..bytes.len()).step_by(997) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x10;
        desk.write("damaged.tar", &flipped);
        let output = desk.run(&["snapshot", "import", "copy", "damaged.tar"]);
        assert_eq!(code_of(&output), 2, "{at}: {}", errors_of(&output));
        assert!(errors_of(&output).contains("archive: damaged.tar"), "{}", errors_of(&output));
        assert_eq!(files(&desk, "copy"), Vec::<String>::new(), "{at}");
    }
    desk.write("cut.tar", &bytes[..bytes.len() - 1]);
    let errors = errors_of(&desk.run(&["snapshot", "import", "copy", "cut.tar"]));
    assert!(errors.contains("corrupt: the archive ends early") && errors.contains("offset"), "{errors}");
    let output = desk.run(&["snapshot", "import", "copy", "monday.tar", "--bytes-max", "11"]);
    assert_eq!(code_of(&output), 2);
    assert!(errors_of(&output).contains("limit: total_bytes_max, found: 12, max: 11"), "{}", errors_of(&output));
    assert_eq!(files(&desk, "copy"), Vec::<String>::new());
}

#[test]
fn verify_tells_what_is_damaged_and_of_what() {
    let desk = with_snapshot();
    desk.write("sea/data/calm.bin", "colm");
    let blocks: Vec<String> = files(&desk, "sea").into_iter().filter(|name| name.starts_with("blocks/")).collect();
    fs::remove_file(desk.path("sea").join(&blocks[0])).unwrap();
    let output = desk.run(&["snapshot", "verify", "sea", "monday"]);
    assert_eq!(code_of(&output), 2);
    let told = String::from_utf8(output.stdout).unwrap();
    let [block, file, sum] = told.lines().collect::<Vec<_>>()[..] else { panic!("{told}") };
    assert_eq!(block, format!("block {} (of log): missing", blocks[0]));
    assert!(file.starts_with("file data/calm.bin (of table): hash ") && file.ends_with(" is expected"), "{file}");
    assert!(sum.starts_with("read 1 manifest, 1 file, 2 blocks, 12 bytes: 2 damaged, content "), "{sum}");
    let errors = errors_of(&desk.run(&["snapshot", "verify", "sea", "--all"]));
    assert!(errors.starts_with("error: corrupt: objects are damaged or missing, objects: 2\n"), "{errors}");
    let output = desk.run(&["blocks", "verify", "sea", "--json"]);
    assert_eq!(code_of(&output), 2);
    let lines: Vec<serde_json::Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let block = json!({
        "kind": "block", "key": blocks[0], "problem": "missing", "detail": "missing", "manifest": 4, "entries": ["log"],
    });
    assert_eq!(lines[0], block);
    assert_eq!((&lines[1]["kind"], &lines[1]["damaged"], &lines[1]["files"]), (&json!("done"), &json!(1), &json!(0)));
    let output = desk.run(&["snapshot", "export", "sea", "monday", "damaged.tar"]);
    assert_eq!(code_of(&output), 2, "{}", errors_of(&output));
    assert!(!desk.path("damaged.tar").exists(), "damage does not get into an archive");
}

#[test]
fn a_damaged_manifest_hides_no_other_snapshot() {
    let desk = with_snapshot();
    publish(&desk, "sea", "storm");
    desk.ok(&["snapshot", "create", "sea", "tuesday"]);
    let manifest = format!("sea/manifests/{:020}", 3);
    let mut bytes = fs::read(desk.path(&manifest)).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    desk.write(&manifest, bytes);
    let listed = desk.ok(&["snapshot", "list", "sea"]);
    let lines: Vec<&str> = listed.lines().collect();
    assert!(lines[0].contains("  damaged: corrupt: manifest has not the hash that it says"), "{listed}");
    assert!(lines[1].starts_with("tuesday ") && lines[1].ends_with(" bytes"), "{listed}");
    let problem = &desk.lines(&["snapshot", "list", "sea", "--json"])[0]["problem"];
    assert!(problem.as_str().unwrap().starts_with("corrupt: "), "{problem}");
}

#[test]
fn what_nothing_refers_to_is_collected() {
    let desk = with_snapshot();
    publish(&desk, "sea", "storm");
    publish(&desk, "sea", "flood");
    let count = |desk: &Desk| files(desk, "sea").iter().filter(|name| name.starts_with("blocks/")).count();
    assert_eq!(count(&desk), 4, "`same`, and one of each state");
    let before = desk.listing();
    let would = desk.ok(&["snapshot", "expire", "sea", "--keep", "1", "--dry-run"]);
    assert!(would.starts_with("would have expired "), "{would}");
    assert_eq!(desk.listing(), before, "a dry run does nothing");
    desk.ok(&["snapshot", "expire", "sea", "--keep", "1"]);
    assert_eq!(desk.ok(&["blocks", "collect", "sea"]), "removed 0 blocks, 0 bytes\n", "what was put lately is spared");
    let before = desk.listing();
    let would = desk.lines(&["blocks", "collect", "sea", "--dry-run", "--json"]);
    assert_eq!(desk.listing(), before, "a dry run does nothing");
    let sum = json!({"kind": "done", "blocks": 1, "bytes": 5, "left": 0, "dry_run": true});
    assert_eq!((would.len(), would.last()), (2, Some(&sum)));
    let did = desk.ok(&["blocks", "collect", "sea"]);
    assert_eq!(did, format!("remove {} 5 bytes\nremoved 1 block, 5 bytes\n", Hash::of(b"storm")));
    assert_eq!((count(&desk), &would[0]["hash"]), (3, &json!(Hash::of(b"storm").to_string())));
    assert!(desk.ok(&["snapshot", "verify", "sea", "--all"]).contains("all right"));
    // Once it is released, the snapshot's own block goes too.
    desk.ok(&["snapshot", "release", "sea", "monday"]);
    desk.ok(&["snapshot", "expire", "sea", "--keep", "1"]);
    assert!(desk.ok(&["blocks", "collect", "sea"]).contains(&format!("remove {} 4 bytes", Hash::of(b"calm"))));
    let expired = desk.lines(&["snapshot", "expire", "sea", "--older-than", "1d", "--json"]);
    assert_eq!((&expired[0]["expired"], &expired[0]["dry_run"]), (&json!([]), &json!(false)));
}

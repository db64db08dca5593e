//! Large objects, what expires, and what is damaged.

use redis::Commands;
use worldstore_core::{
    Backend, CopyOptions, ErrorKind, ListOptions, Outcome, Prefix, ReadOptions, ReadRangesOptions, RenameOptions,
    SettleOptions, Settled, WriteOptions, WriteToken,
};
use worldstore_redis::Redis;

use crate::{Scratch, key, read, scratch, try_read, write};

const LONG: &str = "0123456789abcdefghijklmno";

fn small_pieces(test: &str) -> Option<(Scratch, Redis)> {
    let scratch = scratch(test)?;
    let backend = scratch.small().connect().unwrap();
    Some((scratch, backend))
}

#[test]
fn bodies_are_at_hand_or_in_pieces() {
    let Some((scratch, backend)) = small_pieces("bodies") else { return };
    for (body, lasting) in [("", 0), ("12345678", 0), ("123456789", 1), ("1234567890", 1), (LONG, 1)] {
        write(&backend, "a", body);
        assert_eq!(read(&backend, "a"), body.as_bytes());
        let generations = scratch.generations();
        assert_eq!(generations.iter().filter(|(_, expiry)| *expiry == -1).count(), lasting, "{generations:?}");
    }
    let parts = backend.read_ranges(&key("a"), &[0..25, 9..11, 20..20, 24..25], &ReadRangesOptions::default());
    assert_eq!(parts.unwrap(), [LONG, "9a", "", "o"]);
    let _ = backend.delete(&[key("a")], &Default::default()).unwrap();
    assert!(scratch.generations().iter().all(|(_, expiry)| *expiry > 0));
    let left: usize = scratch.server().hlen(scratch.key("small")).unwrap();
    assert_eq!(left, 0);
}

#[test]
fn what_a_writer_has_staged_expires_or_goes() {
    let Some((scratch, backend)) = small_pieces("staged") else { return };
    let begin = |options: &WriteOptions| {
        let mut writer = backend.open_writer(&key("a"), options).unwrap();
        writer.write(LONG.into()).unwrap();
        writer
    };
    let writer = begin(&WriteOptions::default());
    let generations = scratch.generations();
    assert!(matches!(generations[..], [(_, 1..=3_600_000)]), "a killed writer is forgotten: {generations:?}");
    writer.abort().unwrap();
    drop(begin(&WriteOptions::default()));
    write(&backend, "a", "old");
    assert_eq!(begin(&WriteOptions::if_absent()).commit().unwrap(), Outcome::Rejected);
    assert_eq!(scratch.generations(), []);
    let late = begin(&WriteOptions::default());
    let _: i64 = scratch.server().del(&scratch.generations()[0].0).unwrap();
    assert_eq!(late.commit().unwrap_err().kind(), ErrorKind::Poisoned, "its pieces have expired");
    assert_eq!(read(&backend, "a"), b"old");
}

#[test]
fn what_arrives_late_does_not_touch_what_is_published() {
    let Some((scratch, backend)) = small_pieces("late") else { return };
    write(&backend, "a", LONG);
    let (generation, expiry) = scratch.generations().remove(0);
    assert_eq!(expiry, -1);
    for script in [include_str!("../../src/lua/stage.lua"), include_str!("../../src/lua/discard.lua")] {
        let _: i64 = redis::Script::new(script)
            .key(&generation)
            .arg(0)
            .arg("late")
            .arg(1)
            .invoke(&mut scratch.server())
            .unwrap();
    }
    let copy = redis::Script::new(include_str!("../../src/lua/copy_pieces.lua"));
    let mut call = copy.prepare_invoke();
    call.key(scratch.key("pieces:other")).key(&generation).arg(0).arg(1).arg(1).arg(1);
    let _: i64 = call.invoke(&mut scratch.server()).unwrap();
    assert_eq!(scratch.generations(), [(generation, -1)]);
    assert_eq!(read(&backend, "a"), LONG.as_bytes());
}

#[test]
fn a_reader_keeps_what_is_replaced() {
    let Some((scratch, backend)) = small_pieces("reader") else { return };
    write(&backend, "a", LONG);
    let mut body = backend.read(&key("a"), &ReadOptions::default()).unwrap().body;
    assert_eq!(body.next().unwrap().unwrap(), LONG[..10]);
    write(&backend, "a", "new and also long");
    assert_eq!(body.next().unwrap().unwrap(), LONG[10..20]);
    // The reader was idle for too long.
    let replaced = scratch.generations().into_iter().find(|(_, expiry)| *expiry > 0).unwrap().0;
    let _: i64 = scratch.server().del(replaced).unwrap();
    assert_eq!(body.next().unwrap().unwrap_err().kind(), ErrorKind::Conflict);
    assert!(body.next().is_none());
    assert_eq!(read(&backend, "a"), b"new and also long");
}

#[test]
fn copies_and_renames_keep_content_and_token() {
    let Some((_scratch, backend)) = small_pieces("copies") else { return };
    let long = LONG.repeat(20);
    for body in ["small", long.as_str()] {
        let token = WriteToken::new("mine").unwrap();
        let options = WriteOptions::default().with_token(token.clone());
        let _ = backend.write(&key("a"), body.to_owned().into(), &options).unwrap();
        let copied = backend.copy(&key("a"), &key("b"), &CopyOptions::default()).unwrap();
        assert!(matches!(copied, Outcome::Applied(meta) if meta.size == body.len() as u64));
        assert_eq!(backend.copy(&key("a"), &key("b"), &CopyOptions::if_absent()).unwrap(), Outcome::Rejected);
        let renamed = backend.rename(&key("a"), &key("c"), &RenameOptions::default()).unwrap();
        assert!(matches!(renamed, Outcome::Applied(_)));
        assert_eq!((read(&backend, "b"), read(&backend, "c")), (body.into(), body.into()));
        let settle = |name| backend.settle(&key(name), &token, &SettleOptions::default()).unwrap();
        assert!(matches!(settle("c"), Settled::Applied(_)));
        assert!(matches!(settle("b"), Settled::Other(_)));
        assert_eq!(settle("a"), Settled::Absent);
    }
}

#[test]
fn versions_are_not_given_out_again_after_a_loss() {
    let Some(scratch) = scratch("loss") else { return };
    let backend = scratch.connect();
    let lost = write(&backend, "a", "one").version;
    scratch.lose_everything().unwrap();
    assert_ne!(write(&backend, "a", "two").version, lost);
}

#[test]
fn namespaces_do_not_mix() {
    let (Some(one), Some(other)) = (scratch("one"), scratch("other")) else { return };
    let (one, other) = (one.connect(), other.connect());
    write(&one, "a", "one");
    assert!(try_read(&other, "a").unwrap_err().is_not_found());
    assert!(other.list(&Prefix::root(), &ListOptions::default()).unwrap().objects.is_empty());
}

#[test]
fn a_listing_has_more_than_one_stretch() {
    let Some(scratch) = scratch("list") else { return };
    let backend = scratch.connect();
    (0..700).for_each(|number| drop(write(&backend, &format!("top/deep/{number:03}"), "x")));
    write(&backend, "top/deep.txt", "x");
    write(&backend, "top/e", "x");
    let list = |options: &ListOptions| backend.list(&Prefix::new("top").unwrap(), options).unwrap();
    assert_eq!(list(&ListOptions::default()).objects.len(), 702);
    let page = list(&ListOptions::default().one_level());
    assert_eq!(page.objects.iter().map(|meta| meta.key.as_str()).collect::<Vec<_>>(), ["top/deep.txt", "top/e"]);
    assert_eq!(page.folders.len(), 1);
}

#[test]
fn damage_is_told() {
    let Some((scratch, backend)) = small_pieces("damage") else { return };
    let damaged = |name: &str| {
        let error = try_read(&backend, name).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
    };
    write(&backend, "long", LONG);
    write(&backend, "short", "1234");
    let generation = scratch.generations()[0].0.clone();
    let _: i64 = scratch.server().hset(generation, 1, "another").unwrap();
    let _: i64 = scratch.server().hset(scratch.key("small"), "short", "123").unwrap();
    damaged("long");
    damaged("short");
    let _: i64 = scratch.server().hset(scratch.key("heads"), "long", "no head").unwrap();
    damaged("long");
    let _: i64 = scratch.server().del(scratch.key("heads")).unwrap();
    let _: () = scratch.server().set(scratch.key("heads"), "no hash").unwrap();
    damaged("long");
    assert_eq!(backend.check(&Default::default()).unwrap_err().kind(), ErrorKind::Corrupt);
    let written = backend.write(&key("a"), "x".into(), &WriteOptions::default());
    assert_eq!(written.unwrap_err().kind(), ErrorKind::Corrupt);
}

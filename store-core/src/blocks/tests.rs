//! Contents in and out: one block and many, damage, healing, and writes of which nobody knows.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;

use super::*;
use crate::memory::{Moment, Verdict};
use crate::ops::{DeleteOptions, WriteOptions};
use crate::{Error, Memory};

fn folder() -> Prefix {
    Prefix::new("blocks").unwrap()
}

fn store(memory: &Arc<Memory>, block_bytes: u64) -> Blocks {
    let options = BlockOptions::default().with_block_bytes(block_bytes);
    Blocks::new(memory.clone(), folder(), options).unwrap()
}

#[test]
fn contents_of_every_length_come_out_as_they_went_in() {
    let blocks = store(&Arc::new(Memory::new()), 4);
    for length in 0..20 {
        let bytes: Bytes = (0..length).map(|number| number as u8).collect::<Vec<_>>().into();
        let content = blocks.put(bytes.clone()).unwrap();
        assert_eq!((content.hash, content.length), (Hash::of(&bytes), length));
        assert_eq!(content.blocks.len() as u64, length.div_ceil(4));
        assert_eq!(blocks.get(&content).unwrap().bytes().unwrap(), bytes);
        assert_eq!(blocks.put_from(&bytes[..]).unwrap(), content);
        let mut read = Vec::new();
        blocks.get(&content).unwrap().read_to_end(&mut read).unwrap();
        assert_eq!(read, bytes);
        for start in 0..=length {
            for end in start..=length {
                let part = blocks.range(&content, start..end).unwrap().bytes().unwrap();
                assert_eq!(part, bytes[start as usize..end as usize], "{start}..{end} of {length}");
            }
        }
        assert_eq!(blocks.range(&content, 0..length + 1).unwrap_err().kind(), ErrorKind::Invalid);
    }
}

#[test]
fn a_range_reads_only_the_blocks_that_it_touches() {
    let blocks = store(&Arc::new(Memory::new()), 4);
    let content = blocks.put("0123456789abcdef").unwrap();
    assert_eq!(blocks.range(&content, 5..9).unwrap().bytes().unwrap(), "5678");
    assert_eq!((blocks.stats().read, blocks.stats().read_bytes), (2, 8));
    assert_eq!(blocks.range(&content, 8..8).unwrap().bytes().unwrap(), "");
    assert_eq!(blocks.stats().read, 2);
}

#[test]
fn what_is_known_is_not_written_again() {
    let memory = Arc::new(Memory::new());
    let blocks = store(&memory, 4);
    blocks.put("aaaabbbbaaaa").unwrap();
    let stats = blocks.stats();
    assert_eq!((stats.written, stats.written_bytes, stats.deduplicated, stats.deduplicated_bytes), (2, 8, 1, 4));
    // Another store does not know that they are durable, and writes them under the same names.
    let other = store(&memory, 4);
    other.put("aaaabbbb").unwrap();
    assert_eq!(other.stats().written, 2);
    assert_eq!(memory.list(&folder(), &Default::default()).unwrap().objects.len(), 2);
}

#[test]
fn threads_put_the_same_at_once() {
    let memory = Arc::new(Memory::new());
    let content = std::thread::scope(|scope| {
        let put = || store(&memory, 1 << 10).put(vec![7; 10_000]).unwrap();
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(put)).collect();
        let contents: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert!(contents.iter().all(|content| *content == contents[0]));
        contents[0].clone()
    });
    assert_eq!(content.blocks.len(), 10);
    store(&memory, 1).verify(&content).unwrap();
}

#[test]
fn damage_names_the_key_and_can_be_healed() {
    let memory = Arc::new(Memory::new());
    let blocks = store(&memory, 4);
    let bytes = Bytes::from_static(b"0123456789ab");
    let content = blocks.put(bytes.clone()).unwrap();
    let key = blocks.key(&content.blocks[1]).unwrap();
    for damaged in ["4x67", "456", "45677", ""] {
        let written = memory.write(&key, damaged.into(), &WriteOptions::default()).unwrap();
        assert!(matches!(written, Outcome::Applied(_)));
        let mut reader = blocks.get(&content).unwrap();
        assert_eq!(reader.next().unwrap().unwrap(), "0123");
        let error = reader.next().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{damaged}");
        assert!(error.to_string().contains(key.as_str()), "{error}");
        assert!(reader.next().is_none(), "after an error it ends");
        assert!(blocks.verify(&content).is_err());
        assert_eq!(blocks.range(&content, 0..4).unwrap().bytes().unwrap(), "0123", "what is whole can be read");
        assert_eq!(blocks.heal(&content, &bytes).unwrap(), 1);
        blocks.verify(&content).unwrap();
    }
    drop(memory.delete(&[key], &DeleteOptions::default()).unwrap());
    assert!(blocks.verify(&content).unwrap_err().is_not_found());
    assert!(blocks.stat(&content.blocks[1]).unwrap_err().is_not_found());
    assert_eq!(blocks.heal(&content, &bytes).unwrap(), 1);
    assert_eq!(blocks.heal(&content, &bytes).unwrap(), 0);
    let foreign = blocks.heal(&content, &Bytes::from_static(b"0123456789aX")).unwrap_err();
    assert_eq!(foreign.kind(), ErrorKind::Invalid);
}

#[test]
fn finds_that_blocks_are_not_checked() {
    let run = |planted: crate::planted::Planted| {
        let memory = Arc::new(Memory::new());
        let options = BlockOptions { planted, ..BlockOptions::default() };
        let blocks = Blocks::new(memory.clone(), folder(), options).unwrap();
        let content = blocks.put("right").unwrap();
        let key = blocks.key(&content.blocks[0]).unwrap();
        let written = memory.write(&key, "wrong".into(), &WriteOptions::default()).unwrap();
        assert!(matches!(written, Outcome::Applied(_)));
        blocks.verify(&content).is_err()
    };
    assert!(run(Default::default()));
    assert!(!run(Bug::SkipBlockCheck.into()), "the test above would fail");
}

#[test]
fn blocks_in_another_order_are_not_the_content() {
    let blocks = store(&Arc::new(Memory::new()), 4);
    let mut content = blocks.put("00001111").unwrap();
    content.blocks.reverse();
    assert_eq!(blocks.get(&content).unwrap().bytes().unwrap_err().kind(), ErrorKind::Corrupt);
    content.length += 1;
    assert_eq!(blocks.get(&content).unwrap_err().kind(), ErrorKind::Invalid);
    let mut one = blocks.put("0").unwrap();
    one.hash = Hash::of(b"1");
    assert_eq!(blocks.get(&one).unwrap_err().kind(), ErrorKind::Invalid);
}

/// A length from a manifest is compared with what is stored before room is made for it.
#[test]
fn a_length_that_is_not_true_is_no_allocation() {
    let blocks = store(&Arc::new(Memory::new()), 4);
    let mut content = blocks.put("0123").unwrap();
    content.blocks[0].length = BLOCK_BYTES_MAX;
    content.length = BLOCK_BYTES_MAX;
    assert_eq!(blocks.get(&content).unwrap().bytes().unwrap_err().kind(), ErrorKind::Corrupt);
    content.blocks[0].length = u64::MAX;
    assert_eq!(blocks.get(&content).unwrap_err().kind(), ErrorKind::Invalid);
}

#[test]
fn a_write_of_which_nobody_knows_is_made_again() {
    for (unknowns, succeeds) in [(2, true), (100, false)] {
        for moment in [Moment::Before, Moment::After] {
            let count = AtomicU64::new(0);
            let memory = Arc::new(Memory::new().with_hook(move |event| {
                let is_write = event.operation == "write" && event.moment == moment;
                match is_write && count.fetch_add(1, Ordering::Relaxed) < unknowns {
                    true => Verdict::Unknown,
                    false => Verdict::Pass,
                }
            }));
            let blocks = store(&memory, 4);
            let put = blocks.put("0123");
            assert_eq!(put.is_ok(), succeeds);
            match put {
                Ok(content) => blocks.verify(&content).unwrap(),
                Err(error) => assert_eq!(error.kind(), ErrorKind::OutcomeUnknown),
            }
        }
    }
}

#[test]
fn a_writer_that_has_failed_gives_no_content() {
    let memory = Arc::new(Memory::new().with_hook(|event| match event.operation {
        "write" => Verdict::Fail(Error::new(ErrorKind::StorageFull, "full")),
        _ => Verdict::Pass,
    }));
    let blocks = store(&memory, 4);
    let mut writer = blocks.writer();
    writer.write_all(b"012").unwrap();
    assert!(writer.write_all(b"34567").is_err());
    assert!(writer.write_all(b"x").is_err());
    assert_eq!(writer.finish().unwrap_err().kind(), ErrorKind::Poisoned);
    assert_eq!(blocks.put_from(&b"01234"[..]).unwrap_err().kind(), ErrorKind::StorageFull, "the error as it was");
}

#[test]
fn options_out_of_range_are_refused() {
    for options in [
        BlockOptions::default().with_block_bytes(0),
        BlockOptions::default().with_block_bytes(BLOCK_BYTES_MAX + 1),
        BlockOptions::default().with_attempts(0),
    ] {
        let refused = Blocks::new(Arc::new(Memory::new()), folder(), options);
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Invalid);
    }
    let long = Prefix::new("x".repeat(1000)).unwrap();
    assert!(Blocks::new(Arc::new(Memory::new()), long, BlockOptions::default()).is_err());
}

#[test]
fn keys_are_parsed_as_they_are_made() {
    let block = Block { hash: Hash::of(b"x"), length: 1, generation: 17 };
    let key = block.key(&folder()).unwrap();
    assert_eq!(Block::parse(&folder(), &key), Some((17, block.hash)));
    let text = key.as_str().to_owned();
    for bad in [
        text.replacen("/0", "/+", 1),
        text.replacen("/00", "/0", 1),
        format!("{text}/x"),
        format!("{text}0"),
        text.replacen("blocks", "bricks", 1),
        text.replacen("/3a/", "/3b/", 1),
    ] {
        if bad != text {
            assert_eq!(Block::parse(&folder(), &Key::new(&bad).unwrap()), None, "{bad}");
        }
    }
}

proptest! {
    #[test]
    fn any_pieces_are_the_content(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..8), block_bytes in 1_u64..20) {
        let blocks = store(&Arc::new(Memory::new()), block_bytes);
        let mut writer = blocks.writer();
        pieces.iter().for_each(|piece| writer.write_all(piece).unwrap());
        let content = writer.finish().unwrap();
        let whole = pieces.concat();
        prop_assert_eq!(&content, &blocks.put(whole.clone()).unwrap());
        prop_assert_eq!(blocks.get(&content).unwrap().bytes().unwrap(), whole);
    }
}

//! Heads of members, as other tar readers see them.

use super::*;

/// What a tar reader makes of a head: name and length.
fn seen(name: &str, bytes: u64) -> (String, u64) {
    let head = head(name, bytes);
    let mut archive = ::tar::Archive::new(&head[..]);
    let entry = archive.entries().unwrap().next().unwrap().unwrap();
    assert_eq!(entry.header().entry_type(), EntryType::Regular);
    (String::from_utf8(entry.path_bytes().into_owned()).unwrap(), entry.size())
}

#[test]
fn every_name_and_length_is_seen_as_it_is() {
    let mut names: Vec<String> = [1, 99, 100, 101, 102, 155, 156, 255, 256, 490, 500, 512, 980, 990, 999, 1_030]
        .iter()
        .flat_map(|length| ["a", "é", "a/b", "🦀"].map(|unit| unit.repeat(length / unit.len() + 1)))
        .collect();
    names.push("é".into());
    names.push(format!("{}/z", "a".repeat(99)));
    for name in &names {
        for bytes in [0, 1, 511, 512, OCTAL_END - 1, OCTAL_END, u64::MAX >> 1] {
            assert_eq!(seen(name, bytes), (name.clone(), bytes));
            assert_eq!(head(name, bytes).len() % BLOCK_BYTES, 0);
        }
    }
}

#[test]
fn plain_members_need_one_block() {
    assert_eq!(head(&"a".repeat(100), OCTAL_END - 1).len(), BLOCK_BYTES);
    assert_eq!(head(&"a".repeat(101), 0).len(), 3 * BLOCK_BYTES);
    assert_eq!(head("a", OCTAL_END).len(), 3 * BLOCK_BYTES);
}

#[test]
fn a_record_counts_its_own_digits() {
    for length in 0..2_000 {
        let record = record("path", &"x".repeat(length));
        let told: usize = record.split_once(' ').unwrap().0.parse().unwrap();
        assert_eq!(told, record.len());
    }
}

#[test]
fn a_length_is_read_from_the_one_head_that_has_it() {
    for bytes in [0, 1, 1_000_000, OCTAL_END - 1] {
        let block: [u8; BLOCK_BYTES] = head("manifest", bytes).try_into().unwrap();
        assert_eq!(length_in(&block, "manifest").unwrap(), bytes);
        assert!(length_in(&block, "snapshot.json").is_err());
        for bit in 0..BLOCK_BYTES * 8 {
            let mut flipped = block;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(length_in(&flipped, "manifest").is_err(), "bit {bit}");
        }
    }
}

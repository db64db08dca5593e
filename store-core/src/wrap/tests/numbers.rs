//! What wrappers decide, without any backend: dice, bucket, digest, tokens, the odds of faults.

use std::collections::HashSet;

use super::*;

#[test]
fn dice_fall_alike_for_one_seed_and_within_their_bounds() {
    let (one, same, other) = (Dice::new(1), Dice::new(1), Dice::new(2));
    let draw = |dice: &Dice| (0..100).map(|_| dice.number()).collect::<Vec<_>>();
    let drawn = draw(&one);
    assert_eq!(drawn, draw(&same));
    assert_ne!(drawn, draw(&other));
    // The generator's own test vector for seed 1234567.
    assert_eq!(Dice::new(1_234_567).number(), 6_457_827_717_110_365_317);
    let dice = Dice::new(3);
    let mean = (0..10_000).map(|_| dice.fraction()).sum::<f64>() / 10_000.0;
    assert!((0.48..0.52).contains(&mean), "{mean}");
    assert!((0..1_000).all(|_| dice.below(7) < 7 && dice.time(ms(5)) <= ms(5)));
    assert_eq!(dice.below(0), 0);
}

#[test]
fn tokens_differ_and_are_legal() {
    let (one, other) = (Tokens::default(), Tokens::default());
    let made: HashSet<_> = (0..1_000).flat_map(|_| [one.make().unwrap(), other.make().unwrap()]).collect();
    assert_eq!(made.len(), 2_000);
}

#[test]
fn a_bucket_lets_its_rate_through_whatever_the_portions() {
    for portion in [1, 7, 100, 1_000] {
        let bucket = Bucket::new(100, 50, Duration::ZERO);
        let mut now = Duration::ZERO;
        for _ in 0..10_000 / portion {
            now += bucket.take(portion, now);
        }
        // The burst comes first, the rest at 100 bytes per second.
        let expected = ((10_000 / portion * portion) as f64 - 50.0) / 100.0;
        assert!((now.as_secs_f64() - expected).abs() < 0.01, "{portion}: {now:?}, expected {expected}");
    }
    let bucket = Bucket::new(100, 50, Duration::ZERO);
    assert_eq!(bucket.take(50, Duration::from_secs(1_000)), Duration::ZERO);
    assert_eq!(bucket.take(50, Duration::from_secs(1_000)), ms(500), "a long quiet time fills it once");
    // A clock that goes back does no harm.
    assert_eq!(bucket.take(0, Duration::from_secs(1)), ms(500));
}

#[test]
fn digests_are_crc_32c_however_the_bytes_arrive() {
    // The vectors of RFC 3720, B.4.
    let ascending: Vec<u8> = (0..32).collect();
    assert_eq!(Digester::of(b"123456789").crc32c, 0xe306_9283);
    assert_eq!(Digester::of(&[0; 32]).crc32c, 0x8a91_36aa);
    assert_eq!(Digester::of(&[0xff; 32]).crc32c, 0x62a8_ab43);
    assert_eq!(Digester::of(&ascending).crc32c, 0x46dd_794e);
    let bytes: Vec<u8> = (0..1_000_u32).map(|number| (number * 7) as u8).collect();
    for split in [0, 1, 3, 8, 13, 999] {
        let mut digester = Digester::default();
        digester.update(&bytes[..split]);
        digester.update(&bytes[split..]);
        assert_eq!(digester.finish(), Digester::of(&bytes));
    }
}

#[test]
fn faults_befall_alike_for_one_seed_whatever_the_odds_of_others() {
    let odds = Odds::default().with_error(0.3).with_lost_reply(0.3);
    let fates = |options: FaultOptions| {
        let plan = FaultPlan::new(options);
        (0..200)
            .map(|number| plan.roll(if number % 2 == 0 { Operation::Write } else { Operation::Read }))
            .step_by(2)
            .collect::<Vec<_>>()
    };
    let alone = fates(FaultOptions::new(9).with(Class::Write, odds));
    let noisy = fates(FaultOptions::new(9).with(Class::Write, odds).with(Class::Read, odds.with_short_read(1.0)));
    assert_eq!(alone, noisy);
    assert_ne!(alone, fates(FaultOptions::new(10).with(Class::Write, odds)));
    let errors = alone.iter().filter(|fate| fate.fault == Fault::Error).count();
    assert!((15..45).contains(&errors), "{errors}");
}

#[test]
fn operations_and_classes_stand_at_their_place() {
    assert!(Operation::ALL.iter().enumerate().all(|(place, operation)| *operation as usize == place));
    assert!(Class::ALL.iter().enumerate().all(|(place, class)| *class as usize == place));
}

#[test]
fn an_index_keeps_its_books_however_often_an_entry_is_used() {
    let options = CacheOptions::default().with_bytes_max(2 * (ENTRY_BYTES + 1));
    let (index, version) = (CacheIndex::new(options), Version::new("1"));
    let put = |name: &str| index.put(&key(name), &version, &(0..1), b"x");
    let held = |name: &str| index.get(&key(name), &version, &(0..1)).is_some();
    put("a");
    put("a");
    put("b");
    assert!((0..5).all(|_| held("a") && held("b") && held("a")));
    put("c");
    assert_eq!((held("b"), held("c"), held("a")), (false, true, true));
    put("d");
    assert_eq!((held("c"), held("a"), held("d")), (false, true, true));
    assert_eq!((index.stats().evicted, index.stats().bytes), (2, 2 * (ENTRY_BYTES + 1)));
    index.forget(&key("a"));
    index.forget(&key("d"));
    assert_eq!(index.stats().bytes, 0);
    // Another version of a key takes the place of the one before.
    put("a");
    index.put(&key("a"), &Version::new("2"), &(0..1), b"y");
    assert!(!held("a"));
    assert_eq!(index.stats().bytes, ENTRY_BYTES + 1);
}

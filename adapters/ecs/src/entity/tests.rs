//! Packing and its bounds.

use super::Entity;

#[test]
fn packing_keeps_all_parts_at_their_bounds() {
    for shard in [0, 1, Entity::SHARD_MAX] {
        for index in [0, 999, 1_000, u32::MAX] {
            for generation in [0, 1, Entity::GENERATION_MAX] {
                let entity = Entity::new(shard, index, generation).unwrap();
                assert_eq!((entity.shard(), entity.index(), entity.generation()), (shard, index, generation));
                assert_eq!(Entity::from_bits(entity.to_bits()).unwrap(), entity);
                assert!(i64::try_from(entity.to_bits()).is_ok());
            }
        }
    }
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    assert!(Entity::new(Entity::SHARD_MAX + 1, 0, 0).is_err());
    assert!(Entity::new(0, 0, Entity::GENERATION_MAX + 1).is_err());
    assert!(Entity::from_bits(1 << 63).is_err());
    assert!(serde_json::from_str::<Entity>("9223372036854775808").is_err());
}

#[test]
fn an_id_prints_its_parts() {
    assert_eq!(Entity::new(3, 1_000, 7).unwrap().to_string(), "3.1000v7");
    assert_eq!(serde_json::to_string(&Entity::CLOCK).unwrap(), "1");
}

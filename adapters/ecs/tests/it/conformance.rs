//! Memory against the suite: sync, async, and with random changes.

use futures::FutureExt;
use futures::executor::block_on;
use worldstore_ecs::conformance::{model, model_async, run, run_async};
use worldstore_ecs::{AsyncStorage, Entities, Local, Storage};

fn fresh() -> worldstore_core::Result<Box<dyn Storage>> {
    Ok(Box::new(Local::new()))
}

#[test]
fn memory_keeps_the_promises() {
    let report = run(&mut fresh);
    report.check().unwrap();
    assert!(report.passed.len() > 30, "{report}");
}

#[test]
fn memory_keeps_the_promises_where_they_are_awaited() {
    let mut make = || async { Ok(Box::new(Local::new()) as Box<dyn AsyncStorage>) }.boxed();
    block_on(run_async(&mut make)).check().unwrap();
}

#[test]
fn a_shard_of_memory_keeps_the_promises() {
    run(&mut || Ok(Box::new(Local::with_shard(7)?))).check().unwrap();
}

#[test]
fn memory_is_equal_to_a_model_under_random_changes() {
    for seed in 0..30 {
        model(&mut fresh, None, seed, 300).unwrap();
    }
}

#[test]
fn memory_is_equal_to_a_model_when_it_is_restored_from_its_snapshot_after_each_crash() {
    let mut reopen = |crashed: Box<dyn Storage>| {
        let bytes = Entities::new(crashed).snapshot()?;
        let mut entities = Entities::new(fresh()?);
        entities.restore(bytes, &[])?;
        Ok(entities.into_storage())
    };
    for seed in 100..115 {
        model(&mut fresh, Some(&mut reopen), seed, 300).unwrap();
    }
}

#[test]
fn async_memory_is_equal_to_a_model() {
    let mut make = || async { Ok(Box::new(Local::new()) as Box<dyn AsyncStorage>) }.boxed();
    block_on(model_async(&mut make, None, 1, 300)).unwrap();
}

//! Routers whose storages do not answer as they should: what was applied is told as applied, and what is not known is
//! told once.

use worldstore_core::ErrorKind;
use worldstore_ecs::shard::{Router, Routing};
use worldstore_ecs::{Storage, Tick};

use super::{position, spawn};
use crate::stores::routers::handle::Handle;

fn open(handles: &[Handle]) -> Router {
    let shards = handles.iter().map(|handle| Box::new(handle.clone()) as Box<dyn Storage>).collect();
    Router::open(0, shards, Routing::Range(vec![(0, 0), (1_002, 1)])).unwrap()
}

#[test]
fn a_batch_that_was_applied_is_no_error_because_a_shard_does_not_tell_its_tick() {
    let handles = [Handle::new(100), Handle::new(101)];
    let mut router = open(&handles);
    handles[1].be_silent(true);
    let entity = spawn(&mut router, vec![position(1.0, 0.0)]);
    assert_eq!((router.tick().unwrap(), router.alive(&[entity]).unwrap()), (Tick(1), vec![true]));
    handles[1].be_silent(false);
    let next = spawn(&mut router, Vec::new());
    assert_eq!(next.index(), entity.index() + 1);
    assert_eq!(router.changes(Tick(1)).unwrap_err().kind(), ErrorKind::NotFound);
    assert!(router.changes(Tick(2)).unwrap().is_empty());
}

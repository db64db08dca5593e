//! Routers whose storages do not answer as they should: what was applied is told as applied, and what is not known is
//! told once.

use worldstore_core::ErrorKind;
use worldstore_ecs::shard::{Router, Routing};
use worldstore_ecs::{Local, Query, Storage, Tick, Updates};

use super::handle::Handle;
use super::{found, position, spawn};

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

#[test]
fn a_router_that_has_no_answer_gives_out_no_ids() {
    let handles = [Handle::new(100), Handle::new(101)];
    let mut router = open(&handles);
    let first = spawn(&mut router, Vec::new());
    let mut updates = Updates::new();
    updates.spawn_values(Vec::new());
    let batch = updates.to_batch().unwrap();
    // What is refused changes nothing.
    handles[0].fail_after(0);
    assert_eq!(router.apply(&batch).unwrap_err().kind(), ErrorKind::Unavailable);
    handles[0].fail_after(usize::MAX);
    handles[0].lose_answers(true);
    assert_eq!(router.apply(&batch).unwrap_err().kind(), ErrorKind::OutcomeUnknown);
    handles[0].lose_answers(false);
    assert_eq!(router.apply(&batch).unwrap_err().kind(), ErrorKind::Poisoned);
    assert_eq!(router.alive(&[first]).unwrap(), [true]);
    // The second entity is there, and the next one is another.
    let mut router = open(&handles);
    assert_eq!(found(&router, &Query::all()).len(), 2);
    assert_eq!(spawn(&mut router, Vec::new()).index(), first.index() + 2);
}

/// A storage that does one change and then no more, as if the program had ended.
#[test]
fn a_restore_is_one_change_that_knows_which_ids_were_given_out() {
    let mut local = Local::new();
    let kept = local.insert_entity(()).unwrap();
    let gone = local.insert_entity(()).unwrap();
    local.destroy_entity(gone).unwrap();
    let handles = [Handle::new(100)];
    let open = || Router::open(0, vec![Box::new(handles[0].clone())], Routing::Hash).unwrap();
    let mut router = open();
    handles[0].fail_after(1);
    let _ = router.import(&local.export().unwrap());
    handles[0].fail_after(usize::MAX);
    let mut router = open();
    assert_eq!(router.alive(&[kept, gone]).unwrap(), [true, false]);
    assert_eq!(spawn(&mut router, Vec::new()).index(), gone.index() + 1);
}

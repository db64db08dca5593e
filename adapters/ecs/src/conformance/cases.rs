//! The cases.

mod batches;
mod lives;
mod queries;
mod restores;
mod shared;
mod values;

use futures::future::BoxFuture;
use worldstore_core::{Error, ErrorKind, Result};

use super::AsyncMake;
use crate::async_entities::AsyncEntities;
use crate::async_storage::AsyncStorage;

/// One case: what it shows, and how.
type Case = for<'a, 'm> fn(&'a mut AsyncMake<'m>) -> BoxFuture<'a, Result<()>>;

/// Entities in whatever storage is looked at.
type World = AsyncEntities<Box<dyn AsyncStorage>>;

/// Fails a case unless both are equal.
macro_rules! same {
    ($seen:expr, $wanted:expr) => {{
        let (seen, wanted) = (&$seen, &$wanted);
        if seen != wanted {
            return Err($crate::conformance::cases::differs(
                concat!(stringify!($seen), " at line ", line!()),
                &format!("{seen:?}"),
                &format!("{wanted:?}"),
            ));
        }
    }};
}

macro_rules! cases {
    ($($module:ident: $($name:ident),+ $(,)?);+ $(;)?) => {
        /// All cases.
        pub const ALL: &[(&str, Case)] = &[$($((
            stringify!($name),
            |make| Box::pin(async move { $module::$name(make).await }),
        )),+),+];
    };
}

pub(super) use same;

cases! {
    lives: entities_are_made_and_destroyed, a_missing_entity_answers_nothing, a_second_destroy_is_refused,
        writes_to_the_dead_are_refused, an_id_is_never_given_twice, the_id_that_was_freed_last_comes_first, reserved_entities_live_for_ever,
        singletons_are_found_by_queries, entities_of_other_shards_are_not_alive, placed_entities_keep_their_ids;
    values: components_are_set_and_removed, all_kinds_come_back, values_are_copies, components_without_a_type,
        other_fields_are_refused, many_are_read_at_once, a_component_goes_from_all;
    queries: components_come_in_the_order_of_the_query, having_and_excluding, all_entities_are_listed,
        unknown_components_find_nothing, chunks_hold_each_entity_once, many_archetypes, a_query_of_many_finds_all;
    batches: a_batch_applies_in_order, a_bad_batch_changes_nothing, two_writes_are_combined,
        updates_need_the_component, a_batch_of_many, ticks_count_what_was_applied, changes_since_a_tick,
        what_was_undone_is_no_change;
    shared: a_shared_value_is_read_by_all, a_write_makes_it_ones_own, shared_values_survive_a_restore,
        shared_by_thousands;
    restores: a_restore_into_a_fresh_storage_brings_all_back, a_rewind_leaves_no_ghosts,
        a_wrong_state_changes_nothing, a_restore_is_the_end_of_the_history;
}

async fn fresh(make: &mut AsyncMake<'_>) -> Result<World> {
    Ok(AsyncEntities::new(make().await?))
}

fn differs(what: &str, seen: &str, wanted: &str) -> Error {
    let shorten = |text: &str| text.chars().take(600).collect::<String>();
    Error::unexpected("not what it should be")
        .with("what", what)
        .with("seen", shorten(seen))
        .with("wanted", shorten(wanted))
}

/// The kind of the error, or of what should have been one.
fn kind<Value>(result: Result<Value>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind())
}

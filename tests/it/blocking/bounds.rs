//! Where the side that waits may be called, and what becomes of it there.

use worldstore::blocking::{Bridge, Mirror, SeqAt, StorageContext, World};
use worldstore::core::table::{ListTablesOptions, Scan, TableName};
use worldstore::world::{CompactWorldOptions, ExpireWorldOptions, Extent, History, Resolution, TableOptions};
use worldstore::{Error, ErrorKind, Result, StorageConfig, TableFormat, WorldOptions};

use super::op::batch;
use crate::bed::Bed;

fn options() -> WorldOptions {
    Bed::new(TableFormat::Memory).options()
}

/// A world whose main run has an entity in each of three ticks.
fn world() -> World {
    let world = World::create("memory:", &options()).unwrap();
    let run = world.run("main").unwrap();
    for tick in 1..=3 {
        let _ = run.append(tick, "a", &batch(&[(tick as u64, true, Some(tick))])).unwrap();
    }
    world
}

fn refused<Value>(answer: Result<Value>) {
    assert_eq!(answer.map(drop).map_err(|error| error.kind()), Err(ErrorKind::Unsupported));
}

/// Every method that waits.
fn all_refused(world: &World, context: &StorageContext) {
    refused(World::create("memory:", &options()));
    refused(World::open("memory:", &options()));
    refused(World::read("memory:", &options()));
    refused(World::open_or_create("memory:", &options()));
    refused(world.tables());
    refused(world.run("main"));
    refused(world.create_run("more"));
    refused(world.runs());
    refused(world.drop_run("more"));
    refused(world.define_table("b", &TableOptions::default().with_history(History::Changes)));
    refused(world.table_history("a"));
    refused(world.flush());
    refused(world.compact(&CompactWorldOptions::default()));
    refused(world.expire(&ExpireWorldOptions::default()));
    refused(world.verify(Extent::Newest));
    refused(world.states());
    refused(world.newest_published());
    refused(world.table_at(&TableName::new("a").unwrap(), 1));
    refused(world.waiting());
    refused(world.log_state());
    refused(world.shutdown());
    refused(world.seq_at(std::time::SystemTime::now()));
    refused(world.table_backend().list(&ListTablesOptions::default()));
    refused(StorageContext::builder(StorageConfig::default().with_uri("memory:")).build());
    refused(context.with_namespace("other"));
    refused(context.worlds());
    refused(context.namespaces());
    refused(context.create("north"));
    refused(context.open("north"));
    refused(context.open_or_create("north"));
    refused(context.close("north"));
    refused(context.shutdown());
}

fn all_of_a_run_refused(run: &worldstore::blocking::Run) {
    let (view, rows) = (run.now(), batch(&[(1, true, None)]));
    refused(run.append(9, "a", &rows));
    refused(run.tick(9).append("a", &rows).unwrap().commit());
    refused(run.fork("fork", 2));
    refused(run.replay(1..=2));
    refused(run.merge(&view, 9));
    refused(run.merge_with(&view, 9, |_| Ok(Resolution::Ours)));
    refused(view.scan("a", &Scan::all()));
    refused(view.collect("a", &Scan::all()));
    refused(view.count("a"));
    refused(view.ticks("a"));
    refused(view.state("a"));
    refused(view.collect_state("a"));
    refused(view.rows_at("a", 1));
    refused(view.state_hash());
    refused(view.diff(&view));
    refused(view.history(1));
    refused(view.entity(1));
    refused(view.at_time(std::time::SystemTime::now(), run.world()));
    refused(view.pinned());
    assert_eq!(
        (run.name(), run.as_of(2).tick(), run.world().name()),
        ("main", 2, "world"),
        "what waits for nothing is free"
    );
}

#[test]
fn async_code_is_refused_by_each_method_and_blocking_threads_are_not() {
    let world = world();
    let context = StorageContext::builder(StorageConfig::default().with_uri("memory:")).build().unwrap();
    let run = world.run("main").unwrap();
    let one = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let many = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    for runtime in [&one, &many] {
        let (world, context, run) = (world.clone(), context.clone(), run.clone());
        let task = async move {
            all_refused(&world, &context);
            all_of_a_run_refused(&run);
            tokio::task::spawn_blocking(move || run.now().count("a")).await.unwrap()
        };
        assert_eq!(runtime.block_on(async { tokio::spawn(task).await.unwrap() }).unwrap(), 3);
    }
    assert_eq!(run.now().count("a").unwrap(), 3, "nothing was appended");
}

#[test]
fn iterators_end_after_they_were_refused_and_nothing_panics_when_it_is_dropped_in_async_code() {
    let world = world();
    let run = world.run("main").unwrap();
    let mut ticks = run.replay(1..=3).unwrap();
    let mut state = run.now().state("a").unwrap();
    let mut scan = run.now().scan("a", &Scan::all()).unwrap();
    let unread = (run.replay(1..=3).unwrap(), run.now().state("a").unwrap(), world.table_backend());
    assert_eq!(ticks.next().unwrap().unwrap().tick, 1);
    let writer = run.tick(4).append("a", &batch(&[])).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async move {
        refused(ticks.next().unwrap());
        refused(state.batches.next().unwrap());
        refused(scan.batches.next().unwrap());
        assert!(ticks.next().is_none() && state.batches.next().is_none() && scan.batches.next().is_none());
        // The last of them ends the runtime behind them.
        drop((world, run, writer, ticks, state, scan, unread));
    });
}

#[test]
fn an_iterator_outlives_its_world() {
    let ticks = world().run("main").unwrap().replay(1..=3).unwrap();
    assert_eq!(ticks.map(|tick| tick.unwrap().tick).collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn an_async_world_is_shown_on_its_runtime_until_that_ends() {
    let one = tokio::runtime::Builder::new_current_thread().build().unwrap();
    refused(Bridge::with_handle(one.handle().clone()));

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let opened = runtime.block_on(worldstore::World::create("memory:", &options())).unwrap();
    let world = World::over(opened, &Bridge::with_handle(runtime.handle().clone()).unwrap());
    let run = world.run("main").unwrap();
    let _ = run.append(1, "a", &batch(&[(1, true, None)])).unwrap();
    let rows = run.now().asynchronous().clone();
    assert_eq!(runtime.block_on(rows.count("a")).unwrap(), 1, "one world on both sides");
    let mut ticks = run.replay(1..=1).unwrap();
    runtime.shutdown_background();
    assert_eq!(run.now().count("a").unwrap_err().kind(), ErrorKind::Poisoned);
    assert_eq!(world.flush().unwrap_err().kind(), ErrorKind::Poisoned);
    assert_eq!(ticks.next().unwrap().unwrap_err().kind(), ErrorKind::Poisoned);
    assert!(ticks.next().is_none());
}

#[test]
fn a_rule_may_read_the_world_and_borrow() {
    let world = world();
    let run = world.run("main").unwrap();
    let fork = run.fork("fork", 3).unwrap();
    let _ = run.append(4, "a", &batch(&[(1, true, Some(10)), (2, true, Some(10))])).unwrap();
    let _ = fork.append(4, "a", &batch(&[(1, true, Some(20)), (2, true, Some(20))])).unwrap();
    let refusal = run.merge_with(&fork.now(), 5, |_| Err(Error::invalid("not mine"))).unwrap_err();
    assert_eq!(refusal.message(), "not mine");
    let mut seen = Vec::new();
    let merge = run.merge_with(&fork.now(), 5, |conflict| {
        seen.push((conflict.entity, run.now().history(conflict.entity)?.len()));
        Ok(if conflict.entity == 1 { Resolution::Theirs } else { Resolution::Ours })
    });
    assert_eq!((merge.unwrap().written, seen), (1, vec![(1, 2), (2, 2)]));
}

#[test]
fn a_merge_whose_rule_panics_ends_with_that_panic_and_writes_nothing() {
    let world = world();
    let run = world.run("main").unwrap();
    let fork = run.fork("fork", 3).unwrap();
    let _ = run.append(4, "a", &batch(&[(1, true, Some(10))])).unwrap();
    let _ = fork.append(4, "a", &batch(&[(1, true, Some(20))])).unwrap();
    let merge = || run.merge_with(&fork.now(), 5, |_| panic!("as expected"));
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(merge)).is_err());
    assert_eq!(run.now().count("a").unwrap(), 4);
    world.shutdown().unwrap();
}

#[test]
fn many_threads_share_a_world() {
    let world = world();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let run = world.create_run(&format!("run{number}")).unwrap();
            scope.spawn(move || {
                for tick in 0..20 {
                    let _ = run.append(tick, "a", &batch(&[(number, true, Some(tick))])).unwrap();
                }
                assert_eq!(run.now().count("a").unwrap(), 20);
            });
        }
    });
    assert_eq!(world.stats().unwrap().visible_seq, 163);
}

/// Nothing of a table format needs a runtime around it when it is dropped, and what was acknowledged is there again.
#[test]
fn worlds_of_each_format_are_dropped_on_plain_threads_and_opened_again() {
    let formats = [
        TableFormat::Memory,
        #[cfg(feature = "lance")]
        TableFormat::Lance,
        #[cfg(feature = "iceberg")]
        TableFormat::Iceberg,
    ];
    for format in formats {
        let bed = Bed::new(format);
        let world = World::create(&bed.uri(), &bed.options()).unwrap();
        let run = world.run("main").unwrap();
        let _ = run.append(1, "a", &batch(&[(1, true, Some(1)), (2, true, None)])).unwrap();
        world.flush().unwrap();
        let _ = run.append(2, "a", &batch(&[(1, true, Some(2))])).unwrap();
        let mut scan = run.now().scan("a", &Scan::all()).unwrap().batches;
        assert!(scan.next().unwrap().is_ok());
        let hash = run.now().state_hash().unwrap();
        let ticks = run.replay(1..=2).unwrap();
        drop((world, run, scan, ticks));
        if format == TableFormat::Memory {
            continue;
        }
        let world = World::open(&bed.uri(), &bed.options()).unwrap();
        assert_eq!(world.recovery().rows, 1, "{format}");
        assert_eq!(world.run("main").unwrap().now().state_hash().unwrap(), hash, "{format}");
        world.shutdown().unwrap();
        let reader = World::read(&bed.uri(), &bed.options()).unwrap();
        assert_eq!(reader.run("main").unwrap().now().count("a").unwrap(), 3, "{format}");
        refused(reader.create_run("more"));
        refused(reader.run("main").unwrap().append(3, "a", &batch(&[])));
    }
}

#[test]
fn a_world_that_was_dropped_has_let_its_log_go() {
    let folder = tempfile::tempdir().unwrap();
    let options = options().with_log(worldstore::world::LogPlace::Folder(folder.path().join("log")));
    for round in 0..20 {
        let world = World::create("memory:", &options).unwrap();
        let run = world.run("main").unwrap();
        let _ = run.append(1, "a", &batch(&[(round, true, None)])).unwrap();
        if round % 2 == 0 {
            world.flush().unwrap();
        }
        let mut ticks = run.replay(1..=1).unwrap();
        assert!(ticks.next().unwrap().is_ok());
    }
}

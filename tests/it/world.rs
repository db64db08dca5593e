//! Appending tick by tick, and reading as of a tick.

use std::sync::Arc;

use worldstore::arrow::array::{ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, RecordBatch};
use worldstore::arrow::array::{StringArray, UInt64Array};
use worldstore::arrow::datatypes::{Int64Type, UInt64Type};
use worldstore::core::table::{Level, Predicate, Scan};
use worldstore::{CacheConfig, ErrorKind, World, WorldOptions};

use crate::bed::{Bed, objects, on_each_format, rows, state, ticks};

on_each_format!(
    ticks_are_read_as_of_a_tick,
    base_columns_are_added,
    ended_entities_say_so,
    memory_and_table_are_read_as_one,
    scans_project_filter_and_limit,
    components_may_come_in_any_order,
    unfit_rows_change_nothing,
    receipts_say_how_safe_rows_are,
    names_are_checked,
    a_world_is_made_once,
    shutdown_drains_then_refuses,
);

async fn ticks_are_read_as_of_a_tick(bed: &Bed) {
    let world = bed.create().await;
    let run = world.run("main").await.unwrap();
    for tick in 1..=4 {
        let receipt = run.append(tick, "position", &rows(&[(1, tick as f64), (2, -1.0)])).await.unwrap();
        assert_eq!((receipt.rows, receipt.seq), (2, tick as u64));
    }
    assert_eq!(ticks(&run.now()).await, [(1, 2), (2, 2), (3, 2), (4, 2)]);
    assert_eq!(ticks(&run.as_of(2)).await, [(1, 2), (2, 2)]);
    assert_eq!(state(&run.as_of(2)).await, [(1, 1.0), (1, 2.0), (2, -1.0), (2, -1.0)]);
    assert_eq!(run.as_of(3).count("position").await.unwrap(), 6);
    assert_eq!(run.now().count("position").await.unwrap(), 8);
    assert_eq!(run.as_of(0).count("position").await.unwrap(), 0);
    assert_eq!(run.as_of(i64::MIN).count("position").await.unwrap(), 0);
}

async fn base_columns_are_added(bed: &Bed) {
    let world = World::create(&bed.uri(), &bed.options().with_name("flights-2013")).await.unwrap();
    let run = world.run("main").await.unwrap();
    let _ = run.append(-7, "position", &rows(&[(u64::from(u32::MAX) + 1, 0.5)])).await.unwrap();
    world.flush().await.unwrap();
    let batches = run.now().collect("position", &Scan::all()).await.unwrap();
    let schema = batches[0].schema();
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["world", "run", "entity", "tick", "active", "seq", "x"]);
    let row = batches.iter().find(|batch| batch.num_rows() == 1).unwrap();
    assert_eq!(row["world"].as_string::<i32>().value(0), "flights-2013");
    assert_eq!(row["run"].as_string::<i32>().value(0), "main");
    assert_eq!(row["entity"].as_primitive::<UInt64Type>().value(0), 1 << 32);
    assert_eq!(row["tick"].as_primitive::<Int64Type>().value(0), -7);
    assert!(row["active"].as_boolean().value(0));
    assert_eq!(row["seq"].as_primitive::<UInt64Type>().value(0), 1);
}

async fn ended_entities_say_so(bed: &Bed) {
    let world = bed.create().await;
    let run = world.run("main").await.unwrap();
    let active = Arc::new(BooleanArray::from(vec![true, false]));
    let columns = [("active", active as ArrayRef), ("entity", Arc::new(UInt64Array::from(vec![1, 2])))];
    let _ = run.append(1, "life", &RecordBatch::try_from_iter(columns).unwrap()).await.unwrap();
    let ended = Scan::all().with_predicate(Predicate::eq("active", false)).with_columns(["entity"]);
    for _ in 0..2 {
        let found = run.now().collect("life", &ended).await.unwrap();
        let entities: Vec<u64> =
            found.iter().flat_map(|batch| batch["entity"].as_primitive::<UInt64Type>().values().to_vec()).collect();
        assert_eq!(entities, [2]);
        world.flush().await.unwrap();
    }
}

async fn memory_and_table_are_read_as_one(bed: &Bed) {
    let world = bed.create().await;
    let run = world.run("main").await.unwrap();
    let _ = run.append(1, "position", &rows(&[(1, 1.0)])).await.unwrap();
    world.flush().await.unwrap();
    let _ = run.append(2, "position", &rows(&[(1, 2.0)])).await.unwrap();
    let _ = run.append(1, "position", &rows(&[(2, 3.0)])).await.unwrap();
    assert_eq!(world.stats().unwrap().buffered_rows, 2);
    assert_eq!(state(&run.now()).await, [(1, 1.0), (1, 2.0), (2, 3.0)]);
    assert_eq!(ticks(&run.now()).await, [(1, 2), (2, 1)]);
    assert_eq!(run.as_of(1).count("position").await.unwrap(), 2);
    world.flush().await.unwrap();
    assert_eq!(world.stats().unwrap().buffered_rows, 0);
    assert_eq!(state(&run.now()).await, [(1, 1.0), (1, 2.0), (2, 3.0)]);
    assert_eq!(ticks(&run.now()).await, [(1, 2), (2, 1)]);
}

async fn scans_project_filter_and_limit(bed: &Bed) {
    let world = bed.create().await;
    let run = world.run("main").await.unwrap();
    for tick in 1..=6 {
        let _ = run.append(tick, "position", &rows(&[(1, tick as f64), (2, 10.0 * tick as f64)])).await.unwrap();
        if tick == 3 {
            world.flush().await.unwrap();
        }
    }
    let large = Scan::all().with_predicate(Predicate::ge("x", 20.0)).with_columns(["x", "entity"]);
    let counted = |batches: Vec<RecordBatch>| batches.iter().map(RecordBatch::num_rows).sum::<usize>();
    let found = run.as_of(5).collect("position", &large).await.unwrap();
    assert_eq!(found[0].schema().field(0).name(), "x");
    assert_eq!(counted(found), 4, "x of 20, 30, 40 and 50");
    assert_eq!(counted(run.now().collect("position", &large.clone().with_limit(2)).await.unwrap()), 2);
    assert_eq!(counted(run.now().collect("position", &Scan::all().with_limit(7)).await.unwrap()), 7);
    let refused = run.now().collect("position", &Scan::all().with_columns(["y"])).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
    assert!(refused.to_string().contains("column: y"), "{refused}");
    assert_eq!(run.now().count("velocity").await.unwrap_err().kind(), ErrorKind::NotFound);
}

async fn components_may_come_in_any_order(bed: &Bed) {
    let world = bed.create().await;
    let run = world.run("main").await.unwrap();
    let entity: ArrayRef = Arc::new(UInt64Array::from(vec![1]));
    let x: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.5)]));
    let missing: ArrayRef = Arc::new(Float64Array::from(vec![None]));
    let name: ArrayRef = Arc::new(StringArray::from(vec!["one"]));
    let first = [("entity", entity.clone(), false), ("x", missing, true), ("name", name.clone(), false)];
    let second = [("name", name, false), ("x", x, false), ("entity", entity, false)];
    for (tick, columns) in [first, second].into_iter().enumerate() {
        let rows = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
        let _ = run.append(tick as i64, "position", &rows).await.unwrap();
    }
    assert_eq!(run.now().count("position").await.unwrap(), 2);
    let known = Scan::all().with_predicate(Predicate::eq("x", 1.5));
    assert_eq!(
        run.now().collect("position", &known).await.unwrap().iter().map(RecordBatch::num_rows).sum::<usize>(),
        1
    );
}

async fn unfit_rows_change_nothing(bed: &Bed) {
    let world = bed.create().await;
    let run = world.run("main").await.unwrap();
    let _ = run.append(1, "position", &rows(&[(1, 1.0)])).await.unwrap();
    world.flush().await.unwrap();
    let before = (objects(&world).await, world.stats().unwrap().last_seq);
    let x = || Arc::new(Float64Array::from(vec![2.0])) as ArrayRef;
    let entity = || Arc::new(UInt64Array::from(vec![2])) as ArrayRef;
    let ended = || Arc::new(BooleanArray::from(vec![None])) as ArrayRef;
    let refused: [(&str, Vec<(&str, ArrayRef)>); 9] = [
        ("no column entity", vec![("x", x())]),
        ("column has another type, column: entity", vec![("entity", Arc::new(Int64Array::from(vec![2]))), ("x", x())]),
        ("column has nulls, column: entity", vec![("entity", Arc::new(UInt64Array::from(vec![None]))), ("x", x())]),
        ("column has nulls, column: active", vec![("entity", entity()), ("active", ended()), ("x", x())]),
        ("column name is taken, column: tick", vec![("entity", entity()), ("tick", x()), ("x", x())]),
        ("column name is taken, column: world", vec![("entity", entity()), ("world", x())]),
        ("another schema", vec![("entity", entity()), ("y", x())]),
        ("another schema", vec![("entity", entity()), ("x", entity())]),
        ("another schema", vec![("entity", entity()), ("x", x()), ("y", x())]),
    ];
    for (message, columns) in refused {
        let rows = RecordBatch::try_from_iter(columns).unwrap();
        for table in ["position", "unseen"] {
            if table == "unseen" && message == "another schema" {
                continue;
            }
            let error = run.append(2, table, &rows).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
            assert!(error.to_string().contains(message), "{error}");
        }
    }
    let after = (objects(&world).await, world.stats().unwrap().last_seq);
    assert_eq!(before, after);
    assert_eq!(world.stats().unwrap().buffered_rows, 0);
    assert_eq!(world.tables().await.unwrap().len(), 1);
    assert_eq!(state(&run.now()).await, [(1, 1.0)]);
}

async fn receipts_say_how_safe_rows_are(bed: &Bed) {
    let world = bed.create().await;
    let run = world.run("main").await.unwrap();
    let first = run.append(1, "position", &rows(&[(1, 1.0)])).await.unwrap();
    let has_log = bed.format != worldstore::TableFormat::Memory;
    let level = if has_log { Level::Durable } else { Level::Buffered };
    assert_eq!((first.level, first.version), (level, None));
    match world.wait(&first, Level::Durable).await {
        Ok(durable) => assert!(has_log && durable.level == Level::Durable),
        Err(error) => assert!(!has_log && error.kind() == ErrorKind::Unsupported, "{error}"),
    }
    let committed = world.wait(&first, Level::Committed).await.unwrap();
    assert_eq!((committed.level, committed.seq), (Level::Committed, first.seq));
    let at = Scan::all().with_version(committed.version.unwrap());
    assert_eq!(run.now().collect("position", &at).await.unwrap().iter().map(RecordBatch::num_rows).sum::<usize>(), 1);

    let at_once = CacheConfig::default().with_flush_rows(1);
    let other = Bed::new(bed.format);
    let world = World::create(&other.uri(), &other.options().with_cache(at_once)).await.unwrap();
    let receipt = world.run("main").await.unwrap().append(1, "position", &rows(&[(1, 1.0)])).await.unwrap();
    let receipt = world.wait(&receipt, Level::Committed).await.unwrap();
    assert_eq!(receipt.level, Level::Committed);
    assert!(receipt.version.is_some());
    assert_eq!(world.stats().unwrap().buffered_rows, 0);
}

async fn names_are_checked(bed: &Bed) {
    for name in ["", ".hidden", "a/b", "a b", "ü", &"n".repeat(65)] {
        let error = World::create(&bed.uri(), &bed.options().with_name(name)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    }
    let world = bed.create().await;
    let before = objects(&world).await;
    for name in ["", "..", "a/b", "a b"] {
        assert_eq!(world.create_run(name).await.unwrap_err().kind(), ErrorKind::Invalid);
        assert_eq!(world.run(name).await.unwrap_err().kind(), ErrorKind::Invalid);
        let run = world.run("main").await.unwrap();
        assert_eq!(run.fork(name, 1).await.unwrap_err().kind(), ErrorKind::Invalid);
        let error = run.append(1, name, &rows(&[(1, 1.0)])).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }
    assert_eq!(objects(&world).await, before);
    assert_eq!(world.run("other").await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(world.create_run("main").await.unwrap_err().kind(), ErrorKind::AlreadyExists);
    world.create_run("other").await.unwrap();
    let names: Vec<String> = world.runs().await.unwrap().into_iter().map(|run| run.name).collect();
    assert_eq!(names, ["main", "other"]);
}

async fn a_world_is_made_once(bed: &Bed) {
    if bed.uri() == "memory:" {
        let missing = World::open(&bed.uri(), &WorldOptions::default()).await.unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound, "each store in memory is new");
        return;
    }
    let missing = World::open(&bed.uri(), &bed.options()).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    assert!(!std::path::Path::new(&bed.uri()).exists(), "opening makes nothing");
    let world = World::open_or_create(&bed.uri(), &bed.options()).await.unwrap();
    assert_eq!((world.name(), world.format()), ("world", bed.format));
    let before = objects(&world).await;
    let again = World::create(&bed.uri(), &bed.options().with_name("another")).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::AlreadyExists);
    assert!(again.to_string().contains(&bed.uri()), "{again}");
    drop(world);
    let world = World::open_or_create(&bed.uri(), &WorldOptions::default()).await.unwrap();
    assert_eq!((world.name(), world.format()), ("world", bed.format), "an existing world keeps its format");
    let after = objects(&world).await;
    // Log and manifests tell who writes.
    let others = |(key, _): &(&String, &_)| !key.starts_with("log/") && !key.starts_with("manifests/");
    assert!(after.iter().filter(others).eq(before.iter().filter(others)), "{before:?} {after:?}");
}

async fn shutdown_drains_then_refuses(bed: &Bed) {
    let world = bed.create().await;
    let run = world.run("main").await.unwrap();
    let _ = run.append(1, "position", &rows(&[(1, 1.0)])).await.unwrap();
    world.shutdown().await.unwrap();
    assert_eq!((world.stats().unwrap().buffered_rows, world.stats().unwrap().flushed_rows), (0, 1));
    let refused = run.append(2, "position", &rows(&[(1, 2.0)])).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Poisoned);
    assert_eq!(state(&run.now()).await, [(1, 1.0)], "reading goes on");
    world.shutdown().await.unwrap();
}

//! Forks: shared history without a copy, and what comes after.

use worldstore::ErrorKind;

use crate::bed::{Bed, objects, on_each_format, rows, state, ticks};

on_each_format!(
    a_fork_copies_nothing,
    runs_diverge,
    late_rows_of_the_parent_stay_out,
    forks_can_be_forked,
    ticks_before_the_fork_are_closed,
);

async fn a_fork_copies_nothing(bed: &Bed) {
    let world = bed.create().await;
    let main = world.run("main").await.unwrap();
    for tick in 1..=3 {
        let _ = main.append(tick, "position", &rows(&[(1, tick as f64)])).await.unwrap();
    }
    world.flush().await.unwrap();
    let mut expected = objects(&world).await;
    let child = main.fork("child", 2).await.unwrap();
    let after = objects(&world).await;
    let record = after.get("runs/child.json").unwrap().clone();
    assert!(record.0 < 1_000, "one small document");
    expected.insert("runs/child.json".to_owned(), record);
    assert_eq!(after, expected);
    assert_eq!(state(&child.now()).await, [(1, 1.0), (1, 2.0)]);
    let info = world.runs().await.unwrap().into_iter().find(|run| run.name == "child").unwrap();
    assert_eq!(info.parent, Some(("main".to_owned(), 2)));
}

async fn runs_diverge(bed: &Bed) {
    let world = bed.create().await;
    let main = world.run("main").await.unwrap();
    for tick in 1..=3 {
        let _ = main.append(tick, "position", &rows(&[(1, tick as f64)])).await.unwrap();
    }
    let child = main.fork("child", 2).await.unwrap();
    let _ = child.append(3, "position", &rows(&[(1, 30.0), (2, 30.0)])).await.unwrap();
    let _ = main.append(4, "position", &rows(&[(1, 4.0)])).await.unwrap();
    for _ in 0..2 {
        assert_eq!(ticks(&main.now()).await, [(1, 1), (2, 1), (3, 1), (4, 1)]);
        assert_eq!(state(&main.as_of(3)).await, [(1, 1.0), (1, 2.0), (1, 3.0)]);
        assert_eq!(ticks(&child.now()).await, [(1, 1), (2, 1), (3, 2)]);
        assert_eq!(state(&child.now()).await, [(1, 1.0), (1, 2.0), (1, 30.0), (2, 30.0)]);
        assert_eq!(state(&child.as_of(1)).await, [(1, 1.0)]);
        world.flush().await.unwrap();
    }
}

async fn late_rows_of_the_parent_stay_out(bed: &Bed) {
    let world = bed.create().await;
    let main = world.run("main").await.unwrap();
    let _ = main.append(1, "position", &rows(&[(1, 1.0)])).await.unwrap();
    let _ = main.append(5, "position", &rows(&[(1, 5.0)])).await.unwrap();
    let child = main.fork("child", 3).await.unwrap();
    for tick in [1, 2, 3] {
        let _ = main.append(tick, "position", &rows(&[(9, 9.0)])).await.unwrap();
    }
    for _ in 0..2 {
        assert_eq!(state(&child.now()).await, [(1, 1.0)], "rows that came after the fork, into ticks before it");
        assert_eq!(main.as_of(3).count("position").await.unwrap(), 4);
        world.flush().await.unwrap();
    }
    let later = main.fork("later", 3).await.unwrap();
    assert_eq!(later.now().count("position").await.unwrap(), 4);
}

async fn forks_can_be_forked(bed: &Bed) {
    let world = bed.create().await;
    let main = world.run("main").await.unwrap();
    for tick in 1..=4 {
        let _ = main.append(tick, "position", &rows(&[(1, tick as f64)])).await.unwrap();
    }
    let child = main.fork("child", 3).await.unwrap();
    for tick in 4..=6 {
        let _ = child.append(tick, "position", &rows(&[(2, tick as f64)])).await.unwrap();
    }
    let grandchild = child.fork("grandchild", 5).await.unwrap();
    let _ = grandchild.append(6, "position", &rows(&[(3, 6.0)])).await.unwrap();
    let early = child.fork("early", 2).await.unwrap();
    let _ = early.append(3, "position", &rows(&[(4, 3.0)])).await.unwrap();
    let _ = main.append(2, "position", &rows(&[(9, 9.0)])).await.unwrap();
    let shared = [(1, 1.0), (1, 2.0), (1, 3.0)];
    assert_eq!(state(&grandchild.now()).await, [&shared[..], &[(2, 4.0), (2, 5.0), (3, 6.0)]].concat());
    assert_eq!(state(&grandchild.as_of(4)).await, [&shared[..], &[(2, 4.0)]].concat());
    assert_eq!(state(&early.now()).await, [(1, 1.0), (1, 2.0), (4, 3.0)], "before the fork of its parent");
    assert_eq!(state(&child.now()).await, [&shared[..], &[(2, 4.0), (2, 5.0), (2, 6.0)]].concat());
}

async fn ticks_before_the_fork_are_closed(bed: &Bed) {
    let world = bed.create().await;
    let main = world.run("main").await.unwrap();
    let _ = main.append(1, "position", &rows(&[(1, 1.0)])).await.unwrap();
    let child = main.fork("child", 3).await.unwrap();
    assert_eq!((main.first_tick(), child.first_tick()), (i64::MIN, 4));
    let before = objects(&world).await;
    for tick in [3, 1, i64::MIN] {
        let refused = child.append(tick, "position", &rows(&[(1, 1.0)])).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Invalid);
        assert!(refused.to_string().contains("first_tick: 4"), "{refused}");
        let unseen = child.append(tick, "unseen", &rows(&[(1, 1.0)])).await.unwrap_err();
        assert_eq!(unseen.kind(), ErrorKind::Invalid);
    }
    assert_eq!(main.fork("child", 1).await.unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(main.fork("last", i64::MAX).await.unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(objects(&world).await, before);
    assert_eq!(world.stats().unwrap().buffered_rows, 0);
    assert_eq!(state(&child.now()).await, [(1, 1.0)]);
    let _ = child.append(4, "position", &rows(&[(1, 4.0)])).await.unwrap();
    assert_eq!(child.now().count("position").await.unwrap(), 2);
}

//! A world asked as a graph.

use worldstore::ErrorKind;
use worldstore::arrow::array::AsArray;
use worldstore::arrow::datatypes::Int64Type;
use worldstore::graph::{Graph, Parameters};

use crate::bed::{Bed, on_each_format, rows};

on_each_format!(
    tables_are_labels,
    views_are_asked_as_they_are,
    what_is_buffered_is_asked_too,
    unknown_labels_are_named
);

async fn number(graph: &Graph, query: &str) -> i64 {
    let result = graph.query(query, &Parameters::default()).await.unwrap();
    result.batches.iter().find(|batch| batch.num_rows() == 1).unwrap().column(0).as_primitive::<Int64Type>().value(0)
}

const COUNT: &str = "MATCH (p:position) RETURN count(*)";

async fn tables_are_labels(bed: &Bed) {
    let world = bed.create().await;
    let run = world.run("main").await.unwrap();
    for tick in 1..=3 {
        let _ = run.append(tick, "position", &rows(&[(1, tick as f64), (2, 0.0)])).await.unwrap();
    }
    world.flush().await.unwrap();
    let graph = world.graph().await.unwrap();
    assert_eq!(number(&graph, COUNT).await, 6);
    assert_eq!(number(&graph, "MATCH (p:position) WHERE p.x > 1 RETURN count(*)").await, 2);
    assert_eq!(number(&graph, "MATCH (p:position {entity: 2}) RETURN max(p.tick)").await, 3);
}

async fn views_are_asked_as_they_are(bed: &Bed) {
    let world = bed.create().await;
    let main = world.run("main").await.unwrap();
    for tick in 1..=3 {
        let _ = main.append(tick, "position", &rows(&[(1, tick as f64)])).await.unwrap();
    }
    let child = main.fork("child", 2).await.unwrap();
    let _ = child.append(3, "position", &rows(&[(1, 30.0), (2, 30.0)])).await.unwrap();
    let _ = main.append(1, "position", &rows(&[(9, 9.0)])).await.unwrap();
    assert_eq!(number(&main.as_of(2).graph(), COUNT).await, 3);
    assert_eq!(number(&main.now().graph(), COUNT).await, 4);
    assert_eq!(number(&child.as_of(2).graph(), COUNT).await, 2, "late rows of the parent stay out");
    assert_eq!(number(&child.now().graph(), "MATCH (p:position) WHERE p.x = 30.0 RETURN count(*)").await, 2);
    assert_eq!(number(&main.as_of(0).graph(), COUNT).await, 0);
}

async fn what_is_buffered_is_asked_too(bed: &Bed) {
    let world = bed.create().await;
    let run = world.run("main").await.unwrap();
    let graph = world.graph().await.unwrap();
    for tick in 1..=6 {
        let _ = run.append(tick, "position", &rows(&[(1, tick as f64)])).await.unwrap();
        if tick % 3 == 0 {
            world.flush().await.unwrap();
        }
        assert_eq!(number(&graph, COUNT).await, tick, "each query sees the rows of its time");
    }
}

async fn unknown_labels_are_named(bed: &Bed) {
    let world = bed.create().await;
    let _ = world.run("main").await.unwrap().append(1, "position", &rows(&[(1, 1.0)])).await.unwrap();
    let text = "MATCH (p:positoin) RETURN count(*)";
    let error = world.graph().await.unwrap().query(text, &Parameters::default()).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let shown = error.render(text);
    assert!(shown.contains("unknown label `positoin`") && shown.contains("`position`"), "{shown}");
}

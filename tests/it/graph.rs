//! A world asked as a graph.

use worldstore::ErrorKind;
use worldstore::arrow::array::AsArray;
use worldstore::arrow::datatypes::Int64Type;
use worldstore::graph::{Graph, LiveEvent, Parameters, Value};

use crate::bed::{Bed, on_each_format, rows};

on_each_format!(
    tables_are_labels,
    long_conditions_are_answered,
    views_are_asked_as_they_are,
    what_is_buffered_is_asked_too,
    states_in_the_past_are_asked_by_name,
    standing_queries_go_on_from_any_sequence_number,
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

async fn long_conditions_are_answered(bed: &Bed) {
    let world = bed.create().await;
    let run = world.run("main").await.unwrap();
    let _ = run.append(1, "position", &rows(&[(1, 1.0), (2, 0.0)])).await.unwrap();
    world.flush().await.unwrap();
    let any = (10..480).map(|n| format!("p.x = {n} AND p.tick < {n}")).collect::<Vec<_>>().join(" OR ");
    let graph = world.graph().await.unwrap();
    let joined = format!("MATCH (p:position) WHERE {any} OR p.x = 1 RETURN count(*)");
    let walked = format!("MATCH (p:position) WHERE {any} OR p.x = 1 WITH collect(p) AS found RETURN size(found)");
    for (text, word) in [(joined, "logical plan"), (walked, "interpreter")] {
        assert!(graph.explain(&text, &Parameters::default()).await.unwrap().starts_with(word));
        assert_eq!(number(&graph, &text).await, 1, "{word}");
    }
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

async fn states_in_the_past_are_asked_by_name(bed: &Bed) {
    let world = bed.create().await;
    let run = world.run("main").await.unwrap();
    let mut seqs = Vec::new();
    for tick in 1..=4 {
        let receipt = run.append(tick, "position", &rows(&[(1, tick as f64), (2, 0.0)])).await.unwrap();
        seqs.push(receipt.seq);
        if tick == 2 {
            world.flush().await.unwrap();
        }
    }
    let graph = world.graph().await.unwrap();
    assert_eq!(number(&graph, &format!("AS OF TICK 3 {COUNT}")).await, 6);
    assert_eq!(number(&graph, &format!("AS OF SEQUENCE {} {COUNT}", seqs[1])).await, 4);
    let result = graph.query(COUNT, &Parameters::default()).await.unwrap();
    let snapshot = result.snapshots[0].clone();
    let _ = run.append(9, "position", &rows(&[(3, 0.0)])).await.unwrap();
    assert_eq!(number(&graph, &format!("AS OF SNAPSHOT '{}' {COUNT}", snapshot.id())).await, 8);
    assert_eq!(number(&graph, COUNT).await, 9);
    let future = format!("AS OF SEQUENCE {} {COUNT}", u32::MAX);
    let future = graph.query(&future, &Parameters::default()).await.unwrap_err();
    assert_eq!(future.kind(), ErrorKind::NotFound, "{future}");
}

async fn standing_queries_go_on_from_any_sequence_number(bed: &Bed) {
    let world = bed.create().await;
    let run = world.run("main").await.unwrap();
    let first = run.append(1, "position", &rows(&[(1, 1.0)])).await.unwrap().seq;
    let graph = world.graph().await.unwrap();
    let view = "CREATE LIVE VIEW moves AS MATCH (p:position) WHERE p.x > 0 RETURN p.entity, count(*)";
    graph.query(view, &Parameters::default()).await.unwrap();
    let mut changes = graph.subscribe("moves", Some(first)).await.unwrap();
    assert!(matches!(changes.next().await.unwrap().as_slice(), [LiveEvent::Progress { .. }]));
    let _ = run.append(2, "position", &rows(&[(1, 2.0), (2, -1.0)])).await.unwrap();
    world.flush().await.unwrap();
    let events = changes.next().await.unwrap();
    let diffs = events.iter().filter_map(|event| match event {
        LiveEvent::Row { diff, row, .. } => Some((*diff, row.clone())),
        _ => None,
    });
    let row = |count: i64| vec![Value::Int(1), Value::Int(count)];
    assert_eq!(diffs.collect::<Vec<_>>(), [(-1, row(1)), (1, row(2))]);
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

//! Standing queries: what was got adds up to what the query gives, and pictures.

use std::collections::HashMap;
use std::sync::Arc;

use proptest::prelude::*;
use worldstore_core::ErrorKind;
use worldstore_graph::{Graph, LiveEvent, Parameters, PictureFormat, QueryOptions, Subscription, Value};

use crate::fixture::{ask, cells, graph, refused, rows};
use crate::sequenced::Sequenced;

type Rows = HashMap<Vec<Value>, i64>;

/// Adds what a subscription gives; answers the progress mark, which comes last and behind all times.
fn add(rows: &mut Rows, events: &[LiveEvent]) -> u64 {
    let Some(LiveEvent::Progress { time: mark }) = events.last() else { panic!("no mark at the end of {events:?}") };
    let mut last = 0;
    for event in &events[..events.len() - 1] {
        let LiveEvent::Row { time, diff, row } = event else { panic!("a mark among {events:?}") };
        assert!(*time >= last && time <= mark && *diff != 0, "{events:?}");
        last = *time;
        let count = rows.entry(row.clone()).or_insert(0);
        *count += diff;
        if *count == 0 {
            rows.remove(row);
        }
    }
    *mark
}

/// What the query gives now, by the same cells.
async fn recomputed(graph: &Graph, query: &str) -> Vec<String> {
    rows(graph, query).await
}

fn shown(rows: &Rows) -> Vec<String> {
    let text = |value: &Value| match value {
        Value::Text(text) => text.to_string(),
        other => other.to_string(),
    };
    let all = rows.iter().flat_map(|(row, count)| {
        let row = row.iter().map(text).collect::<Vec<_>>().join("|");
        std::iter::repeat_n(row, usize::try_from(*count).unwrap())
    });
    let mut all: Vec<_> = all.collect();
    all.sort();
    all
}

/// Filters, projections, joins, counts, and what is walked.
const QUERIES: [&str; 8] = [
    "MATCH (c:cars) WHERE c.id > 1 RETURN c.name",
    "MATCH (c:cars), (s:stops) WHERE c.id = s.id RETURN c.name AS car, s.name AS stop",
    "MATCH (c:cars) RETURN c.name, count(*)",
    "MATCH (c:cars), (d:cars), (s:stops) WHERE c.id < d.id AND s.id = c.id RETURN c.name, d.name AS other, s.name AS stop",
    "MATCH (c:cars), (d:cars) WHERE c.id = d.id AND c.name <> d.name RETURN c.id, count(d.name) AS n, count(*) AS total",
    "MATCH (c:cars) WHERE c.id = 2 RETURN count(*)",
    "MATCH (c:cars) WITH c.id AS id, count(*) AS n WHERE n > 1 RETURN id, n",
    "MATCH (t:Thing) RETURN t.n",
];

#[derive(Debug, Clone)]
enum Step {
    Append { cars: bool, id: i64, name: usize },
    Create(i64),
    Delete(i64),
    Next,
    Resume { back: usize },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (any::<bool>(), 1..4_i64, 0..3_usize).prop_map(|(cars, id, name)| Step::Append { cars, id, name }),
        2 => (0..3_i64).prop_map(Step::Create),
        2 => (0..3_i64).prop_map(Step::Delete),
        3 => Just(Step::Next),
        2 => (0..6_usize).prop_map(|back| Step::Resume { back }),
    ];
    proptest::collection::vec(step, 1..25)
}

async fn subscribed(graph: &Graph, view: usize, after: Option<u64>) -> Subscription {
    graph.subscribe(&format!("view{view}"), after).await.unwrap()
}

async fn follows(steps: Vec<Step>) {
    let tables = Sequenced::new(&["cars", "stops"]).await;
    tables.append("cars", &[(0, 1, "a")]).await;
    let graph = Graph::new().with_tables(Arc::clone(&tables) as _);
    // There is always one, or nobody would know the label.
    ask(&graph, "CREATE (:Thing {n: 9})").await;
    let mut followed = Vec::new();
    for (view, query) in QUERIES.iter().enumerate() {
        ask(&graph, &format!("CREATE LIVE VIEW view{view} AS {query}")).await;
        // What was got up to each mark.
        let marks: Vec<(u64, Rows)> = Vec::new();
        let (mut subscription, mut rows) = (subscribed(&graph, view, None).await, Rows::new());
        add(&mut rows, &subscription.next().await.unwrap());
        assert_eq!(shown(&rows), recomputed(&graph, query).await, "{query}");
        followed.push((subscription, rows, marks));
    }
    for step in steps.into_iter().chain([Step::Next]) {
        match step {
            Step::Append { cars, id, name } => {
                let row = (0, id, ["a", "b", "c"][name]);
                tables.append(if cars { "cars" } else { "stops" }, &[row]).await;
            }
            Step::Create(n) => _ = ask(&graph, &format!("CREATE (:Thing {{n: {n}}})")).await,
            Step::Delete(n) => _ = ask(&graph, &format!("MATCH (t:Thing {{n: {n}}}) DELETE t")).await,
            Step::Next => {
                for (view, (subscription, rows, marks)) in followed.iter_mut().enumerate() {
                    let mark = add(rows, &subscription.next().await.unwrap());
                    assert_eq!(shown(rows), recomputed(&graph, QUERIES[view]).await, "{}", QUERIES[view]);
                    marks.push((mark, rows.clone()));
                }
            }
            Step::Resume { back } => {
                for (view, (subscription, rows, marks)) in followed.iter_mut().enumerate() {
                    let Some((mark, before)) = marks.iter().rev().nth(back) else { continue };
                    *subscription = subscribed(&graph, view, Some(*mark)).await;
                    rows.clone_from(before);
                    add(rows, &subscription.next().await.unwrap());
                    assert_eq!(shown(rows), recomputed(&graph, QUERIES[view]).await, "{} resumed", QUERIES[view]);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_was_got_is_always_what_the_query_gives(steps in steps()) {
        tokio::runtime::Runtime::new().unwrap().block_on(follows(steps));
    }
}

#[tokio::test]
async fn times_of_a_world_are_its_sequence_numbers_and_any_of_them_will_do() {
    let tables = Sequenced::new(&["cars"]).await;
    for name in ["a", "b", "a"] {
        tables.append("cars", &[(0, 1, name)]).await;
    }
    let graph = Graph::new().with_tables(Arc::clone(&tables) as _);
    ask(&graph, "CREATE LIVE VIEW names AS MATCH (c:cars) RETURN c.name, count(*)").await;
    // The view was made after this time.
    let mut subscription = graph.subscribe("names", Some(1)).await.unwrap();
    let mut rows = Rows::from([(vec![Value::from("a"), Value::Int(1)], 1)]);
    assert_eq!(add(&mut rows, &subscription.next().await.unwrap()), 3);
    assert_eq!(shown(&rows), ["a|2", "b|1"]);
    assert_eq!(subscription.columns(), ["c.name", "count(*)"]);
    tables.append("cars", &[(0, 1, "b"), (0, 1, "c")]).await;
    assert_eq!(add(&mut rows, &subscription.next().await.unwrap()), 5);
    assert_eq!(shown(&rows), ["a|2", "b|2", "c|1"]);
    assert!(cells(&ask(&graph, "SHOW LIVE VIEWS").await)[0].ends_with("|incremental"));
    let early = graph.subscribe("names", Some(6)).await.unwrap_err();
    assert_eq!(early.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn views_are_declared_listed_and_dropped() {
    let graph = graph().await;
    ask(&graph, "create live view late as MATCH (f:Flight) WHERE f.delay > 60 RETURN f.flight").await;
    assert_eq!(
        cells(&ask(&graph, "SHOW LIVE VIEWS").await),
        ["late|MATCH (f:Flight) WHERE f.delay > 60 RETURN f.flight|recomputed"]
    );
    assert!(
        refused(&graph, "CREATE LIVE VIEW late AS MATCH (f:Flight) RETURN f.flight").await.contains("exists already")
    );
    assert!(
        refused(&graph, "CREATE LIVE VIEW x AS AS OF TICK 1 MATCH (f:Flight) RETURN f").await.contains("never changes")
    );
    assert!(refused(&graph, "DROP LIVE VIEW lat").await.contains("did you mean `late`"));
    ask(&graph, "DROP LIVE VIEW late").await;
    assert_eq!(graph.subscribe("late", None).await.unwrap_err().kind(), ErrorKind::NotFound);
}

async fn drawn(graph: &Graph, query: &str, format: PictureFormat) -> String {
    let picture = graph.picture(query, &Parameters::default(), &QueryOptions::default()).await;
    picture.map_err(|error| error.render(query)).unwrap().print(format)
}

#[tokio::test]
async fn results_are_drawn_as_graphs() {
    let query = "MATCH p = (:Airport {faa: 'EWR'})-[:ROUTE]->(:Airport {faa: 'IAH'}) RETURN p";
    expect_test::expect![[r#"
        flowchart LR
          n0([":Airport<br/>faa: 'EWR'<br/>name: 'Newark'<br/>state: 'NJ'"])
          n1([":Airport<br/>faa: 'IAH'<br/>name: 'Houston'<br/>state: 'TX'"])
          n0 -- "ROUTE, dst: 'IAH', miles: 1400, src: 'EWR'" --> n1
    "#]]
    .assert_eq(&drawn(&graph().await, query, PictureFormat::Mermaid).await);
}

#[tokio::test]
async fn plans_are_drawn_and_what_cannot_be_is_refused() {
    let graph = graph().await;
    let plan = drawn(&graph, "EXPLAIN MATCH (f:Flight)-[:DEST]->(a:Airport) RETURN f.flight", PictureFormat::Dot).await;
    assert!(plan.starts_with("digraph {") && plan.contains("HashJoinExec") && plan.contains(" -> n0;"), "{plan}");
    let walked = drawn(&graph, "EXPLAIN UNWIND [1] AS x RETURN x", PictureFormat::Dot).await;
    assert!(walked.contains("interpreter"), "{walked}");
    for query in ["MATCH (f:Flight) RETURN f.flight", "SHOW NODE LABELS"] {
        let refused = graph.picture(query, &Parameters::default(), &QueryOptions::default()).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Invalid, "{query}");
    }
}

/// A view that was brought up to date in one step knows nothing of the times within it, and asks.
#[tokio::test]
async fn a_subscription_begins_within_a_step_that_is_kept() {
    let tables = Sequenced::new(&["cars"]).await;
    tables.append("cars", &[(0, 1, "a")]).await;
    let graph = Graph::new().with_tables(Arc::clone(&tables) as _);
    ask(&graph, "CREATE LIVE VIEW names AS MATCH (c:cars) RETURN c.name").await;
    for name in ["b", "c", "d"] {
        tables.append("cars", &[(0, 1, name)]).await;
    }
    let mut all = graph.subscribe("names", Some(1)).await.unwrap();
    let mut rows = Rows::new();
    assert_eq!(add(&mut rows, &all.next().await.unwrap()), 4);
    assert_eq!(shown(&rows), ["b", "c", "d"]);
    for (after, expected) in [(2, vec!["c", "d"]), (3, vec!["d"]), (4, vec![])] {
        let mut rows = Rows::new();
        let mut later = graph.subscribe("names", Some(after)).await.unwrap();
        assert_eq!(add(&mut rows, &later.next().await.unwrap()), 4);
        assert_eq!(shown(&rows), expected, "after {after}");
    }
}

#[tokio::test]
async fn rows_of_nothing_but_null_are_followed() {
    let graph = Graph::new();
    ask(&graph, "CREATE (:Thing {n: 1, of: [1]}), (:Thing {of: []})").await;
    ask(&graph, "CREATE LIVE VIEW things AS MATCH (t:Thing) RETURN t.n, t.of").await;
    let mut subscription = graph.subscribe("things", None).await.unwrap();
    let mut rows = Rows::new();
    let _ = add(&mut rows, &subscription.next().await.unwrap());
    ask(&graph, "MATCH (t:Thing {n: 1}) DELETE t").await;
    let _ = add(&mut rows, &subscription.next().await.unwrap());
    assert_eq!(shown(&rows), ["null|[]"]);
}

//! Queries that are cut off: the parts are the whole. Queries that reach a limit: they say which, and nothing is lost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use worldstore_async::SyncBackendAdapter;
use worldstore_core::ErrorKind;
use worldstore_graph::{
    Cancel, Graph, Limit, LimitReached, Outcome, Parameters, QueryError, QueryOptions, ResumeToken,
};

use crate::fixture::{ask, cells, graph, mounted, parquet, put, refused, store};

/// Queries whose rows come one after the other: joined and walked.
const CUTTABLE: [&str; 6] = [
    "MATCH (f:Flight) RETURN f.flight, f.month",
    "MATCH (f:Flight) WHERE f.delay > 0 RETURN f.flight AS flight, f.delay + 1 AS later",
    "MATCH (f:Flight)-[:DEST]->(a:Airport)-[r:ROUTE]->(b:Airport) RETURN f.flight, b.name, r.miles",
    "MATCH (f:Flight)-[:ORIGIN]-(a:Airport), (l:Airline {name: 'United'}) RETURN f.flight, a.name, l.code",
    "MATCH (f:Flight) OPTIONAL MATCH (f)-[:DEST]->(a:Airport) RETURN f.flight, a.name",
    "UNWIND [3, 1, 2, 1] AS x MATCH (a:Airport) WHERE a.faa < 'K' RETURN x, a.faa",
];

async fn part(graph: &Graph, query: &str, groups: u64, from: Option<ResumeToken>) -> (Vec<String>, Outcome) {
    let mut options = QueryOptions::default().with_row_groups(groups);
    options.resume = from;
    let result = graph.query_with(query, &Parameters::default(), &options).await;
    let result = result.map_err(|error| format!("{query}: {}", error.render(query))).unwrap();
    (cells(&result), result.outcome)
}

#[tokio::test]
async fn the_parts_are_the_whole_however_it_is_cut() {
    let graph = graph().await;
    for query in CUTTABLE {
        let mut whole = cells(&ask(&graph, query).await);
        whole.sort();
        for groups in 1..=5 {
            let (mut rows, mut token, mut parts) = (Vec::new(), None, 0);
            loop {
                let (more, outcome) = part(&graph, query, groups, token).await;
                rows.extend(more);
                parts += 1;
                let Outcome::Truncated { limit, resume } = outcome else { break };
                assert_eq!((limit, resume.row_groups_done()), (Limit::RowGroups, groups * parts), "{query}");
                // A token is stored and sent as text.
                token = Some(resume.to_string().parse().unwrap());
            }
            rows.sort();
            assert_eq!(rows, whole, "{query} by {groups}");
            assert!(groups > 2 || parts > 1, "{query} was never cut");
        }
    }
}

#[tokio::test]
async fn no_row_group_is_given_nothing() {
    let (rows, outcome) = part(&graph().await, CUTTABLE[0], 0, None).await;
    let Outcome::Truncated { resume, .. } = outcome else { panic!("it was not cut") };
    assert_eq!((rows.len(), resume.row_groups_done()), (0, 0));
}

#[tokio::test]
async fn a_token_is_of_one_query_in_one_state() {
    let files = Arc::new(store());
    let backend = Arc::new(SyncBackendAdapter::new(Arc::clone(&files) as _));
    let graph = Graph::new().with_mount("data", backend).unwrap();
    graph.run(crate::fixture::LABELS, &Parameters::default()).await.unwrap();
    let (_, outcome) = part(&graph, CUTTABLE[0], 1, None).await;
    let Outcome::Truncated { resume, .. } = outcome else { panic!("it was not cut") };
    let options = QueryOptions::default().with_resume(resume);
    let other = graph.query_with(CUTTABLE[1], &Parameters::default(), &options).await.unwrap_err();
    assert_eq!(other.kind(), ErrorKind::Invalid, "{other}");
    let more = RecordBatch::try_from_iter([("flight", Arc::new(Int64Array::from(vec![9_i64])) as ArrayRef)]);
    put(&files, "flights/month=2/day=2/a.parquet", parquet(&more.unwrap(), 2));
    let changed = graph.query_with(CUTTABLE[0], &Parameters::default(), &options).await.unwrap_err();
    assert_eq!(changed.kind(), ErrorKind::Conflict, "{changed}");
}

async fn limited(graph: &Graph, query: &str, options: QueryOptions) -> LimitReached {
    match graph.query_with(query, &Parameters::default(), &options).await {
        Err(QueryError::Limit(reached)) => *reached,
        other => panic!("{query} gave {other:?}"),
    }
}

#[tokio::test]
async fn what_needs_all_rows_says_so_when_it_is_cut() {
    let graph = graph().await;
    for (query, why) in [
        ("MATCH (f:Flight) RETURN f.carrier, count(*)", "an aggregate needs all rows"),
        ("MATCH (f:Flight) RETURN f.flight ORDER BY f.flight", "ORDER BY needs all rows"),
        ("MATCH (f:Flight) RETURN DISTINCT f.carrier", "DISTINCT needs all rows"),
        ("MATCH (f:Flight) RETURN f.flight LIMIT 3", "LIMIT needs all rows"),
        ("MATCH (f:Flight) WITH f LIMIT 2 MATCH (a:Airport) RETURN f.flight, a.faa", "LIMIT needs all rows"),
        ("MATCH (f:Flight) RETURN f.flight UNION MATCH (f:Flight) RETURN f.flight", "UNION needs all rows"),
        ("UNWIND [1, 2] AS x RETURN x, rand()", "`rand` has another value each time"),
        ("MATCH (f:Flight), (g:Flight) RETURN f.flight", "no label stands in the pattern only once and has row groups"),
    ] {
        let reached = limited(&graph, query, QueryOptions::default().with_row_groups(1)).await;
        assert_eq!((reached.limit(), reached.not_resumable()), (Limit::RowGroups, Some(why)), "{query}");
        assert_eq!(reached.error().kind(), ErrorKind::Unavailable);
    }
}

/// Numbers enough that a join of several takes longer than anybody waits.
async fn numbers() -> Graph {
    let files = store();
    let numbers = RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from_iter_values(0..2_000)) as ArrayRef)]);
    put(&files, "numbers/a.parquet", parquet(&numbers.unwrap(), 500));
    let (graph, _) = mounted(files);
    let labels = "CREATE NODE LABEL N VIRTUAL FROM PARTITION 'lake://data/numbers'";
    graph.run(labels, &Parameters::default()).await.unwrap();
    graph
}

/// Takes years, joined and walked.
const ENDLESS: [&str; 2] = [
    "MATCH (a:N), (b:N), (c:N), (d:N) RETURN count(a.n + b.n + c.n + d.n)",
    "UNWIND range(1, 90000) AS x UNWIND range(1, 90000) AS y UNWIND range(1, 90000) AS z WITH x, y, z WHERE x + y = -z \
     RETURN x ORDER BY x",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_ends_what_has_no_end() {
    let graph = numbers().await;
    for query in ENDLESS {
        let reached = limited(&graph, query, QueryOptions::default().with_timeout(Duration::from_millis(300))).await;
        assert_eq!(reached.limit(), Limit::Deadline, "{query}");
        assert!(reached.not_resumable().is_some(), "{query}");
    }
    assert_eq!(cells(&ask(&graph, "MATCH (a:N) RETURN count(*)").await), ["2000"]);
}

/// Joins that look at a hundred milliards of pairs, of which none fits: the first batch alone would take minutes.
const FRUITLESS: [(&str, &str); 2] = [
    ("MATCH (a:Many), (b:Many) WHERE a.n + b.n < 0 RETURN a.n, b.n", "NestedLoopJoinExec"),
    ("MATCH (a:Many), (b:Many) WHERE a.k = b.k AND a.n + b.n < 0 RETURN a.n, b.n", "HashJoinExec"),
];

/// Nobody else computes on this runtime: a join that did not end would be waited for.
#[tokio::test]
async fn a_join_that_finds_nothing_ends_when_it_is_asked_to() {
    let files = store();
    let columns = [
        ("n", Arc::new(Int64Array::from_iter_values(0..300_000)) as ArrayRef),
        ("k", Arc::new(Int64Array::from_iter_values((0..300_000).map(|_| 7)))),
    ];
    put(&files, "many/a.parquet", parquet(&RecordBatch::try_from_iter(columns).unwrap(), 300_000));
    let (graph, _) = mounted(files);
    graph
        .run("CREATE NODE LABEL Many VIRTUAL FROM PARTITION 'lake://data/many'", &Parameters::default())
        .await
        .unwrap();
    let began = Instant::now();
    for (query, operator) in FRUITLESS {
        let plan = cells(&ask(&graph, &format!("EXPLAIN {query}")).await).join("\n");
        assert!(plan.contains(operator), "{plan}");
        let in_time = QueryOptions::default().with_timeout(Duration::from_millis(300));
        assert_eq!(limited(&graph, query, in_time).await.limit(), Limit::Deadline, "{query}");
        let cancel = Cancel::default();
        let options = QueryOptions::default().with_cancel(cancel.clone());
        let other = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(300));
            cancel.cancel();
        });
        assert_eq!(limited(&graph, query, options).await.limit(), Limit::Cancelled, "{query}");
        other.join().unwrap();
    }
    assert!(began.elapsed() < Duration::from_secs(100), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_gives_what_was_found_and_the_rest_follows() {
    let graph = numbers().await;
    let query = "UNWIND range(1, 90000) AS x UNWIND range(1, 90000) AS y RETURN (x - 1) * 90000 + y";
    let options = QueryOptions::default().with_timeout(Duration::from_millis(300));
    let first = graph.query_with(query, &Parameters::default(), &options).await.unwrap();
    let Outcome::Truncated { limit: Limit::Deadline, resume } = first.outcome.clone() else { panic!("it ended") };
    assert_eq!(resume.row_groups_done(), first.rows() as u64);
    let next = QueryOptions::default().with_resume(resume).with_row_groups(2);
    let next = graph.query_with(query, &Parameters::default(), &next).await.unwrap();
    let expected = [first.rows() + 1, first.rows() + 2].map(|x| x.to_string());
    assert_eq!(cells(&next), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_is_cancelled_from_another_thread() {
    let graph = numbers().await;
    for query in ENDLESS {
        let cancel = Cancel::default();
        let options = QueryOptions::default().with_cancel(cancel.clone());
        let other = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(100));
            cancel.cancel();
        });
        assert_eq!(limited(&graph, query, options).await.limit(), Limit::Cancelled, "{query}");
        other.join().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_whose_future_is_dropped_ends() {
    let graph = numbers().await;
    for query in ENDLESS {
        let (sender, enough) = tokio::sync::oneshot::channel();
        // The timer of the runtime stands still while all of its threads compute.
        let other = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(200));
            sender.send(()).unwrap();
        });
        let parameters = Parameters::default();
        tokio::select! {
            ended = graph.query(query, &parameters) => panic!("{query} gave {ended:?}"),
            told = enough => told.unwrap(),
        }
        other.join().unwrap();
    }
    // A walk that went on would hold the graph: nothing could be created.
    ask(&graph, "CREATE (:Thing)").await;
    // What came to its end has not used up what its caller may stop more with.
    let cancel = Cancel::default();
    let options = QueryOptions::default().with_cancel(cancel.clone());
    for statement in ["CREATE (:Thing)", "MATCH (t:Thing) WITH t RETURN count(t)"] {
        let _ = graph.query_with(statement, &Parameters::default(), &options).await.unwrap();
    }
    assert!(!cancel.is_cancelled());
}

/// A graph in which everybody knows everybody, and longer ways than anybody counts.
async fn crowd() -> (Graph, &'static str) {
    let files = store();
    let column = |values: Vec<i64>| Arc::new(Int64Array::from(values)) as ArrayRef;
    let people = RecordBatch::try_from_iter([("id", column((0..40).collect()))]);
    put(&files, "crowd.parquet", parquet(&people.unwrap(), 500));
    let pairs = (0..40).flat_map(|one| (0..40).map(move |other| (one, other)));
    let (from, to) = pairs.unzip();
    let knows = RecordBatch::try_from_iter([("src", column(from)), ("dst", column(to))]);
    put(&files, "knows/a.parquet", parquet(&knows.unwrap(), 500));
    let (graph, _) = mounted(files);
    let labels = "CREATE NODE LABEL Person FROM FILE 'lake://data/crowd.parquet' KEY id;
         CREATE EDGE TYPE KNOWS VIRTUAL FROM PARTITION 'lake://data/knows'
            SOURCE KEY src REFERENCES Person(id) TARGET KEY dst REFERENCES Person(id)";
    graph.run(labels, &Parameters::default()).await.unwrap();
    (graph, "MATCH (a:Person)-[:KNOWS*1..30]->(b:Person) RETURN count(*)")
}

/// The runtime ends when all of its threads have: a count that went on would be waited for.
#[tokio::test]
async fn a_count_over_adjacencies_ends_when_it_is_asked_to() {
    let (graph, endless) = crowd().await;
    // With a deadline, only edges that are in memory are counted over.
    let _ = ask(&graph, "MATCH (a:Person)-[:KNOWS*1..1]->(b:Person) RETURN count(*)").await;
    let plan = cells(&ask(&graph, &format!("EXPLAIN {endless}")).await).join("\n");
    assert!(plan.contains("adjacenc"), "{plan}");
    let in_time = QueryOptions::default().with_timeout(Duration::from_millis(300));
    let reached = limited(&graph, endless, in_time.clone()).await;
    assert_eq!((reached.limit(), reached.not_resumable()), (Limit::Deadline, Some("an aggregate needs all rows")));
    let cancel = Cancel::default();
    let options = QueryOptions::default().with_cancel(cancel.clone());
    let other = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        cancel.cancel();
    });
    assert_eq!(limited(&graph, endless, options).await.limit(), Limit::Cancelled);
    other.join().unwrap();
    let parameters = Parameters::default();
    let dropped = tokio::time::timeout(Duration::from_millis(200), graph.query(endless, &parameters));
    assert!(dropped.await.is_err(), "nobody counts so fast");
    let counted = "MATCH (a:Person)-[:KNOWS*1..2]->(b:Person) RETURN count(*)";
    let in_time = in_time.with_timeout(Duration::from_secs(600));
    let counted = graph.query_with(counted, &parameters, &in_time);
    // Each way of two, but for those over one relationship twice: from a loop to itself.
    assert_eq!(cells(&counted.await.unwrap()), [(40 * 40 + 40 * 40 * 40 - 40).to_string()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_for_another_statement_ends_at_the_deadline() {
    let graph = numbers().await;
    let cancel = Cancel::default();
    let options = QueryOptions::default().with_cancel(cancel.clone());
    let writer = graph.clone();
    let writing = tokio::spawn(async move {
        let endless = "UNWIND range(1, 90000) AS x UNWIND range(1, 90000) AS y WITH x, y WHERE x = -y CREATE (:Thing)";
        writer.query_with(endless, &Parameters::default(), &options).await
    });
    for query in ["MATCH (n) RETURN count(n)", "CREATE (:Note)"] {
        let in_time = || QueryOptions::default().with_timeout(Duration::from_millis(300));
        // Until the writer has begun, there is nothing to wait for.
        let reached = loop {
            match graph.query_with(query, &Parameters::default(), &in_time()).await {
                Ok(_) => {}
                Err(QueryError::Limit(reached)) => break reached,
                Err(error) => panic!("{query} gave {error}"),
            }
        };
        assert_eq!(reached.limit(), Limit::Deadline, "{query}");
    }
    cancel.cancel();
    let written = writing.await.unwrap();
    assert!(matches!(written, Err(QueryError::Limit(reached)) if reached.limit() == Limit::Cancelled));
}

#[tokio::test]
async fn memory_and_rows_have_limits_and_nothing_is_lost() {
    let graph = numbers().await;
    let little = QueryOptions::default().with_memory(5_000);
    for query in ["MATCH (a:N) RETURN a.n ORDER BY -a.n", "MATCH (a:N) WITH a.n AS n RETURN collect(n)"] {
        assert_eq!(limited(&graph, query, little.clone()).await.limit(), Limit::Memory, "{query}");
    }
    let few = QueryOptions::default().with_rows(100);
    for query in [
        "MATCH (a:N) RETURN a.n",
        "UNWIND range(1, 101) AS x RETURN x",
        "CREATE (:Thing) WITH 1 AS one UNWIND range(1, 101) AS x RETURN x",
    ] {
        assert_eq!(limited(&graph, query, few.clone()).await.limit(), Limit::Rows, "{query}");
    }
    // The statement that went too far has changed nothing.
    assert!(refused(&graph, "MATCH (t:Thing) RETURN t").await.contains("unknown label `Thing`"));
    let enough = QueryOptions::default().with_rows(2_000).with_memory(64 << 20);
    let all = graph.query_with("MATCH (a:N) RETURN a.n", &Parameters::default(), &enough).await.unwrap();
    assert_eq!((all.rows(), all.outcome), (2_000, Outcome::Complete));
}

#[tokio::test]
async fn what_was_created_since_the_query_was_cut_off_is_a_conflict() {
    let graph = graph().await;
    let query = "UNWIND [1] AS one MATCH (a) WHERE 'Airport' IN labels(a) RETURN labels(a) AS label";
    let parameters = Parameters::default();
    let first = graph.query_with(query, &parameters, &QueryOptions::default().with_row_groups(2)).await.unwrap();
    let Outcome::Truncated { resume, .. } = first.outcome else { panic!("it was not cut") };
    let options = QueryOptions::default().with_resume(resume);
    assert_eq!(graph.query_with(query, &parameters, &options).await.unwrap().rows(), 3);
    let _ = graph.query("CREATE (:Note)", &parameters).await.unwrap();
    let error = graph.query_with(query, &parameters, &options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
}

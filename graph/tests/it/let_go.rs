//! What a query held is let go when it is over.

use std::sync::Arc;

use worldstore_graph::Parameters;

use crate::fixture::{LABELS, ask, mounted, store};

/// Plans hold what counts for them, and join tables: whoever kept both would hold them for ever.
#[tokio::test]
async fn nothing_of_a_query_stays_behind_it() {
    for query in [
        "MATCH (f:Flight) WHERE f.delay > 60 RETURN f.flight",
        "MATCH (f:Flight)-[:DEST]->(a:Airport) RETURN a.name, f.flight",
        "MATCH (a:Airport)-[:ROUTE]->(b:Airport)-[:ROUTE]->(c:Airport) RETURN count(*)",
        "MATCH (a:Airport)-[:ROUTE*1..2]->(b) RETURN b.faa",
        "PROFILE MATCH (f:Flight) WHERE f.delay > 60 RETURN f.carrier",
    ] {
        let (graph, backend) = mounted(store());
        graph.run(LABELS, &Parameters::default()).await.unwrap();
        let held = Arc::downgrade(&backend);
        drop(ask(&graph, query).await);
        drop((graph, backend));
        assert_eq!(held.strong_count(), 0, "{query}");
    }
}

//! Plans as text.

use worldstore_graph::Parameters;

use crate::fixture::{LABELS, ask, cells, mounted, store};

#[tokio::test]
async fn a_plan_says_what_it_leaves_out_and_reads_no_data() {
    let (graph, _) = mounted(store());
    let script = format!("{LABELS} MATCH (f:Flight) WHERE f.month = 2 RETURN count(*)");
    let plan = graph.explain(&script, &Parameters::default()).await.unwrap();
    assert!(plan.contains("partitions 1 of 2, files 1 of 2"), "{plan}");
    assert!(
        !plan.contains("ScanExec") && !plan.contains("DataSourceExec"),
        "the count is known when the plan is made: {plan}"
    );
    let explained = ask(&graph, "EXPLAIN MATCH (f:Flight) WHERE f.delay > 60 RETURN f.flight").await;
    assert!(cells(&explained).iter().any(|line| line.contains("PageScanExec")));
}

//! Edge types that join several pairs of labels: both ways of running agree.

use crate::fixture::{ask, cells, graph, refused, rows};

const BETWEEN: &str = "CREATE EDGE TYPE AT FROM Flight TARGET KEY origin REFERENCES Airport(faa),
    FROM Flight TARGET KEY carrier REFERENCES Airline(code),
    FROM FILE 'lake://data/routes.parquet' SOURCE KEY src REFERENCES Airport(faa) TARGET KEY dst REFERENCES Airport(faa)";

#[tokio::test]
async fn each_pair_is_followed() {
    let graph = graph().await;
    ask(&graph, BETWEEN).await;
    assert_eq!(rows(&graph, "SHOW EDGE TYPES").await.iter().filter(|line| line.starts_with("AT|")).count(), 3);
    for (joined, walked, expected) in [
        ("MATCH (f:Flight)-[:AT]->(l:Airline) RETURN count(*) AS n", "size(collect([1]))", "7"),
        ("MATCH (f:Flight)-[:AT]->(a:Airport) RETURN count(*) AS n", "size(collect([1]))", "8"),
        ("MATCH (a:Airport)-[:AT]->(b:Airport) RETURN count(*) AS n", "size(collect([1]))", "5"),
        ("MATCH (a:Airport)-[r:AT]->(b:Airport) WHERE r.miles > 800 RETURN count(*) AS n", "size(collect([1]))", "2"),
        ("MATCH (a:Airport)<-[:AT]-(f:Flight)-[:AT]->(l:Airline) RETURN count(*) AS n", "size(collect([1]))", "7"),
        ("MATCH (f:Flight)-[r:AT]->(l:Airline) WHERE type(r) = 'AT' RETURN count(*) AS n", "size(collect([1]))", "7"),
    ] {
        let walked = joined.replace("count(*)", walked);
        assert_eq!(rows(&graph, joined).await, [expected], "{joined}");
        assert_eq!(rows(&graph, &walked).await, [expected], "{walked}");
        assert!(cells(&ask(&graph, &format!("EXPLAIN {walked}")).await)[0].contains("interpreter"));
    }
    assert_eq!(rows(&graph, "MATCH (f:Flight {flight: 1})-[r:AT]->(x) RETURN size(collect(x)) AS n").await, ["2"]);
    assert!(refused(&graph, "DROP NODE LABEL Airline").await.contains("drop it first"));
    assert!(refused(&graph, "MATCH (a:Airport)-[:AT]->(f:Flight) RETURN count(*)").await.contains("does not lead"));
}

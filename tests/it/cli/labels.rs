//! Catalogs of labels: what one command declares and creates, the next one sees.

use super::desk::{Desk, code_of, data, errors_of};

const CAR: &str = "CREATE (:Car {name: 'a'})-[:FOLLOWS]->(:Car {name: 'b'})";

#[test]
fn what_is_created_is_there_for_the_next_command() {
    let desk = Desk::new();
    desk.ok(&["query", CAR, "--labels", "graph"]);
    let follows = "MATCH (a:Car)-[:FOLLOWS]->(b:Car) RETURN a.name AS a, b.name AS b";
    assert_eq!(desk.ok(&["query", follows, "--labels", "graph", "--format", "csv"]), "a,b\na,b\n");
    desk.ok(&["query", "MATCH (c:Car {name: 'b'}) SET c.name = 'c'", "--labels", "graph"]);
    assert_eq!(desk.ok(&["query", follows, "--labels", "graph", "--format", "csv"]), "a,b\na,c\n");
    let picture = "MATCH p = (:Car)-[:FOLLOWS]->(:Car) RETURN p";
    let image = desk.ok(&["query", picture, "--labels", "graph", "--format", "svg"]);
    assert!(image.starts_with("<svg ") && image.ends_with("</svg>\n"), "{image}");
    assert!([":Car", "name: 'c'", "FOLLOWS"].iter().all(|text| image.contains(&format!(">{text}<"))), "{image}");
    let output = desk.run(&["query", follows]);
    assert_eq!(code_of(&output), 2, "without the catalog nothing is there");
}

#[test]
fn a_catalog_that_is_not_there_is_not_begun_by_a_question() {
    let desk = Desk::new();
    desk.ok(&["query", CAR, "--labels", "graph"]);
    for text in [
        "MATCH (c:Car) RETURN c.name",
        "SHOW NODE LABELS",
        "EXPLAIN MATCH (c:Car) RETURN c.name",
        "DROP NODE LABEL Car",
        "MATCH (c:Car RETURN",
    ] {
        let output = desk.run(&["query", text, "--labels", "grahp"]);
        let said = errors_of(&output);
        assert_eq!(code_of(&output), 2, "{text}: {said}");
        assert!(said.contains("no catalog of labels here") && said.contains("grahp"), "{text}: {said}");
        assert!(!desk.path("grahp").exists(), "{text} made something");
    }
    let output = desk.run(&["explain", "MATCH (c:Car) RETURN c.name", "--labels", "grahp"]);
    assert_eq!(code_of(&output), 2, "{}", errors_of(&output));
    // A folder of something else is no catalog.
    desk.write("other/file", "text");
    let output = desk.run(&["query", "SHOW NODE LABELS", "--labels", "other"]);
    assert_eq!(code_of(&output), 2, "{}", errors_of(&output));
    assert_eq!(std::fs::read_dir(desk.path("other")).unwrap().count(), 1, "nothing is made");
}

#[test]
fn labels_of_a_world_keep_their_run_and_tick() {
    let desk = Desk::with_world();
    let count = |text: &str| desk.json(&["query", text, "-w", "world", "--labels", "graph"])[0]["n"].clone();
    let declared = "CREATE NODE LABEL First FROM TABLE 'flights' RUN 'main' AS OF TICK 1";
    desk.ok(&["query", declared, "-w", "world", "--labels", "graph"]);
    let first = desk.json(&["ticks", "world", "flights"])[0]["rows"].clone();
    assert_eq!(count("MATCH (f:First) RETURN count(*) AS n"), first);
    assert_ne!(count("MATCH (f:flights) RETURN count(*) AS n"), first);
}

#[cfg(all(feature = "lance", feature = "iceberg"))]
#[test]
fn tables_of_other_formats_are_labels_of_a_catalog() {
    let desk = Desk::new();
    desk.ok(&["init", "lanced"]);
    desk.ok(&["import", "lanced", "airlines", &data("airlines.parquet")]);
    desk.ok(&["init", "iced", "--tables", "iceberg"]);
    desk.ok(&["import", "iced", "airlines", &data("airlines.parquet")]);
    let lance = desk.path("lanced/tables/airlines.lance");
    let catalog = desk.path("iced/catalog.db");
    let declared = format!(
        "CREATE NODE LABEL L FROM LANCE '{}' KEY carrier; CREATE NODE LABEL I FROM ICEBERG 'sqlite:{}#airlines' KEY carrier",
        lance.display(),
        catalog.display()
    );
    desk.ok(&["query", &declared, "--labels", "graph"]);
    let joined = "MATCH (l:L), (i:I) WHERE l.carrier = i.carrier AND l.carrier < 'B' RETURN l.name AS one, i.name AS other ORDER BY one";
    let rows = desk.json(&["query", joined, "--labels", "graph"]);
    assert_eq!(rows.len(), 3, "{rows:?}");
    assert!(rows.iter().all(|row| row["one"] == row["other"]), "{rows:?}");
    let output = desk.run(&["query", joined, "--labels", "graph", "--io-stats", "--json"]);
    let said = errors_of(&output);
    assert!(said.contains(&format!("read {} version:", lance.display())), "{said}");
    assert!(said.contains(&format!("read sqlite:{}#airlines version:", catalog.display())), "{said}");
    std::fs::remove_dir_all(desk.path("lanced")).unwrap();
    let output = desk.run(&["query", joined, "--labels", "graph"]);
    assert_eq!(code_of(&output), 2, "{}", errors_of(&output));
}

#[test]
fn old_states_of_a_catalog_are_expired() {
    let desk = Desk::new();
    for id in 0..5 {
        desk.ok(&["query", &format!("CREATE (:Car {{id: {id}}})"), "--labels", "graph"]);
    }
    let states = || std::fs::read_dir(desk.path("graph/manifests")).unwrap().count();
    let before = states();
    desk.ok(&["expire", "graph", "--labels"]);
    assert_eq!(states(), before + 1, "all are young: a collection alone has begun");
    let args = ["expire", "graph", "--labels", "--keep", "1", "--spare", "0s", "--json"];
    let planned = desk.lines(&[&args[..], &["--dry-run"]].concat());
    assert_eq!(states(), before + 1);
    let told = desk.lines(&args);
    assert_eq!((&told[0]["states"], &told[0]["kind"]), (&planned[0]["states"], &"labels".into()));
    assert_eq!(told[0]["states"].as_array().unwrap().len(), before + 1);
    assert_eq!(states(), 2, "the expiry and the collection");
    let told = desk.ok(&["expire", "graph", "--labels", "--keep", "1", "--spare", "0s"]);
    assert!(told.starts_with("expired 2 states"), "{told}");
    assert_eq!(desk.json(&["query", "MATCH (c:Car) RETURN count(c) AS n", "--labels", "graph"])[0]["n"], 5);
    desk.refused(&["expire", "grahp", "--labels"], &["no catalog of labels here"]);
    desk.refused(&["expire", "graph", "--labels", "--take-over"], &["--take-over"]);
}

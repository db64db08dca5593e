//! What queries create, kept in a stored catalog: whole statements, seen by all, through races and power cuts.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};
use worldstore_async::{AsyncBackend, SyncBackendAdapter};
use worldstore_core::manifest::{Entry, ExpireOptions, ManifestOptions, Manifests, ManualWallClock};
use worldstore_core::vfs::sim::{Explorer, Random, SimVfs};
use worldstore_core::{Backend, Error, ErrorKind, Local, Memory, Prefix, Result};
use worldstore_graph::{Graph, Parameters};

use crate::fixture::{self, ask, cells, refusal, refused, rows, store};

fn manifests(store: &Arc<dyn Backend>) -> Manifests {
    let folder = Prefix::new("catalog").unwrap();
    Manifests::open_or_create(Arc::clone(store), folder, ManifestOptions::default()).unwrap()
}

/// A graph as another process opens it.
async fn open(catalog: &Arc<dyn Backend>) -> Graph {
    let data: Arc<dyn AsyncBackend> = Arc::new(SyncBackendAdapter::new(Arc::new(store())));
    let graph = Graph::new().with_mount("data", data).unwrap();
    graph.open_manifests(manifests(catalog)).await.unwrap()
}

fn catalog() -> Arc<dyn Backend> {
    Arc::new(Memory::new())
}

const ALL: &str =
    "MATCH (n) OPTIONAL MATCH (n)-[r]->(m) RETURN labels(n), properties(n), type(r), properties(r), id(m)";

#[tokio::test]
async fn what_is_created_is_there_when_it_is_opened_again() {
    let catalog = catalog();
    let writer = open(&catalog).await;
    for statement in [
        "CREATE (:Car {name: 'a', at: 0.5, born: date('2020-02-29'), tags: ['x', 1, null]})-[:FOLLOWS {m: 7}]->(:Car {name: 'b'})",
        "MERGE (c:Car {name: 'c'}) ON CREATE SET c.new = true",
        "MATCH (c:Car {name: 'b'}) SET c:Red, c.at = -0.0, c.gone = null",
        "MATCH (c:Car {name: 'a'})-[r:FOLLOWS]->() SET r.m = r.m + 1",
        "CREATE (:Lorry {name: 'd'})",
        "MATCH (l:Lorry) DETACH DELETE l",
    ] {
        let _ = ask(&writer, statement).await;
    }
    let again = open(&catalog).await;
    assert_eq!(rows(&again, ALL).await, rows(&writer, ALL).await);
    assert_eq!(rows(&again, "MATCH (c:Car) RETURN c.name").await, ["a", "b", "c"]);
    assert_eq!(rows(&again, "MATCH (:Car {name: 'a'})-[r]->(c:Red) RETURN r.m, c.name").await, ["8|b"]);
    assert_eq!(rows(&again, "MATCH (c:Car {name: 'a'}) RETURN c.born.year, size(c.tags)").await, ["2020|3"]);
    assert_eq!(rows(&again, "MATCH (l:Lorry) RETURN count(l)").await, ["0"]);
    let result = ask(&again, "MATCH (c:Car) RETURN count(c)").await;
    assert_eq!(result.snapshots[0].to_string(), "created changes:6", "the statement that made the state is named");
    // Ids are never given twice.
    let _ = ask(&again, "CREATE (:Car {name: 'e'})").await;
    let ids = rows(&writer, "MATCH (n) RETURN id(n)").await;
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 4);
}

/// With a declared label beside, names that nothing has are mistakes unless queries have created them.
#[tokio::test]
async fn names_stay_known_when_nothing_has_them_until_they_are_dropped() {
    let catalog = catalog();
    let (one, other) = (open(&catalog).await, open(&catalog).await);
    let memory = fixture::graph().await;
    let _ = ask(&one, "CREATE NODE LABEL Airport FROM FILE 'lake://data/airports.parquet' KEY faa").await;
    for graph in [&one, &memory] {
        assert!(refused(graph, "MATCH (c:Car) RETURN count(c)").await.contains("unknown label"));
        let _ = ask(graph, "CREATE (:Car {n: 1})-[:FOLLOWS]->(:Car {n: 2})").await;
        assert_eq!(refusal(graph, "DROP NODE LABEL Car").await.kind(), ErrorKind::Invalid, "it has nodes");
        assert_eq!(refusal(graph, "DROP EDGE TYPE FOLLOWS").await.kind(), ErrorKind::Invalid, "it has edges");
        let _ = ask(graph, "MATCH (c:Car) DETACH DELETE c").await;
    }
    let queries = [("MATCH (c:Car) RETURN count(c)", "0"), ("MATCH ()-[f:FOLLOWS]->() RETURN count(f)", "0")];
    // The 64th change puts all of them into one, which must know the names too.
    for turn in 0..70 {
        let _ = ask(&one, &format!("MERGE (n:Note) SET n.turn = {turn}")).await;
    }
    let _ = ask(&one, "MATCH (n:Note) DELETE n").await;
    for graph in [&one, &other, &open(&catalog).await, &memory] {
        for (query, expected) in queries {
            assert_eq!(rows(graph, query).await, [expected], "{query}");
        }
    }
    let _ = ask(&other, "DROP EDGE TYPE FOLLOWS").await;
    for graph in [&other, &memory] {
        let _ = ask(graph, "DROP NODE LABEL Car").await;
        assert!(refused(graph, "DROP NODE LABEL Car").await.contains("unknown label"));
    }
    let _ = ask(&one, "DROP NODE LABEL Note").await;
    let _ = ask(&memory, "DROP EDGE TYPE FOLLOWS").await;
    for graph in [&one, &other, &open(&catalog).await, &memory] {
        for (query, _) in queries {
            assert!(refused(graph, query).await.contains("unknown"), "{query}");
        }
    }
}

#[tokio::test]
async fn what_queries_have_created_is_not_declared() {
    let catalog = catalog();
    let (one, other) = (open(&catalog).await, open(&catalog).await);
    let (memory, _) = fixture::mounted(store());
    let _ = ask(&one, "CREATE (:Airport {faa: 'X'})-[:ROUTE]->(:Airport {faa: 'Y'})").await;
    let _ = ask(&memory, "CREATE (:Airport {faa: 'X'})-[:ROUTE]->(:Airport {faa: 'Y'})").await;
    let label = "CREATE NODE LABEL Airport FROM FILE 'lake://data/airports.parquet' KEY faa";
    let station = "CREATE NODE LABEL Station FROM FILE 'lake://data/airports.parquet' KEY faa";
    let route = "CREATE EDGE TYPE ROUTE FROM FILE 'lake://data/routes.parquet' \
                 SOURCE KEY src REFERENCES Station(faa) TARGET KEY dst REFERENCES Station(faa)";
    for graph in [&other, &memory] {
        assert!(refused(graph, label).await.contains("label `Airport` was created by queries"));
        let _ = ask(graph, station).await;
        assert!(refused(graph, route).await.contains("edge type `ROUTE` was created by queries"));
        let _ = ask(graph, "MATCH (a:Airport) DETACH DELETE a").await;
        assert!(refused(graph, label).await.contains("was created by queries"), "it stays known");
        let _ = ask(graph, "DROP NODE LABEL Airport").await;
        let _ = ask(graph, "DROP EDGE TYPE ROUTE").await;
        let _ = ask(graph, label).await;
        let _ = ask(graph, route).await;
        for query in ["MATCH (a:Airport) RETURN count(a)", "MATCH (a:Airport) WITH a RETURN count(a)"] {
            assert_eq!(rows(graph, query).await, ["5"], "{query}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_name_is_declared_or_created_and_never_both() {
    let catalog = catalog();
    let (one, other) = (open(&catalog).await, open(&catalog).await);
    let (memory, _) = fixture::mounted(store());
    let mut declared = 0;
    for (first, second) in [(&one, &other), (&memory, &memory)] {
        for round in 0..40 {
            let (declaring, creating) = (first.clone(), second.clone());
            let file = "FROM FILE 'lake://data/airports.parquet' KEY faa";
            let declare = tokio::spawn(async move {
                declaring.query(&format!("CREATE NODE LABEL L{round} {file}"), &Parameters::default()).await
            });
            let create =
                tokio::spawn(
                    async move { creating.query(&format!("CREATE (:L{round})"), &Parameters::default()).await },
                );
            let (declare, create) = (declare.await.unwrap(), create.await.unwrap());
            assert!(declare.is_ok() != create.is_ok(), "round {round}: {declare:?} and {create:?}");
            declared += u32::from(declare.is_ok());
        }
    }
    assert!((1..80).contains(&declared), "{declared} of 80 were declared, so nothing raced");
}

#[tokio::test]
async fn others_see_each_statement_whole_or_not_at_all() {
    let catalog = catalog();
    let (writer, reader) = (open(&catalog).await, open(&catalog).await);
    assert_eq!(refusal(&reader, "MATCH (c:Car) RETURN count(c)").await.kind(), ErrorKind::Invalid, "nothing is there");
    let result = ask(&writer, "UNWIND range(1, 20) AS n CREATE (:Car {n: n})").await;
    assert_eq!(result.side_effects.nodes_created, 20);
    assert_eq!(rows(&reader, "MATCH (c:Car) RETURN count(c), sum(c.n)").await, ["20|210"]);
    let published = manifests(&catalog).latest().unwrap().number;
    // What fails in the middle, what reads and what changes nothing publishes nothing.
    let failed = "MATCH (c:Car) SET c.n = 0 WITH c UNWIND [1, 0] AS d CREATE (:Car {n: 1 / d})";
    assert_eq!(refusal(&writer, failed).await.kind(), ErrorKind::Invalid);
    let _ = ask(&writer, "MERGE (:Car {n: 1})").await;
    let _ = ask(&writer, "MATCH (c:Car {n: 99}) DELETE c").await;
    assert_eq!(manifests(&catalog).latest().unwrap().number, published);
    assert_eq!(rows(&reader, "MATCH (c:Car) RETURN count(c), sum(c.n)").await, ["20|210"]);
    let _ = ask(&reader, "MATCH (c:Car) WHERE c.n > 1 DELETE c").await;
    assert_eq!(rows(&writer, "MATCH (c:Car) RETURN c.n").await, ["1"]);
}

#[tokio::test]
async fn labels_of_tables_and_created_ones_do_not_meet() {
    let catalog = catalog();
    let (one, other) = (open(&catalog).await, open(&catalog).await);
    let _ = ask(&one, "CREATE NODE LABEL Airport FROM FILE 'lake://data/airports.parquet' KEY faa").await;
    assert_eq!(refusal(&other, "CREATE (:Airport {faa: 'X'})").await.kind(), ErrorKind::Unsupported);
    let _ = ask(&other, "CREATE (:Note {faa: 'EWR', text: 'windy'})").await;
    let joined = "MATCH (a:Airport), (n:Note) WHERE a.faa = n.faa RETURN a.name, n.text";
    assert_eq!(rows(&one, joined).await, ["Newark|windy"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn statements_of_many_writers_happen_one_after_the_other() {
    const WRITERS: usize = 4;
    const STEPS: usize = 20;
    let catalog = catalog();
    let _ = ask(&open(&catalog).await, "CREATE (:Counter {n: 0})").await;
    let mut tasks = Vec::new();
    for writer in 0..WRITERS {
        let graph = open(&catalog).await;
        tasks.push(tokio::spawn(async move {
            for step in 0..STEPS {
                let text = format!(
                    "MATCH (c:Counter) SET c.n = c.n + 1 CREATE (:Step {{writer: {writer}, step: {step}, n: c.n}})"
                );
                graph.query(&text, &Parameters::default()).await.unwrap();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let graph = open(&catalog).await;
    let all = WRITERS * STEPS;
    assert_eq!(rows(&graph, "MATCH (c:Counter) RETURN c.n").await, [all.to_string()]);
    let counted = rows(&graph, "MATCH (s:Step) RETURN count(s), count(DISTINCT s.n), max(s.n)").await;
    assert_eq!(counted, [format!("{all}|{all}|{all}")]);
    // Changes were merged meanwhile, so opening reads few contents.
    let entries = manifests(&catalog).latest().unwrap().entries.len();
    assert!(entries < 64, "{entries}");
}

#[tokio::test]
async fn damage_is_told_and_nothing_is_made_up() {
    let catalog: Arc<Memory> = Arc::new(Memory::new());
    let store: Arc<dyn Backend> = catalog.clone();
    let graph = open(&store).await;
    let _ = ask(&graph, "CREATE (:Car {n: 1})").await;
    let _ = ask(&graph, "CREATE (:Car {n: 2})").await;
    let keys = catalog.list(&Prefix::new("catalog/blocks").unwrap(), &Default::default()).unwrap().objects;
    let key = keys[0].key.clone();
    let _ = catalog.delete(std::slice::from_ref(&key), &Default::default()).unwrap();
    let opened = Graph::new().open_manifests(manifests(&store)).await;
    let error = opened.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::NotFound), "{error}");
    assert!(error.to_string().contains("created/change/"), "{error}");
    // The process that knows it goes on.
    assert_eq!(rows(&graph, "MATCH (c:Car) RETURN count(c)").await, ["2"]);
}

#[tokio::test]
async fn an_entry_without_a_number_is_told() {
    for (name, version) in [("created/whole", "many"), ("created/change/two", "2")] {
        let catalog = catalog();
        let graph = open(&catalog).await;
        let _ = ask(&graph, "CREATE (:Car {n: 1})").await;
        let published = manifests(&catalog).publish_shared(|draft| {
            let change = draft.entries().find(|entry| entry.name.starts_with("created/change/")).unwrap();
            let wrong = Entry::new(name, version, change.content).with_blocks(change.blocks.clone());
            draft.put(wrong);
            Ok(())
        });
        published.unwrap();
        let error = Graph::new().open_manifests(manifests(&catalog)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        assert!(error.to_string().contains(name), "{error}");
        // The process that knows what was there before makes nothing up either.
        for statement in ["MATCH (c:Car) RETURN count(c)", "CREATE (:Car {n: 2})"] {
            assert_eq!(refusal(&graph, statement).await.kind(), ErrorKind::Corrupt, "{name}: {statement}");
        }
    }
}

/// Statements that were sent, and those that were acknowledged.
#[derive(Debug, Clone, Default)]
struct History {
    sent: u64,
    acknowledged: BTreeSet<u64>,
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn chain(vfs: &SimVfs, seed: u64) -> Result<Manifests> {
    let backend: Arc<dyn Backend> = Arc::new(Local::on(vfs.clone())?);
    let options = ManifestOptions::default().with_seed(seed).with_clock(Arc::new(ManualWallClock::new(1_000)));
    Manifests::open_or_create(backend, Prefix::new("catalog")?, options)
}

/// A life of one process: each statement makes a log entry, and a pair of cars or a mark at all of them.
async fn live(vfs: &SimVfs, random: &mut Random, history: &mut History) -> Result<()> {
    let graph = Graph::new().open_manifests(chain(vfs, random.below(1 << 30))?).await?;
    for _ in 0..1 + random.below(2) {
        if random.below(3) == 0 {
            graph.expire(&ExpireOptions::default().with_keep_last(2)).await?;
        }
        let id = history.sent;
        history.sent += 1;
        let text = match random.below(3) {
            0 => format!("CREATE (:Log {{id: {id}}}) WITH 1 AS one MATCH (c:Car) SET c.mark = {id}"),
            _ => format!("CREATE (:Log {{id: {id}}}), (:Car {{id: {id}}})-[:NEXT]->(:Car {{id: {id}}})"),
        };
        graph.query(&text, &Parameters::default()).await.map_err(Error::from)?;
        history.acknowledged.insert(id);
    }
    Ok(())
}

/// What is left is what whole statements have made, all acknowledged ones among them; and work goes on.
async fn check(vfs: &SimVfs, history: &mut History) -> Result<()> {
    let manifests = chain(vfs, 7)?;
    let graph = Graph::new().open_manifests(manifests.clone()).await?;
    manifests.verify()?;
    let ask = async |text: &str| {
        Ok::<_, Error>(cells(&graph.query(text, &Parameters::default()).await.map_err(Error::from)?))
    };
    let id = history.sent;
    history.sent += 1;
    ask(&format!("CREATE (:Log {{id: {id}}})")).await?;
    history.acknowledged.insert(id);
    let ids: Vec<u64> = ask("MATCH (l:Log) RETURN l.id").await?.iter().map(|id| id.parse().unwrap()).collect();
    let found: BTreeSet<u64> = ids.iter().copied().collect();
    assert_eq!(found.len(), ids.len(), "a statement happened twice");
    assert!(found.is_superset(&history.acknowledged), "{found:?} of {history:?}");
    assert!(found.iter().all(|id| *id < history.sent), "{found:?} of {history:?}");
    let halves = ask("MATCH (c:Car) WITH c.id AS id, count(*) AS cars WHERE cars <> 2 RETURN id").await?;
    assert!(halves.is_empty(), "half a statement: {halves:?}");
    let joined = ask("MATCH (a:Car)-[:NEXT]->(b:Car) WHERE a.id = b.id RETURN count(*)").await?;
    assert_eq!(joined, ask("MATCH (c:Car) RETURN count(DISTINCT c.id)").await?, "a relationship is lost");
    let marks = ask("MATCH (c:Car) WHERE c.mark IS NOT NULL RETURN DISTINCT c.mark").await?;
    assert!(marks.iter().all(|mark| found.contains(&mark.parse().unwrap())), "{marks:?} of {found:?}");
    history.acknowledged = found;
    Ok(())
}

fn checked(vfs: &SimVfs, history: &mut History) -> std::result::Result<(), String> {
    match runtime().block_on(check(vfs, history)) {
        Ok(()) => Ok(()),
        // Its own power cut, which is looked at next.
        Err(_) if vfs.has_crashed() => Ok(()),
        Err(error) => Err(format!("{error:?}")),
    }
}

#[test]
fn power_cuts_leave_whole_statements() {
    let work = |vfs: &SimVfs, random: &mut Random, history: &mut History| {
        drop(runtime().block_on(live(vfs, random, history)));
    };
    let report = Explorer::new("created::power_cuts_leave_whole_statements", 80).explore(work, checked).unwrap();
    assert!(report.images() > 0, "{report:?}");
}

#[test]
fn failing_disks_leave_whole_statements() {
    let work = |vfs: &SimVfs, random: &mut Random, history: &mut History| {
        drop(runtime().block_on(live(vfs, random, history)));
    };
    let report = Explorer::new("created::failing_disks_leave_whole_statements", 60);
    let report = report.explore_faults(work, checked).unwrap();
    assert!(report.faults().1 > 0, "{report:?}");
}

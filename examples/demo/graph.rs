//! The same flights as a graph: in place as Parquet, and as tables of the worlds.

use std::path::Path;

use worldstore::core::ErrorKind;
use worldstore::graph::{Graph, Parameters, QueryError};
use worldstore::storage::Root;
use worldstore::{Error, Result, Storage, World};

use crate::answers::{Answers, TICK};
use crate::show::{self, headline};

/// Labels and edge types; the queries in `examples/flights.cypher` begin with the same.
const LABELS: &str = "
CREATE NODE LABEL Flight VIRTUAL FROM PARTITION 'lake://nyc/flights/month={month}/day={day}';
CREATE NODE LABEL Airport FROM FILE 'lake://nyc/airports.parquet' KEY faa;
CREATE NODE LABEL Airline FROM FILE 'lake://nyc/airlines.parquet' KEY carrier;
CREATE EDGE TYPE DEST FROM Flight TARGET KEY dest REFERENCES Airport(faa);
CREATE EDGE TYPE BY FROM Flight TARGET KEY carrier REFERENCES Airline(carrier);
";

/// Queries over the files in place, and the SQL that must give the same.
const QUERIES: [(&str, &str, &str); 5] = [
    ("virtual: count", "MATCH (f:Flight) RETURN count(*) AS flights", "SELECT count(*) FROM flights"),
    (
        "virtual: count of February",
        "MATCH (f:Flight) WHERE f.month = 2 RETURN count(*) AS flights",
        "SELECT count(*) FROM flights WHERE month = 2",
    ),
    (
        "virtual: late evening departures in February",
        "MATCH (f:Flight) WHERE f.month = 2 AND f.sched_dep_time >= 2200
         RETURN f.origin AS origin, count(*) AS flights, avg(f.dep_delay) AS delay ORDER BY origin",
        "SELECT origin, count(*), avg(dep_delay) FROM flights WHERE month = 2 AND sched_dep_time >= 2200
         GROUP BY origin ORDER BY origin",
    ),
    (
        "mixed: late flights by airport and airline",
        "MATCH (a:Airport)<-[:DEST]-(f:Flight)-[:BY]->(l:Airline)
         WHERE f.month = 2 AND f.dep_delay > 60
         RETURN a.name AS airport, l.name AS airline, count(*) AS late, max(f.dep_delay) AS worst
         ORDER BY late DESC, airport, airline LIMIT 5",
        "SELECT a.name, l.name, count(*) AS late, max(f.dep_delay) FROM flights f
         JOIN airports a ON f.dest = a.faa JOIN airlines l ON f.carrier = l.carrier
         WHERE f.month = 2 AND f.dep_delay > 60 GROUP BY ALL ORDER BY late DESC, a.name, l.name LIMIT 5",
    ),
    (
        "mixed: flights to the west coast",
        "MATCH (f:Flight)-[:DEST]->(a:Airport) WHERE a.lon < -115 AND f.air_time IS NOT NULL
         RETURN a.faa AS airport, count(*) AS flights, avg(f.air_time) AS minutes ORDER BY flights DESC, airport LIMIT 5",
        "SELECT a.faa, count(*) AS flights, avg(f.air_time) FROM flights f JOIN airports a ON f.dest = a.faa
         WHERE a.lon < -115 AND f.air_time IS NOT NULL GROUP BY ALL ORDER BY flights DESC, a.faa LIMIT 5",
    ),
];

/// Asks the files, then both worlds.
pub async fn ask(lance: &World, iceberg: &World, data: &Path, answers: &mut Answers) -> Result<()> {
    headline("the files in place, as a graph");
    let files = Storage::open(&data.display().to_string(), Root::Existing).await?;
    let graph = Graph::new().with_mount("nyc", files.backend)?;
    graph.run(LABELS, &Parameters::default()).await.map_err(|error| shown(LABELS, error))?;
    for (name, query, sql) in QUERIES {
        let result = graph.query(query, &Parameters::default()).await.map_err(|error| shown(query, error))?;
        show::result(query, &result)?;
        answers.add(name, &result, sql)?;
    }
    headline("the worlds, as graphs, as of the last day of January");
    for world in [lance, iceberg] {
        let query = "MATCH (f:flights) WHERE f.dep_delay > 120
             RETURN f.carrier AS carrier, count(*) AS late, sum(f.distance) AS miles ORDER BY late DESC, carrier LIMIT 3";
        let sql = format!(
            "SELECT carrier, count(*) AS late, sum(distance) FROM flights WHERE dep_delay > 120 AND {TICK} <= 31
             GROUP BY carrier ORDER BY late DESC, carrier LIMIT 3"
        );
        let graph = world.run("main").await?.as_of(31).graph();
        let result = graph.query(query, &Parameters::default()).await.map_err(|error| shown(query, error))?;
        println!("{}:", world.format());
        show::result(query, &result)?;
        answers.add(&format!("{}: late flights in January", world.format()), &result, &sql)?;
    }
    Ok(())
}

/// An error with the query and a caret.
fn shown(query: &str, error: QueryError) -> Error {
    Error::new(ErrorKind::Invalid, error.render(query))
}

//! What the TCK has no scenarios for: shortest paths, path modes, subqueries that count, and clauses of GQL.

use crate::support::{compare, error, graph, run};

/// Two ways of two roads from `a` to `d`, one of three, and an island.
const ROADS: &str = "CREATE (a:City {name: 'a'}), (b:City {name: 'b'}), (c:City {name: 'c'}), (d:City {name: 'd'}), \
                     (e:Port {name: 'e'}), (:Island {name: 'i'}), \
                     (a)-[:ROAD {km: 1}]->(b)-[:ROAD {km: 2}]->(d), (a)-[:ROAD {km: 3}]->(c)-[:ROAD {km: 1}]->(d), \
                     (a)-[:RAIL]->(e)-[:RAIL]->(c), (d)-[:ROAD {km: 9}]->(a)";

#[test]
fn shortest_paths() {
    compare(
        &mut graph(ROADS),
        &[
            ("MATCH p = shortestPath((a {name: 'a'})-[*]->(d {name: 'd'})) RETURN length(p) AS length", &["2"]),
            (
                "MATCH p = allShortestPaths((a {name: 'a'})-[r:ROAD*]->(d {name: 'd'})) \
                 RETURN [n IN nodes(p) | n.name] AS names, [x IN r | x.km] AS km",
                &["['a', 'b', 'd'] | [1, 2]", "['a', 'c', 'd'] | [3, 1]"],
            ),
            ("MATCH (a {name: 'a'}), (i:Island) RETURN shortestPath((a)-[*]-(i)) AS p", &["null"]),
            (
                "MATCH (a {name: 'a'}), (e:Port) \
                 RETURN [p IN allShortestPaths((a)-[*..3]-(e)) | length(p)] AS lengths",
                &["[1]"],
            ),
            // The functions never go from a node back to itself, and may stand still.
            ("MATCH (a {name: 'a'}) RETURN shortestPath((a)-[*]->(a)) IS NULL AS none", &["true"]),
            ("MATCH (a {name: 'a'}) RETURN length(shortestPath((a)-[*0..]->(a))) AS length", &["0"]),
            ("MATCH p = ANY SHORTEST (a {name: 'a'})-[:ROAD*]->(a) RETURN length(p) AS length", &["3"]),
            (
                "MATCH p = shortestPath((x)-[:RAIL*]->(y)) RETURN x.name AS x, y.name AS y, length(p) AS n",
                &["'a' | 'c' | 2", "'a' | 'e' | 1", "'e' | 'c' | 1"],
            ),
            // What is looked for behind the bound end is found backwards.
            (
                "MATCH (d {name: 'd'}) MATCH p = ALL SHORTEST (x:City)-[:ROAD*]->(d) WHERE x.name = 'a' \
                 RETURN [n IN nodes(p) | n.name] AS names",
                &["['a', 'b', 'd']", "['a', 'c', 'd']"],
            ),
            ("MATCH p = shortestPath((a {name: 'a'})-[r:ROAD* {km: 3}]->(x)) RETURN x.name AS x", &["'c'"]),
        ],
    );
}

#[test]
fn selectors() {
    compare(
        &mut graph(ROADS),
        &[
            ("MATCH p = SHORTEST 3 (a {name: 'a'})-[*]->(d {name: 'd'}) RETURN length(p) AS n", &["2", "2", "3"]),
            (
                "MATCH p = SHORTEST 2 GROUPS (a {name: 'a'})-[*..4]->(d {name: 'd'}) RETURN length(p) AS n ORDER BY n",
                &["2", "2", "3"],
            ),
            ("MATCH p = ANY (a {name: 'a'})-[*]->(d {name: 'd'}) RETURN count(*) AS n", &["1"]),
            // The condition within decides before one is chosen, the one behind it afterwards.
            (
                "MATCH ANY SHORTEST (a {name: 'a'})-[r:ROAD* WHERE r.km <> 2]->(d {name: 'd'}) RETURN r[0].km AS km",
                &["3"],
            ),
            (
                "MATCH p = ALL SHORTEST ((a {name: 'a'})-[*]->(d {name: 'd'}) WHERE length(p) > 0) RETURN length(p) AS n",
                &["2", "2"],
            ),
            (
                "MATCH ALL SHORTEST (a {name: 'a'})-[r:ROAD*]->(d {name: 'd'}) WHERE r[0].km = 3 RETURN r[1].km AS km",
                &["1"],
            ),
            // Over several patterns.
            ("MATCH p = ALL SHORTEST (a {name: 'a'})-[:RAIL]->()-[*]->(d {name: 'd'}) RETURN length(p) AS n", &["3"]),
        ],
    );
}

#[test]
fn path_modes() {
    compare(
        &mut graph(ROADS),
        &[
            ("MATCH (a {name: 'a'})-[:ROAD*]->(x) RETURN count(*) AS n", &["10"]),
            ("MATCH ACYCLIC (a {name: 'a'})-[:ROAD*]->(x) RETURN count(*) AS n", &["4"]),
            ("MATCH SIMPLE (a {name: 'a'})-[:ROAD*]->(x) RETURN count(*) AS n", &["6"]),
            ("MATCH WALK (a {name: 'a'})-[:ROAD*7]->(x) RETURN DISTINCT x.name AS x", &["'b'", "'c'"]),
            // Relationships of walks do not count for others.
            ("MATCH (x)-[:RAIL]->(e:Port), (e)<-[:RAIL]-(y) RETURN count(*) AS n", &["0"]),
            ("MATCH WALK (x)-[:RAIL]->(e:Port), (e)<-[:RAIL]-(y) RETURN count(*) AS n", &["1"]),
        ],
    );
}

#[test]
fn repeated_patterns() {
    compare(
        &mut graph(ROADS),
        &[
            (
                "MATCH (a {name: 'a'}) ((x)-[r:ROAD]->(y) WHERE r.km < 3){2} (z) \
                 RETURN [n IN x | n.name] AS x, [s IN r | s.km] AS km, z.name AS z",
                &["['a', 'b'] | [1, 2] | 'd'"],
            ),
            ("MATCH (a {name: 'a'})-[r:RAIL]->{1,2}(z) RETURN size(r) AS n, z.name AS z", &["1 | 'e'", "2 | 'c'"]),
            ("MATCH (i:Island) ((x)-->(y))* (z) RETURN x, y, z.name AS z", &["[] | [] | 'i'"]),
            (
                "MATCH p = (a {name: 'a'}) ((x)-[:ROAD]->()-[:ROAD]->(y))+ (z) RETURN length(p) AS n, z.name AS z",
                &["2 | 'd'", "2 | 'd'", "4 | 'b'", "4 | 'c'"],
            ),
        ],
    );
}

#[test]
fn subqueries() {
    compare(
        &mut graph(ROADS),
        &[
            (
                "MATCH (c:City) RETURN c.name AS name, COUNT { (c)-->() } AS n ORDER BY n DESC, name",
                &["'a' | 3", "'b' | 1", "'c' | 1", "'d' | 1"],
            ),
            (
                "MATCH (c:City) WHERE EXISTS { (c)-[:RAIL]-(:Port) } RETURN c.name AS name ORDER BY name",
                &["'a'", "'c'"],
            ),
            (
                "MATCH (c:City {name: 'a'}) \
                 RETURN COLLECT { MATCH (c)-[r:ROAD]->(x) RETURN x.name ORDER BY x.name DESC LIMIT 1 } AS names",
                &["['c']"],
            ),
            (
                "MATCH (c:City) WHERE COUNT { MATCH (c)-[r]->(x) WHERE r.km > 2 RETURN x UNION MATCH (x:Port) RETURN x } = 2 \
                 RETURN c.name AS name ORDER BY name",
                &["'a'", "'d'"],
            ),
            (
                "MATCH (c:City) WHERE EXISTS { MATCH (c)-->(x) WHERE EXISTS { (x)-[:RAIL]->({name: 'c'}) } } RETURN c.name",
                &["'a'"],
            ),
            ("RETURN reduce(sum = 0, x IN [1, 2, 3] | sum + x) AS sum", &["6"]),
        ],
    );
}

#[test]
fn clauses_of_gql() {
    compare(
        &mut graph(ROADS),
        &[
            ("FOR x IN ['a', 'b'] WITH ORDINALITY place RETURN x, place", &["'a' | 1", "'b' | 2"]),
            ("UNWIND [1, 2, 3] AS x LET y = x * 2, z = y + 1 FILTER z > 3 RETURN x, y, z", &["2 | 4 | 5", "3 | 6 | 7"]),
            ("UNWIND [1, 1, 2] AS x RETURN x EXCEPT UNWIND [2] AS x RETURN x", &["1"]),
            ("UNWIND [1, 2, 2] AS x RETURN x INTERSECT UNWIND [2, 3] AS x RETURN x", &["2"]),
            ("MATCH (c:City) RETURN c NEXT MATCH (c)-[:RAIL]->(e) RETURN e.name AS name", &["'e'"]),
            ("UNWIND [2, null, 1] AS x RETURN x ORDER BY x NULLS FIRST", &["null", "1", "2"]),
            ("UNWIND [2, null, 1] AS x RETURN x ORDER BY x DESC NULLS LAST", &["2", "1", "null"]),
            ("MATCH (c:City) FINISH", &[]),
        ],
    );
}

#[test]
fn order_and_columns() {
    compare(
        &mut graph(ROADS),
        &[
            ("MATCH (c:City) RETURN c.name AS name ORDER BY c.name DESC LIMIT 2", &["'d'", "'c'"]),
            ("MATCH (c:City) RETURN c.name AS c ORDER BY c.name SKIP 3", &["'d'"]),
            ("UNWIND range(1, 5000) AS x RETURN x % 7 AS a, x ORDER BY a DESC, x LIMIT 2", &["6 | 6", "6 | 13"]),
            (
                "MATCH ()-[r:ROAD]->() RETURN r.km > 2 AS far, sum(r.km) + count(*) AS n ORDER BY n",
                &["false | 7", "true | 14"],
            ),
            (
                "MATCH ()-[r]->() RETURN type(r) AS type, count(*) AS n ORDER BY count(*) % 2, type",
                &["'RAIL' | 2", "'ROAD' | 5"],
            ),
            (
                "MATCH (c:City) WITH c.name AS name ORDER BY name LIMIT 3 WHERE c.name <> 'a' RETURN name",
                &["'b'", "'c'"],
            ),
        ],
    );
}

#[test]
fn errors_tell_the_place() {
    let mut graph = graph(ROADS);
    let source = "MATCH (a:City) RETURN a.name / 2";
    let wrong = run(&mut graph, source).unwrap_err();
    assert_eq!(wrong.span().map(|span| span.text(source)), Some("a.name / 2"));
    assert_eq!(error(&mut graph, "UNWIND 1 AS x RETURN x"), "TypeError InvalidArgumentType");
    assert_eq!(error(&mut graph, "MATCH WALK (a)-[*]->(b) RETURN a"), "Unsupported NotSupported");
    assert_eq!(error(&mut graph, "CALL db.labels"), "ProcedureError ProcedureNotFound");
}

#[test]
fn conditions_behind_groups_may_name_columns_by_their_expressions() {
    compare(
        &mut graph(ROADS),
        &[
            (
                "MATCH (a:City)-[r:ROAD]->() WITH a.name AS name, count(*) AS roads WHERE a.name < 'c' RETURN name, roads",
                &["'a' | 2", "'b' | 1"],
            ),
            (
                "MATCH (a:City)-[r:ROAD]->() WITH a.name AS name, count(*) AS roads WHERE toUpper(a.name) = 'A' AND roads = 2 \
                 RETURN name",
                &["'a'"],
            ),
            ("MATCH (a:City) WITH size(a.name) AS size, count(*) AS n WHERE size(a.name) + n = 5 RETURN n", &["4"]),
            // A name that was given to another column means that one.
            (
                "MATCH (a:City)-[:ROAD]->(b:City) WITH b AS a, a.name AS n, count(*) AS c WHERE a.name = 'd' RETURN n",
                &["'b'", "'c'"],
            ),
            ("MATCH (a:City)-[:ROAD]->(b:City) WITH b AS a, a.name AS n WHERE a.name = 'd' RETURN n", &["'b'", "'c'"]),
        ],
    );
}

//! Questions about flights that somebody would ask, in Cypher and in SQL.

/// A query in both languages; the rows of both are the same, in any order.
pub const QUERIES: &[(&str, &str)] = &[
    // Conditions.
    ("MATCH (f:Flight) RETURN count(*)", "SELECT count(*) FROM flights"),
    ("MATCH (f:Flight {month: 2, day: 3}) RETURN f.flight", "SELECT flight FROM flights WHERE month = 2 AND day = 3"),
    (
        "MATCH (f:Flight) WHERE f.delay >= 60 AND f.miles < 500 RETURN f.flight, f.delay, f.miles",
        "SELECT flight, delay, miles FROM flights WHERE delay >= 60 AND miles < 500",
    ),
    (
        "MATCH (f:Flight) WHERE f.dest IN ['JFK', 'BOS'] AND NOT f.carrier = 'UA' RETURN f.flight, f.dest",
        "SELECT flight, dest FROM flights WHERE dest IN ('JFK', 'BOS') AND NOT carrier = 'UA'",
    ),
    (
        "MATCH (f:Flight) WHERE 10 <= f.delay < 20 RETURN f.flight",
        "SELECT flight FROM flights WHERE delay >= 10 AND delay < 20",
    ),
    (
        "MATCH (f:Flight) WHERE f.delay IS NULL AND f.miles IS NOT NULL RETURN f.flight",
        "SELECT flight FROM flights WHERE delay IS NULL AND miles IS NOT NULL",
    ),
    (
        "MATCH (f:Flight) WHERE f.origin = f.dest RETURN f.flight",
        "SELECT flight FROM flights WHERE origin = dest",
    ),
    (
        "MATCH (f:Flight) WHERE f.delay > 30 XOR f.month > 2 RETURN f.flight",
        "SELECT flight FROM flights WHERE (delay > 30) <> (month > 2)",
    ),
    (
        "MATCH (f:Flight) WHERE f.dest ENDS WITH 'K' OR f.dest CONTAINS 'W' RETURN f.flight",
        "SELECT flight FROM flights WHERE ends_with(dest, 'K') OR contains(dest, 'W')",
    ),
    (
        "MATCH (f:Flight) WHERE f.miles / 60.0 > f.delay / 4.0 RETURN f.flight",
        "SELECT flight FROM flights WHERE miles / 60.0 > delay / 4.0",
    ),
    (
        "MATCH (f:Flight) WHERE f.flight % 7 = 3 AND f.flight / 10 > 20 RETURN f.flight",
        "SELECT flight FROM flights WHERE flight % 7 = 3 AND flight // 10 > 20",
    ),
    // Values.
    (
        "MATCH (f:Flight) RETURN f.flight, coalesce(f.delay, 0) + 1, abs(f.delay), -f.miles",
        "SELECT flight, coalesce(delay, 0) + 1, abs(delay), -miles FROM flights",
    ),
    (
        "MATCH (f:Flight) RETURN f.flight, f.origin + '-' + f.dest, toLower(f.carrier), size(f.dest)",
        "SELECT flight, origin || '-' || dest, lower(carrier), length(dest) FROM flights",
    ),
    (
        "MATCH (f:Flight) RETURN f.flight, CASE WHEN f.delay > 60 THEN 'very' WHEN f.delay > 15 THEN 'late' ELSE 'no' END",
        "SELECT flight, CASE WHEN delay > 60 THEN 'very' WHEN delay > 15 THEN 'late' ELSE 'no' END FROM flights",
    ),
    (
        "MATCH (f:Flight) RETURN f.flight, substring(f.dest, 1, 2), left(f.dest, 1), replace(f.dest, 'O', '0')",
        "SELECT flight, substring(dest, 2, 2), left(dest, 1), replace(dest, 'O', '0') FROM flights",
    ),
    (
        "MATCH (f:Flight) RETURN f.flight, f.delay > 10, f.dest = 'JFK', f.delay IS NULL",
        "SELECT flight, delay > 10, dest = 'JFK', delay IS NULL FROM flights",
    ),
    (
        "MATCH (f:Flight) RETURN f.flight, floor(f.miles), ceil(f.miles), sqrt(f.miles), sign(f.delay)",
        "SELECT flight, floor(miles), ceil(miles), sqrt(miles), sign(delay) FROM flights",
    ),
    // Aggregates.
    (
        "MATCH (f:Flight) RETURN f.month, f.day, count(*), min(f.flight), max(f.flight)",
        "SELECT month, day, count(*), min(flight), max(flight) FROM flights GROUP BY ALL",
    ),
    (
        "MATCH (f:Flight) RETURN f.carrier, avg(f.delay), stDev(f.miles), count(DISTINCT f.dest)",
        "SELECT carrier, avg(delay), stddev_samp(miles), count(DISTINCT dest) FROM flights GROUP BY ALL",
    ),
    (
        "MATCH (f:Flight) WHERE f.month <> 3 RETURN f.dest, sum(f.delay), sum(f.miles)",
        "SELECT dest, coalesce(sum(delay), 0), coalesce(sum(miles), 0) FROM flights WHERE month <> 3 GROUP BY ALL",
    ),
    (
        "MATCH (f:Flight) WITH f.dest AS dest, count(*) AS n WHERE n > 100 RETURN dest, n",
        "SELECT dest, count(*) AS n FROM flights GROUP BY dest HAVING n > 100",
    ),
    (
        "MATCH (f:Flight) WITH f.month AS month, avg(f.delay) AS mean RETURN max(mean), min(mean)",
        "SELECT max(mean), min(mean) FROM (SELECT avg(delay) AS mean FROM flights GROUP BY month)",
    ),
    (
        "MATCH (f:Flight) WITH f.carrier AS carrier, collect(f.delay) AS delays RETURN carrier, size(delays)",
        "SELECT carrier, count(delay) FROM flights GROUP BY carrier",
    ),
    (
        "MATCH (f:Flight) WHERE f.month = 9 RETURN count(*), sum(f.delay), min(f.miles), avg(f.delay)",
        "SELECT count(*), 0, min(miles), avg(delay) FROM flights WHERE month = 9",
    ),
    ("MATCH (f:Flight) RETURN DISTINCT f.carrier, f.month", "SELECT DISTINCT carrier, month FROM flights"),
    // Order and limits.
    (
        "MATCH (f:Flight) RETURN f.flight, f.miles ORDER BY f.miles, f.flight LIMIT 10",
        "SELECT flight, miles FROM flights ORDER BY miles NULLS LAST, flight LIMIT 10",
    ),
    (
        "MATCH (f:Flight) RETURN f.flight, f.delay ORDER BY f.delay DESC, f.flight SKIP 5 LIMIT 10",
        "SELECT flight, delay FROM flights ORDER BY delay DESC NULLS FIRST, flight LIMIT 10 OFFSET 5",
    ),
    (
        "MATCH (f:Flight) WHERE f.dest = 'ORD' RETURN f.flight ORDER BY f.miles DESC, f.flight LIMIT 3",
        "SELECT flight FROM flights WHERE dest = 'ORD' ORDER BY miles DESC NULLS FIRST, flight LIMIT 3",
    ),
    (
        "MATCH (f:Flight) RETURN f.dest AS dest, count(*) AS n ORDER BY n DESC, dest LIMIT 2",
        "SELECT dest, count(*) AS n FROM flights GROUP BY dest ORDER BY n DESC, dest NULLS LAST LIMIT 2",
    ),
    (
        "MATCH (f:Flight) WITH f ORDER BY f.flight DESC LIMIT 20 RETURN f.carrier, count(*)",
        "SELECT carrier, count(*) FROM (FROM flights ORDER BY flight DESC LIMIT 20) GROUP BY ALL",
    ),
    // Patterns.
    (
        "MATCH (f:Flight)-[:DEST]->(a:Airport) RETURN a.state, count(*), avg(f.delay)",
        "SELECT state, count(*), avg(delay) FROM flights JOIN airports ON dest = faa GROUP BY ALL",
    ),
    (
        "MATCH (a:Airport)<-[:ORIGIN]-(f:Flight)-[:DEST]->(b:Airport) WHERE f.month = 1 RETURN a.state, b.state, count(*)",
        "SELECT a.state, b.state, count(*) FROM flights JOIN airports a ON origin = a.faa JOIN airports b ON dest = b.faa
         WHERE month = 1 GROUP BY ALL",
    ),
    (
        "MATCH (f:Flight)-[:ORIGIN]->(:Airport)-[r:ROUTE]->(b:Airport)<-[:DEST]-(f) RETURN f.flight, r.miles, b.faa",
        "SELECT f.flight, r.miles, b.faa FROM flights f JOIN airports a ON f.origin = a.faa
         JOIN routes r ON r.src = a.faa AND r.dst = f.dest JOIN airports b ON f.dest = b.faa",
    ),
    (
        "MATCH (f:Flight) OPTIONAL MATCH (f)-[:BY]->(l:Airline) RETURN l.name, count(*), max(f.delay)",
        "SELECT name, count(*), max(delay) FROM flights LEFT JOIN airlines ON carrier = code GROUP BY ALL",
    ),
    (
        "MATCH (l:Airline) OPTIONAL MATCH (f:Flight {month: 1})-[:BY]->(l) WHERE f.delay > 80 RETURN l.name, count(f)",
        "SELECT name, count(flight) FROM airlines LEFT JOIN flights
         ON carrier = code AND month = 1 AND delay > 80 GROUP BY ALL",
    ),
    (
        "MATCH (f:Flight)-[:DEST]->(a), (g:Flight)-[:DEST]->(a) WHERE f.day = 1 AND g.day = 1 AND f.month = 1 \
         AND g.month = 2 AND f.delay < g.delay - 60 RETURN f.flight, g.flight",
        "SELECT f.flight, g.flight FROM flights f JOIN airports ON f.dest = faa JOIN flights g ON g.dest = faa
         WHERE f.day = 1 AND g.day = 1 AND f.month = 1 AND g.month = 2 AND f.delay < g.delay - 60",
    ),
    (
        "MATCH (a:Airport), (l:Airline) WHERE a.state < l.name RETURN a.faa, l.code",
        "SELECT faa, code FROM airports, airlines WHERE state < name",
    ),
    (
        "MATCH (f:Flight) WHERE EXISTS { MATCH (f)-[:DEST]->(:Airport {state: 'NY'}) } RETURN count(f)",
        "SELECT count(*) FROM flights WHERE dest IN (SELECT faa FROM airports WHERE state = 'NY')",
    ),
    (
        "MATCH (f:Flight) WHERE f.delay > 70 AND NOT (f)-[:BY]->() RETURN f.flight",
        "SELECT flight FROM flights WHERE delay > 70 AND carrier NOT IN (SELECT code FROM airlines)",
    ),
    (
        "MATCH (a:Airport) RETURN a.faa, COUNT { (f:Flight)-[:DEST]->(a) WHERE f.month = 2 }",
        "SELECT faa, count(flight) FROM airports LEFT JOIN flights ON dest = faa AND month = 2 GROUP BY ALL",
    ),
    // Pipelines.
    (
        "UNWIND [1, 2, 2] AS m MATCH (f:Flight {month: m}) RETURN m, count(*)",
        "SELECT m, count(*) FROM (VALUES (1), (2), (2)) AS t(m) JOIN flights ON month = m GROUP BY ALL",
    ),
    (
        "MATCH (f:Flight) WHERE f.month = 1 RETURN f.dest AS x UNION MATCH (f:Flight) WHERE f.month = 2 RETURN f.origin AS x",
        "SELECT dest FROM flights WHERE month = 1 UNION SELECT origin FROM flights WHERE month = 2",
    ),
    (
        "MATCH (f:Flight) WITH max(f.delay) AS most MATCH (g:Flight) WHERE g.delay = most RETURN g.flight",
        "SELECT flight FROM flights WHERE delay = (SELECT max(delay) FROM flights)",
    ),
    (
        "MATCH (f:Flight {day: 2}) WITH f.dest AS dest, collect(f.delay) AS delays \
         RETURN dest, reduce(total = 0, x IN delays | total + x), size([x IN delays WHERE x > 30])",
        "SELECT dest, coalesce(sum(delay), 0), count(*) FILTER (delay > 30) FROM flights WHERE day = 2 GROUP BY ALL",
    ),
    (
        "MATCH (f:Flight) WITH f, f.delay AS late WHERE f.month = 2 OR f.carrier STARTS WITH 'U' RETURN f.flight, late",
        "SELECT flight, delay FROM flights WHERE month = 2 OR starts_with(carrier, 'U')",
    ),
    (
        "MATCH (f:Flight) WITH f AS g WHERE NOT (g.delay < 50 OR g.dest IN ['JFK', 'BOS']) RETURN g.flight",
        "SELECT flight FROM flights WHERE NOT (delay < 50 OR dest IN ('JFK', 'BOS'))",
    ),
    (
        "MATCH (a:Airport) OPTIONAL MATCH (f:Flight)-[:DEST]->(a) WITH a, f WHERE f.delay > 80 OR f.miles < 70 RETURN a.faa, f.flight",
        "SELECT faa, flight FROM flights JOIN airports ON dest = faa WHERE delay > 80 OR miles < 70",
    ),
    (
        "MATCH (f:Flight) WHERE f.departed >= localdatetime('1970-01-10T12:30:00') AND NOT f.booked > date('1970-01-15') \
         WITH collect(f.flight) AS found UNWIND found AS n RETURN n",
        "SELECT flight FROM flights WHERE departed >= TIMESTAMP '1970-01-10 12:30:00' AND NOT booked > DATE '1970-01-15'",
    ),
    (
        "MATCH (f:Flight) WITH f ORDER BY f.flight LIMIT 50 WITH f WHERE f.delay > 20 RETURN f.flight",
        "SELECT flight FROM (FROM flights ORDER BY flight LIMIT 50) WHERE delay > 20",
    ),
    // Runs.
    (
        "MATCH (a:Airport {faa: 'EWR'})-[:ROUTE*1..2]->(b:Airport) RETURN b.faa, count(*)",
        "SELECT faa, count(*) FROM (SELECT dst AS faa FROM routes WHERE src = 'EWR' UNION ALL
         SELECT y.dst FROM routes x JOIN routes y ON x.dst = y.src WHERE x.src = 'EWR') JOIN airports USING (faa) GROUP BY ALL",
    ),
    (
        "MATCH p = shortestPath((a:Airport)-[:ROUTE*]->(b:Airport)) RETURN a.faa, b.faa, length(p)",
        "WITH RECURSIVE r(a, b, n) AS (SELECT src, dst, 1 FROM routes UNION
         SELECT a, dst, n + 1 FROM r JOIN routes ON b = src WHERE n < 4)
         SELECT a, b, min(n) FROM r WHERE a <> b GROUP BY ALL",
    ),
];

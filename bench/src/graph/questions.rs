//! What is asked, in the words of each engine; those of Polars are in `bench/python/graph.py`, under the same names.

/// A question.
#[derive(Debug)]
pub struct Question {
    pub name: &'static str,
    pub cypher: &'static str,
    pub sql: &'static str,
}

/// Over many small files.
pub const COUNTS: &[Question] = &[
    Question { name: "count", cypher: "MATCH (t:T) RETURN count(*) AS n", sql: "SELECT count(*) FROM t" },
    Question {
        name: "count_part",
        cypher: "MATCH (t:T) WHERE t.p = 7 RETURN count(*) AS n",
        sql: "SELECT count(*) FROM t WHERE p = 7",
    },
    Question {
        name: "low_high",
        cypher: "MATCH (t:T) RETURN min(t.n) AS low, max(t.n) AS high",
        sql: "SELECT min(n), max(n) FROM t",
    },
    Question {
        name: "groups_part",
        cypher: "MATCH (t:T) RETURN t.p AS p, count(*) AS n, max(t.n) AS top ORDER BY p",
        sql: "SELECT p, count(*), max(n) FROM t GROUP BY p ORDER BY p",
    },
];

/// Over few large files.
pub const SCANS: &[Question] = &[
    Question {
        name: "filter",
        cypher: "MATCH (t:T) WHERE t.x > 115 AND t.speed > 4 RETURN count(*) AS n, sum(t.y) AS s",
        sql: "SELECT count(*), sum(y) FROM t WHERE x > 115 AND speed > 4",
    },
    Question {
        name: "computed",
        cypher: "MATCH (t:T) WHERE t.distance < 5 RETURN count(*) AS n",
        sql: "SELECT count(*) FROM t WHERE sqrt(x * x + y * y) < 5",
    },
    Question {
        name: "point",
        cypher: "MATCH (t:T) WHERE t.id = 123456 RETURN t.x AS x, t.y AS y",
        sql: "SELECT x, y FROM t WHERE id = 123456",
    },
    Question {
        name: "group",
        cypher: "MATCH (t:T) RETURN t.key AS key, count(*) AS n, sum(t.y) AS s ORDER BY key",
        sql: "SELECT key, count(*), sum(y) FROM t GROUP BY key ORDER BY key",
    },
    Question {
        name: "top",
        cypher: "MATCH (t:T) RETURN t.id AS id ORDER BY t.y DESC, t.id LIMIT 10",
        sql: "SELECT id FROM t ORDER BY y DESC, id LIMIT 10",
    },
];

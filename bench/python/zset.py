"""The peers of Z-sets that are in Python: stepping on its three stores, and DuckDB that computes the query anew.

    zset.py SUBJECT SCENARIO WORKLOAD FOLDER [POSTGRES]

A line of the workload is a change (table, three numbers, weight) or a dot, which ends a step; the first steps, as many as the
first line says, load. Prints JSON: seconds of loading, of each step behind it, and the result's size and checksum.
"""

import json
import os
import pathlib
import sys
import time

MODULUS = (1 << 61) - 1


def steps(path):
    with open(path) as lines:
        yield int(next(lines))
        step = []
        for line in lines:
            if line == ".\n":
                yield step
                step = []
            else:
                step.append(tuple(map(int, line.split())))


def checksum(rows):
    rows = [(int(key), int(value)) for key, value in rows if int(value) != 0]
    return {"rows": len(rows), "checksum": sum(key * 1_000_003 + value * 7_919 for key, value in rows) % MODULUS}


def in_new_schema(url):
    """The address with a schema of its own, for the tables have the same names in every run."""
    import psycopg

    name = f"stepping_{os.getpid()}_{time.time_ns()}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
    return f"{url}{'&' if '?' in url else '?'}options=-c%20search_path%3D{name}"


def queries():
    """The queries of stepping, whose compiler reads the source of top-level functions: so they are in a file of their own."""
    import zset_queries

    return zset_queries


class Stepping:
    def __init__(self, scenario, kind, folder, url):
        import stepping as st
        from stepping.run import iteration
        from stepping.zset.python import ZSetPython

        self.iteration, self.zset, self.scenario = iteration, ZSetPython, scenario
        module = queries()
        query, self.cache, self.make = module.QUERIES[scenario]
        self.graph = st.compile(query)
        if kind == "memory":
            self.store = st.StorePython.from_graph(self.graph)
        elif kind == "sqlite":
            self.context = st.connection_sqlite(pathlib.Path(folder) / "stepping.db")
            self.store = st.StoreSQLite.from_graph(self.context.__enter__(), self.graph, create_tables=True)
        else:
            self.context = st.connection_postgres(in_new_schema(url))
            self.store = st.StorePostgres.from_graph(self.context.__enter__(), self.graph, create_tables=True)

    def step(self, changes):
        inputs = [[] for _ in self.make]
        for table, a, b, c, weight in changes:
            inputs[table].append((self.make[table](a, b, c), weight))
        self.iteration(self.store, self.graph, tuple(self.zset(rows) for rows in inputs))

    def result(self):
        rows = self.cache.zset(self.store).iter()
        if self.scenario == "closure":
            return [(pair.left * 1_000_000 + pair.right, count) for pair, count in rows]
        # A sum, and the group that it belongs to.
        return [(pair.right, pair.left) for pair, count in rows]


class DuckDb:
    QUERIES = {
        "receipts": "SELECT i.a, sum(i.c * p.b * i.w) FROM t0 i JOIN t1 p ON i.b = p.a GROUP BY i.a",
        "meters": "SELECT m.b * 1000 + r.b // 48, sum(r.c * r.w) FROM t0 r JOIN t1 m ON r.a = m.a GROUP BY ALL",
        "closure": """WITH RECURSIVE edge AS (SELECT a, b FROM t0 GROUP BY a, b HAVING sum(w) > 0),
            path AS (SELECT a, b FROM edge UNION SELECT p.a, e.b FROM path p JOIN edge e ON p.b = e.a)
            SELECT a * 1000000 + b, 1 FROM path""",
    }

    def __init__(self, scenario):
        import duckdb
        import numpy

        self.numpy = numpy
        self.connection = duckdb.connect()
        self.connection.execute("SET threads = 2")
        for table in ("t0", "t1"):
            self.connection.execute(f"CREATE TABLE {table} (a BIGINT, b BIGINT, c BIGINT, w BIGINT)")
        self.sql = f"CREATE OR REPLACE TABLE result AS {self.QUERIES[scenario]}"

    def append(self, changes):
        for number in (0, 1):
            rows = self.numpy.array([change[1:] for change in changes if change[0] == number], dtype="int64")
            if len(rows):
                columns = {name: self.numpy.ascontiguousarray(rows[:, place]) for place, name in enumerate("abcw")}
                self.connection.register("given", columns)
                self.connection.execute(f"INSERT INTO t{number} SELECT a, b, c, w FROM given")

    def step(self, changes):
        self.append(changes)
        self.connection.execute(self.sql)

    def result(self):
        return self.connection.execute("SELECT * FROM result").fetchall()


def main():
    subject, scenario, workload, folder = sys.argv[1:5]
    url = sys.argv[5] if len(sys.argv) > 5 else ""
    if subject == "duckdb":
        engine = DuckDb(scenario)
    else:
        engine = Stepping(scenario, subject.removeprefix("stepping-"), folder, url)
    given = steps(workload)
    loading, seconds, load = next(given), [], 0.0
    for number, step in enumerate(given):
        begun = time.perf_counter()
        # Loading need not be visible after each of its steps.
        if number < loading and subject == "duckdb":
            engine.append(step)
        else:
            engine.step(step)
        taken = time.perf_counter() - begun
        if number < loading:
            load += taken
        else:
            seconds.append(taken)
    print(json.dumps({"load": load, "steps": seconds, **checksum(engine.result())}))


main()

"""The peers of `bench graph` that are Python libraries: one question per line of the input, one answer per line of the output."""

import json
import sys

peers, missing = {}, {}
modules = {}
for name in sys.argv[1].split(","):
    try:
        modules[name] = __import__(name)
        if name in ("kuzu", "ladybug"):
            modules[name].Database(":memory:")
        peers[name] = modules[name].__version__
    except Exception as error:
        missing[name] = str(error)
duckdb, pl = modules.get("duckdb"), modules.get("polars")


def polars_frame(name, frame):
    """The questions in the words of Polars; the names are those of the rows."""
    c, n = pl.col, pl.len()
    distance = (c("x") * c("x") + c("y") * c("y")).sqrt()
    return {
        "count": lambda: frame.select(n),
        "count_part": lambda: frame.filter(c("p") == 7).select(n),
        "low_high": lambda: frame.select(c("n").min().alias("low"), c("n").max().alias("high")),
        "groups_part": lambda: frame.group_by("p").agg(n, c("n").max()).sort("p"),
        "filter": lambda: frame.filter((c("x") > 115) & (c("speed") > 4)).select(n, c("y").sum()),
        "computed": lambda: frame.filter(distance < 5).select(n),
        "point": lambda: frame.filter(c("id") == 123456).select("x", "y"),
        "group": lambda: frame.group_by("key").agg(n, c("y").sum()).sort("key"),
        "top": lambda: frame.sort(["y", "id"], descending=[True, False]).head(10).select("id"),
    }[name]()


connections = {}
opened = {}


def open_people(peer, folder, fresh):
    """People and whom they follow. DuckDB reads the files in place if it is asked but once; the others must load them."""
    person, follows = f"{folder}/person.parquet", f"{folder}/follows.parquet"
    if peer == "duckdb":
        connection = duckdb.connect()
        kind = "VIEW" if fresh else "TABLE"
        connection.execute(f"CREATE {kind} person AS FROM '{person}'")
        connection.execute(f"CREATE {kind} follows AS FROM '{follows}'")
        return lambda words: connection.execute(words).fetchall()
    database = modules[peer].Database(":memory:")
    connection = modules[peer].Connection(database)
    connection.execute("CREATE NODE TABLE Person(id INT64, age INT64, PRIMARY KEY(id))")
    connection.execute("CREATE REL TABLE F(FROM Person TO Person)")
    connection.execute(f"COPY Person FROM '{person}'")
    connection.execute(f"COPY F FROM '{follows}'")
    return lambda words: connection.execute(words).get_all()


def people(peer, words, folder, fresh):
    if fresh:
        return open_people(peer, folder, True)(words)
    if (peer, folder) not in opened:
        opened[peer, folder] = open_people(peer, folder, False)
    return opened[peer, folder](words)


def answer(question):
    if question["do"] == "hello":
        return {"versions": peers, "missing": missing}
    folder = question["folder"]
    if question["do"] == "people":
        return {"rows": people(question["peer"], question["words"], folder, question["fresh"])}
    if question["peer"] == "polars":
        frame = pl.scan_parquet(folder + "/**/*.parquet", hive_partitioning=True)
        return {"rows": polars_frame(question["name"], frame).collect().rows()}
    if question["fresh"] or folder not in connections:
        connections[folder] = duckdb.connect()
        connections[folder].execute("SET parquet_metadata_cache = true")
    table = f"read_parquet('{folder}/**/*.parquet', hive_partitioning = true)"
    return {"rows": connections[folder].execute(question["sql"].replace("FROM t", f"FROM {table} t")).fetchall()}


for line in sys.stdin:
    try:
        told = answer(json.loads(line))
    except Exception as error:
        told = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(told), flush=True)

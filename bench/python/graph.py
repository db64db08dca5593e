"""The peers of `bench graph` that are Python libraries: one question per line of the input, one answer per line of the output."""

import json
import sys

peers, missing = {}, {}
try:
    import duckdb

    peers["duckdb"] = duckdb.__version__
except Exception as error:
    missing["duckdb"] = str(error)
try:
    import polars as pl

    peers["polars"] = pl.__version__
except Exception as error:
    missing["polars"] = str(error)


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


def answer(question):
    if question["do"] == "hello":
        return {"versions": peers, "missing": missing}
    folder = question["folder"]
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

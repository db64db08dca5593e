"""Answers one query per line of the input: a line for each row, and `end` after the last one."""

import sys

import duckdb

connection = duckdb.connect()
connection.execute("CREATE VIEW flights AS FROM read_parquet('flights/*/*/*.parquet', hive_partitioning = true)")
for name in ("airports", "airlines", "routes"):
    connection.execute(f"CREATE VIEW {name} AS FROM '{name}.parquet'")


def cell(value):
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case _:
            return str(value)


for line in sys.stdin:
    for row in connection.execute(line).fetchall():
        print("|".join(map(cell, row)))
    print("end")

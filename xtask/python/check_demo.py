"""Compares what the demo answered and stored with an independent reading of the same data: `check_demo.py ANSWERS`.

DuckDB recomputes every answer from the Parquet files; pylance and PyIceberg read the tables that the demo made. Whole
numbers, text and times must be equal, fractions within 1e-9 of their size. Ends with exit code 1 at any difference.
"""

import json
import math
import os
import sys
from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path

import duckdb
import lance
from pyiceberg.catalog.sql import SqlCatalog

RELATIVE = 1e-9
BASE = ["world", "run", "entity", "tick", "active", "seq"]
MAIN = "run = 'main'"


def connect(data: Path) -> duckdb.DuckDBPyConnection:
    """Opens DuckDB in memory with the data set as views."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    types = "hive_partitioning = true, hive_types = {'month': INTEGER, 'day': INTEGER}"
    parts = data / "flights" / "*" / "*" / "*.parquet"
    connection.execute(f"CREATE VIEW flights AS FROM read_parquet('{quoted(parts)}', {types})")
    for name in ("airports", "planes", "airlines", "weather"):
        connection.execute(f"CREATE VIEW {name} AS FROM read_parquet('{quoted(data / name)}.parquet')")
    return connection


def quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def rows_of(connection, query: str) -> list[tuple]:
    """All rows of a query; the connection is free for the next one."""
    return connection.execute(query).fetchall()


def plain(value):
    """A value of DuckDB as JSON has it: times as ISO text in UTC, decimals as numbers."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=timezone.utc)
        return aware.astimezone(timezone.utc)
    if isinstance(value, date):
        return value.isoformat()
    return value


def same(ours, theirs) -> bool:
    """Whether two cells are equal; `theirs` is DuckDB's."""
    theirs = plain(theirs)
    if isinstance(theirs, datetime):
        return isinstance(ours, str) and datetime.fromisoformat(ours).replace(tzinfo=timezone.utc) == theirs
    if isinstance(ours, bool) or isinstance(theirs, bool) or ours is None or theirs is None:
        return ours is theirs
    if isinstance(ours, float) or isinstance(theirs, float):
        return isinstance(ours, (int, float)) and math.isclose(ours, theirs, rel_tol=RELATIVE)
    return type(ours) is type(theirs) and ours == theirs


def check_answer(connection, answer: dict) -> list[str]:
    """Recomputes one answer and names the rows that differ."""
    ours, theirs = answer["rows"], rows_of(connection, answer["duckdb"])
    if len(ours) != len(theirs):
        return [f"{answer['name']}: {len(ours)} rows, DuckDB has {len(theirs)}"]
    differ = []
    for number, (our_row, their_row) in enumerate(zip(ours, theirs)):
        if len(our_row) != len(their_row) or not all(map(same, our_row, their_row)):
            differ.append(f"{answer['name']}, row {number}: {our_row}, DuckDB has {list(map(plain, their_row))}")
    return differ


def summary(connection, source: str) -> dict:
    """What is compared of a table: rows, the sum of every numeric column, and a hash over the sorted rows."""
    columns = rows_of(connection, "DESCRIBE flights")
    names = sorted(column[0] for column in columns)
    numeric = sorted(column[0] for column in columns if column[1] in ("INTEGER", "BIGINT", "DOUBLE", "FLOAT"))
    sums = ", ".join(f'sum("{name}")' for name in numeric)
    text = {column[0]: cell_text(*column[:2]) for column in columns}
    row = " || '|' || ".join(text[name] for name in names)
    hashed = f"SELECT md5(string_agg(line, chr(10) ORDER BY line)) FROM (SELECT {row} AS line FROM {source})"
    values = rows_of(connection, f"SELECT count(*), {sums} FROM {source}")[0]
    found = dict(zip(["rows", *(f"sum of {name}" for name in numeric)], map(plain, values)))
    return found | {"hash of the sorted rows": rows_of(connection, hashed)[0][0]}


def cell_text(name: str, kind: str) -> str:
    """SQL for a cell as text that does not depend on how a reader types it; null is none of the possible texts."""
    value = f'epoch_us("{name}")' if kind.startswith("TIMESTAMP") else f'"{name}"'
    return f"coalesce(CAST({value} AS VARCHAR), '<null>')"


def check_table(connection, name: str, rows, expected: dict) -> list[str]:
    """Compares the flights of a stored table, as a peer read them, with the source."""
    connection.register(name, rows)
    missing = [column for column in BASE if column not in rows.column_names]
    if missing:
        return [f"{name}: no column {', '.join(missing)}"]
    found = summary(connection, name)
    wrong = [key for key in expected if found[key] != expected[key]]
    differ = [f"{name}: {key} is {found[key]}, the source has {expected[key]}" for key in wrong]
    wrong_ticks = f"SELECT count(*) FROM {name} WHERE tick <> dayofyear(make_date(year, month, day))"
    entities = f"SELECT count(*) - count(DISTINCT entity) FROM {name}"
    for what, query in {"ticks that are not the day of the year": wrong_ticks, "entities twice": entities}.items():
        count = rows_of(connection, query)[0][0]
        if count:
            differ.append(f"{name}: {count} {what}")
    return differ


def read_lance(world: Path):
    return lance.dataset(str(world / "tables" / "flights.lance")).to_table(filter=MAIN)


def read_iceberg(world: Path):
    catalog = SqlCatalog("worldstore", uri=f"sqlite:///{world / 'catalog.db'}", init_catalog_tables="false")
    return catalog.load_table("world.flights").scan(row_filter=MAIN).to_arrow()


def main() -> None:
    made = json.loads(Path(sys.argv[1]).read_text())
    connection = connect(Path(made["data"]))
    differ = []
    for answer in made["answers"]:
        found = check_answer(connection, answer)
        print(f"{'differs' if found else 'equal':8} {answer['name']}: {len(answer['rows'])} rows")
        differ += found
    if not made["answers"]:
        differ.append("the demo gave no answers")
    expected = summary(connection, "flights")
    for name, read, key in (("pylance", read_lance, "lance"), ("pyiceberg", read_iceberg, "iceberg")):
        found = check_table(connection, name, read(Path(made[key])), expected)
        what = f"{expected['rows']:,} rows, {len(expected) - 2} sums, hash {expected['hash of the sorted rows']}"
        print(f"{'differs' if found else 'equal':8} {name}: {what}")
        differ += found
    for line in differ:
        print(line, file=sys.stderr)
    sys.exit(1 if differ else 0)


main()

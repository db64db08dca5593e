"""Has other programs read the tables of a world, and compares with what we read: `read.py PLAN`.

Columns must have the types that the docs promise, cells must be equal to the bit, and versions that are gone must be
errors. The last line that is printed is the number of comparisons; exit code 1 at any difference.
"""

import json
import os
import sys

import pyarrow as pa
import pyarrow.ipc
import pyarrow.types as types

import programs
from cells import ordered, unlike
from types_of import spelled, wanted

READERS = {
    ("lance", "pylance"): programs.pylance,
    ("lance", "lancedb"): programs.lancedb,
    ("lance", "duckdb"): programs.duckdb_of_lance,
    ("lance", "daft"): programs.daft_of_lance,
    ("lance", "duckdb_extension"): programs.duckdb_extension_of_lance,
    ("iceberg", "pyiceberg"): programs.pyiceberg,
    ("iceberg", "duckdb"): programs.duckdb_of_iceberg,
    ("iceberg", "daft"): programs.daft_of_iceberg,
    ("iceberg", "duckdb_extension"): programs.duckdb_extension_of_iceberg,
}

# Those that tell which columns may be null.
TELL_NULLS = ("pylance", "lancedb", "pyiceberg")


def cannot_read(kind):
    """Whether Daft fails at a column of Lance of this type."""
    return types.is_dictionary(kind) or types.is_time32(kind)


def shows_no_null(format, program, kind):
    """Whether a null of this type is shown as an empty list: PyIceberg does so, and whoever reads through it."""
    through = format == "iceberg" and program in ("pyiceberg", "duckdb")
    return through and types.is_list(kind) and types.is_struct(kind.value_type)


def read_by(plan, program, read, ours):
    """The rows as a program reads them, and ours as far as it can read them."""
    reader, place = READERS[plan["format"], program], (plan["world"], read["table"], read["version"])
    hard = [field.name for field in ours.schema if cannot_read(field.type)]
    if (plan["format"], program) != ("lance", "daft") or not hard:
        return reader(*place), ours
    if len(ours):
        try:
            reader(*place)
        except Exception:
            pass
        else:
            raise AssertionError(f"columns that cannot be read were read: {hard}")
    return reader(*place, without=hard), ours.drop_columns(hard)


def check_read(plan, program, read):
    """What differs between our rows and those that a program reads."""
    with pa.ipc.open_stream(read["rows"]) as stream:
        ours = stream.read_all()
    theirs, ours = read_by(plan, program, read, ours)
    if theirs.column_names != ours.column_names:
        return [f"columns {theirs.column_names}, not {ours.column_names}"]
    differ = []
    for field in ours.schema:
        expected, found = wanted(plan["format"], program, field.type), theirs.schema.field(field.name)
        if expected != spelled(found.type):
            differ.append(f"type of {field.name} is {spelled(found.type)}, not {expected}")
        if program in TELL_NULLS and field.nullable != found.nullable:
            differ.append(f"{field.name} can be null: {found.nullable}")
    if len(ours) != len(theirs):
        return differ + [f"{len(theirs)} rows, not {len(ours)}"]
    empty = [field.name for field in ours.schema if shows_no_null(plan["format"], program, field.type)]
    return differ + unlike(ordered(ours), ordered(theirs), null_is_empty=empty)


def check_gone(plan, program, gone):
    """An expired version is an error, not an empty table."""
    try:
        rows = READERS[plan["format"], program](plan["world"], gone["table"], gone["version"])
    except Exception:
        return []
    return [f"is gone, and yet has {len(rows)} rows"]


def main():
    with open(sys.argv[1]) as file:
        plan = json.load(file)
    equal, differ = 0, []
    for program in plan["programs"]:
        for check, cases in ((check_read, plan["reads"]), (check_gone, plan["gone"])):
            for case in cases:
                if case["version"] is not None and program in plan["newest_only"]:
                    continue
                try:
                    found = check(plan, program, case)
                except Exception as error:
                    found = [f"{type(error).__name__}: {error}"]
                version = "the newest" if case["version"] is None else case["version"]
                differ += [f"{program}, {case['table']} at {version}: {line}" for line in found]
                equal += not found
    for line in differ:
        print(line, file=sys.stderr)
    print(f"{equal} equal", flush=True)
    # Some programs leave threads behind that would keep the process.
    os._exit(1 if differ else 0)


main()

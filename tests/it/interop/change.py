"""Changes a table of a world as other programs do: `change.py PROGRAM CHANGE WORLD TABLE [ARGUMENT]`.

The change is `append` with a file of rows, `delete` with a condition, `rollback` to a version, or `widen` by a column of
whole numbers. Prints the watermark of the table as the program sees it.
"""

import os
import sys

import pyarrow as pa
import pyarrow.ipc

import programs


def lance_of(world, table):
    import lance

    return lance.dataset(f"{world}/tables/{table}.lance")


def append(program, world, table, path):
    with pa.ipc.open_stream(path) as stream:
        rows = stream.read_all()
    getattr(programs, f"append_by_{program}")(world, table, rows)


def delete(program, world, table, condition):
    if program == "pyiceberg":
        programs.iceberg(world, table).delete(condition)
    else:
        lance_of(world, table).delete(condition)


def rollback(program, world, table, version):
    if program == "pyiceberg":
        opened = programs.iceberg(world, table)
        snapshot = programs.snapshot_id(opened, int(version))
        opened.manage_snapshots().set_current_snapshot(snapshot).commit()
    else:
        lance_of(world, table).checkout_version(int(version)).restore()


def widen(program, world, table, column):
    if program == "pyiceberg":
        from pyiceberg.types import LongType

        with programs.iceberg(world, table).update_schema() as change:
            change.add_column(column, LongType())
    else:
        lance_of(world, table).add_columns(pa.field(column, pa.int64()))


def main():
    program, change, world, table, argument = sys.argv[1:]
    changes = {"append": append, "delete": delete, "rollback": rollback, "widen": widen}
    changes[change](program, world, table, argument)
    format = "iceberg" if program == "pyiceberg" else "lance"
    print(getattr(programs, f"watermark_of_{format}")(world, table), flush=True)
    # Some programs leave threads behind that would keep the process.
    os._exit(0)


main()

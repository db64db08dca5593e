"""Cells of Arrow columns as plain values that are equal only if the cells are, to the bit.

A fraction is its bits, so that -0.0 is not 0.0 and one NaN is equal to another; dates and times are whole nanoseconds,
whatever the unit of their column. Types are compared elsewhere.
"""

import struct

import pyarrow as pa
import pyarrow.types as types

NANOSECONDS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


def cells(column):
    """The cells of a column, None for nulls."""
    if isinstance(column, pa.ChunkedArray):
        return [cell for chunk in column.chunks for cell in cells(chunk)]
    if isinstance(column, pa.ExtensionArray):
        return cells(column.storage)
    kind = column.type
    if types.is_dictionary(kind):
        return cells(column.dictionary_decode())
    if types.is_struct(kind):
        parts = [(field.name, cells(column.field(index))) for index, field in enumerate(kind)]
        rows = [tuple((name, values[row]) for name, values in parts) for row in range(len(column))]
        return [row if valid else None for row, valid in zip(rows, column.is_valid().to_pylist())]
    return [cell(scalar) if scalar.is_valid else None for scalar in column]


def cell(scalar):
    """A cell that is not null."""
    kind = scalar.type
    if types.is_map(kind):
        return tuple(zip(cells(scalar.values.field(0)), cells(scalar.values.field(1))))
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind) or types.is_list_view(kind):
        return tuple(cells(scalar.values))
    if types.is_floating(kind):
        return ("bits", struct.pack(">d", scalar.as_py()).hex())
    if types.is_timestamp(kind) or types.is_duration(kind) or types.is_time(kind):
        return ("ns", scalar.value * NANOSECONDS[kind.unit])
    if kind == pa.month_day_nano_interval():
        months, days, nanoseconds = scalar.as_py()
        return ("ns", nanoseconds + days * 86_400 * 10**9) if months == 0 else ("months", months, days, nanoseconds)
    if types.is_date32(kind):
        return ("ns", scalar.value * 86_400 * 10**9)
    if types.is_date64(kind):
        return ("ns", scalar.value * 10**6)
    if types.is_boolean(kind):
        return ("truth", scalar.as_py())
    return scalar.as_py()


def ordered(table):
    """The rows in the order of the world: by append, run and entity. What comes twice stays twice."""
    return table.sort_by([("seq", "ascending"), ("run", "ascending"), ("entity", "ascending")])


def unlike(ours, theirs, null_is_empty=()):
    """The cells that differ, by column and row. Both tables have the same columns; in some of them they show a null as an
    empty list."""
    differ = []
    for name in ours.column_names:
        shown = [() if one is None and name in null_is_empty else one for one in cells(ours[name])]
        pairs = zip(shown, cells(theirs[name]), strict=True)
        wrong = [(row, one, other) for row, (one, other) in enumerate(pairs) if one != other]
        differ += [f"{name}, row {row}: {other!r}, not {one!r}" for row, one, other in wrong[:3]]
    return differ

"""Which type a column of ours has in each program."""

import pyarrow.types as types

# What Iceberg stores: it has fewer types than Arrow.
STORED = {
    "int8": "int32",
    "int16": "int32",
    "uint8": "int32",
    "uint16": "int32",
    "uint32": "int64",
    "uint64": "int64",
    "dictionary": "string",
    "timestamp[s]": "timestamp[us]",
    "timestamp[ms]": "timestamp[us]",
}

DUCKDB = {
    "fixed_size_binary[4]": "binary",
    "dictionary": "string",
    "timestamp[us, tz=Europe/Berlin]": "timestamp[us, tz=UTC]",
    "date64[ms]": "date32[day]",
    "time32[ms]": "time64[us]",
    "duration[us]": "month_day_nano_interval",
}

# What a program makes of the types that a format stores.
SHOWN = {
    "duckdb": DUCKDB,
    "duckdb_extension": DUCKDB,
    "daft": {"date64[ms]": "timestamp[ms]"},
}


def wanted(format, program, kind):
    """The type in which a program shows a column of this type, spelled."""

    def leaf(name):
        stored = STORED.get(name, name) if format == "iceberg" else name
        return SHOWN.get(program, {}).get(stored, stored)

    return spelled(kind, leaf, has_arrays=format != "iceberg")


def spelled(kind, leaf=lambda name: name, has_arrays=True):
    """A type as text, without what means nothing: how wide offsets are, and how items of lists and UTC are called."""

    def inner(field):
        return spelled(field.type, leaf, has_arrays)

    if types.is_fixed_size_list(kind) and has_arrays:
        return f"array<{inner(kind.value_field)}>[{kind.list_size}]"
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return f"list<{inner(kind.value_field)}>"
    if types.is_struct(kind):
        return "struct<" + ", ".join(f"{field.name}: {inner(field)}" for field in kind) + ">"
    if types.is_map(kind):
        return f"map<{inner(kind.key_field)}, {inner(kind.item_field)}>"
    if types.is_dictionary(kind):
        return leaf("dictionary")
    name = str(kind).removeprefix("large_").removesuffix("_view")
    for zone in ("Etc/UTC", "+00:00"):
        name = name.replace(f"tz={zone}", "tz=UTC")
    return leaf(name)

"""How other programs open the tables of a world: what the docs show, as it is tested.

Each function takes the folder of the world, the name of a table, and the version to read: none for the newest. It gives
the rows as a table of pyarrow.
"""


def pylance(world, table, version=None):
    import lance

    return lance.dataset(f"{world}/tables/{table}.lance", version=version).to_table()


def lancedb(world, table, version=None):
    import lancedb

    opened = lancedb.connect(f"{world}/tables").open_table(table)
    if version is not None:
        opened.checkout(version)
    return opened.to_arrow()


def pyiceberg(world, table, version=None):
    opened = iceberg(world, table)
    return opened.scan(snapshot_id=snapshot_id(opened, version)).to_arrow()


def iceberg(world, table):
    from pyiceberg.catalog.sql import SqlCatalog

    if world.startswith("postgresql"):
        return iceberg_at(world, table)
    catalog = SqlCatalog("worldstore", uri=f"sqlite:///{world}/catalog.db", init_catalog_tables="false")
    return catalog.load_table(f"world.{table}")


def iceberg_at(server, table):
    from pyiceberg.catalog.sql import SqlCatalog

    catalog = SqlCatalog("worldstore", uri=server, init_catalog_tables="false")
    return catalog.load_table(f"world.{table}")


def snapshot_id(opened, version):
    """The snapshot of a version: versions are the sequence numbers of snapshots."""
    if version is None:
        return None
    return next(each.snapshot_id for each in opened.snapshots() if each.sequence_number == version)


def duckdb_of_lance(world, table, version=None):
    import duckdb
    import lance

    dataset = lance.dataset(f"{world}/tables/{table}.lance", version=version)
    with duckdb.connect() as connection:
        return connection.register("dataset", dataset).execute("SELECT * FROM dataset").to_arrow_table()


def duckdb_of_iceberg(world, table, version=None):
    opened = iceberg(world, table)
    scan = opened.scan(snapshot_id=snapshot_id(opened, version))
    with scan.to_duckdb("rows") as connection:
        return connection.execute("SELECT * FROM rows").to_arrow_table()


def daft_of_lance(world, table, version=None, without=()):
    import daft

    return daft.read_lance(f"{world}/tables/{table}.lance", version=version).exclude(*without).to_arrow()


def daft_of_iceberg(world, table, version=None):
    import daft

    opened = iceberg(world, table)
    return daft.read_iceberg(opened, snapshot_id=snapshot_id(opened, version)).to_arrow()


def duckdb_extension_of_lance(world, table, version=None):
    assert version is None, "DuckDB's extension reads the newest version only"
    connection = duckdb_with("lance")
    return connection.execute(f"FROM '{world}/tables/{table}.lance'").to_arrow_table()


def duckdb_extension_of_iceberg(world, table, version=None):
    connection = duckdb_with("avro", "iceberg")
    opened = iceberg(world, table)
    at = "" if version is None else f", snapshot_from_id => {snapshot_id(opened, version)}"
    return connection.execute(f"FROM iceberg_scan('{opened.metadata_location}'{at})").to_arrow_table()


def duckdb_with(*extensions):
    """DuckDB with extensions from PyPI: nothing is asked of its own server."""
    import importlib
    from pathlib import Path

    import duckdb

    connection = duckdb.connect(config={"autoinstall_known_extensions": False})
    for name in extensions:
        package = importlib.import_module(f"duckdb_extension_{name}")
        file = next(Path(package.__file__).parent.glob(f"**/{name}.duckdb_extension"))
        connection.execute(f"LOAD '{file}'")
    return connection


def append_by_pylance(world, table, rows):
    import lance

    lance.write_dataset(rows, f"{world}/tables/{table}.lance", mode="append")


def append_by_lancedb(world, table, rows):
    import lancedb

    lancedb.connect(f"{world}/tables").open_table(table).add(rows)


def append_by_pyiceberg(world, table, rows):
    opened = iceberg(world, table)
    opened.append(rows.cast(opened.schema().as_arrow()))


def watermark_of_lance(world, table):
    import lance

    return int(lance.dataset(f"{world}/tables/{table}.lance").config()["worldstore.watermark"])


def watermark_of_iceberg(world, table):
    return int(iceberg(world, table).properties["worldstore.watermark"])

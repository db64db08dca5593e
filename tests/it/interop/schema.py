"""Makes a schema in a PostgreSQL database: `schema.py URI NAME`. Prints where it is, as SQLAlchemy writes it."""

import sys
from urllib.parse import urlsplit, urlunsplit

import psycopg2


def main():
    uri, name = sys.argv[1:]
    connection = psycopg2.connect(uri)
    connection.autocommit = True
    connection.cursor().execute(f"CREATE SCHEMA {name}")
    place = urlsplit(uri)
    query = "&".join(part for part in (place.query, f"options=-csearch_path%3D{name}") if part)
    print(urlunsplit(place._replace(scheme="postgresql+psycopg2", query=query)))


main()

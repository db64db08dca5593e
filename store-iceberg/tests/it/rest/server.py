"""Serves a PyIceberg catalog in SQLite over Iceberg's REST protocol: python server.py FOLDER.

Requirements and changes are PyIceberg's own work. It prints its port, and ends with its standard input.
"""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from pyiceberg.catalog.rest import CreateTableRequest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import (
    CommitFailedException,
    NamespaceAlreadyExistsError,
    NoSuchNamespaceError,
    NoSuchTableError,
    TableAlreadyExistsError,
)
from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC
from pyiceberg.table import CommitTableRequest
from pyiceberg.table.sorting import UNSORTED_SORT_ORDER

folder = sys.argv[1]
catalog = SqlCatalog("served", uri=f"sqlite:///{folder}/served.db", warehouse=f"file://{folder}/data")
one_at_a_time = threading.Lock()
STATUS = {
    NoSuchNamespaceError: 404,
    NoSuchTableError: 404,
    NamespaceAlreadyExistsError: 409,
    TableAlreadyExistsError: 409,
    CommitFailedException: 409,
}


def told(table):
    metadata = json.loads(table.metadata.model_dump_json())
    return {"metadata-location": table.metadata_location, "metadata": metadata, "config": {}}


def create(space, body):
    wanted = CreateTableRequest.model_validate_json(body)
    return told(catalog.create_table(
        (space, wanted.name), wanted.table_schema, wanted.location, wanted.partition_spec or UNPARTITIONED_PARTITION_SPEC,
        wanted.write_order or UNSORTED_SORT_ORDER, wanted.properties))


def commit(name, body):
    wanted = CommitTableRequest.model_validate_json(body)
    catalog.commit_table(catalog.load_table(name), wanted.requirements, wanted.updates)
    return told(catalog.load_table(name))


def answer(method, parts, body):
    match method, parts:
        case "GET", ["config"]:
            return {"defaults": {}, "overrides": {}}
        case "POST", ["namespaces"]:
            name = tuple(json.loads(body)["namespace"])
            catalog.create_namespace(name)
            return {"namespace": name, "properties": {}}
        case "GET", ["namespaces", space]:
            return {"namespace": [space], "properties": catalog.load_namespace_properties(space)}
        case "GET", ["namespaces", space, "tables"]:
            return {"identifiers": [{"namespace": [space], "name": each[-1]} for each in catalog.list_tables(space)]}
        case "POST", ["namespaces", space, "tables"]:
            return create(space, body)
        case "GET", ["namespaces", space, "tables", table]:
            return told(catalog.load_table((space, table)))
        case "POST", ["namespaces", space, "tables", table]:
            return commit((space, table), body)
        case "DELETE", ["namespaces", space, "tables", table]:
            catalog.drop_table((space, table))
            return {}
    raise NoSuchTableError("no such path")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        parts = [unquote(part) for part in urlsplit(self.path).path.strip("/").split("/")][1:]
        try:
            with one_at_a_time:
                status, reply = 200, answer(self.command, parts, body)
        except Exception as error:
            status = STATUS.get(type(error), 400)
            reply = {"error": {"message": str(error), "type": type(error).__name__, "code": status}}
        text = json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    do_GET = do_POST = do_DELETE = do_HEAD = handle_any

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()

"""Open the storage of an address, and fetch a source for `make inspect`."""

from __future__ import annotations

import os
from pathlib import Path

from hdfs import InsecureClient

from marquee.ingest.connections import Connection, find_connection
from marquee.ingest.errors import IngestError
from marquee.ingest.own_data.sources.address import DATABASE, S3, Address, parse_source
from marquee.ingest.own_data.sources.objects import HdfsStorage, S3Storage, Storage, fetch_objects
from marquee.ingest.own_data.sources.queries import RATINGS, fetch_samples
from marquee.ingest.reading.mapping.reading import read_mapping

WEBHDFS_PORT = 9870


def storage_of(address: Address, platform: InsecureClient) -> Storage:
    """Return the storage of an address; without a connection, HDFS is the platform's."""
    connection = find_connection(address.connection) if address.connection else None
    if address.kind == S3:
        return S3Storage(connection)
    return HdfsStorage(platform if connection is None else _webhdfs(connection))


def fetch_to_inspect(source: str, query: str, mapping: Path | None, folder: Path) -> None:
    """Fetch the first rows of each query, or the files of a storage, into a folder."""
    address = parse_source(source)
    if address.kind != DATABASE:
        url, user = os.environ.get("MARQUEE_WEBHDFS_URL", "http://127.0.0.1:9870"), os.environ.get("MARQUEE_HDFS_USER")
        fetch_objects(storage_of(address, InsecureClient(url, user=user)), address, folder)
        return
    tables = read_mapping(mapping).tables if mapping is not None else {}
    queries = {role: table.query for role, table in tables.items() if table.query}
    if query:
        queries[RATINGS] = query
    if RATINGS not in queries:
        raise IngestError("A database needs a query. Give QUERY='SELECT ...', or a MAPPING with `query` in [ratings].")
    fetch_samples(find_connection(address.connection), queries, folder)


def _webhdfs(connection: Connection) -> InsecureClient:
    scheme = "https" if connection.extra.get("use_ssl") else "http"
    return InsecureClient(
        f"{scheme}://{connection.host}:{connection.port or WEBHDFS_PORT}", user=connection.login or None
    )

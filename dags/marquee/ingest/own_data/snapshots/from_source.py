"""Store the rows of a source that is no local file as the raw snapshot of a batch.

The rows are fetched into a folder first, and read from there as any archive is. So a source that fails half way, or changes
while it is read, leaves nothing in HDFS. A batch is read from its source once: a rerun takes its snapshot as it is, since
the source may have gone on.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tomlkit
from hdfs import InsecureClient

from marquee.ingest.connections import find_connection
from marquee.ingest.errors import IngestError
from marquee.ingest.own_data.inspection.propose import for_further_parts, propose
from marquee.ingest.own_data.snapshots.dictionary import IDS_ROOT
from marquee.ingest.own_data.snapshots.storing import (
    MAPPING_FILE,
    Reading,
    check_name,
    refuse_guesses,
    store_rows,
    working_folder,
)
from marquee.ingest.own_data.sources.address import DATABASE, Address, parse_source
from marquee.ingest.own_data.sources.newer_files import check_since_of_files, choose_files
from marquee.ingest.own_data.sources.objects import Listing, Storage, fetch_objects
from marquee.ingest.own_data.sources.queries import RATINGS, Fetched, fetch_queries
from marquee.ingest.own_data.sources.since import Mark, Since, parse_since
from marquee.ingest.own_data.sources.storages import storage_of
from marquee.ingest.pipeline import check_batch_id, described
from marquee.ingest.reading.containers.opening import members_of_file, open_members
from marquee.ingest.reading.mapping.reading import parse_mapping, read_text
from marquee.ingest.reading.mapping.schema import Mapping
from marquee.ingest.reading.mapping.writing import write_mapping
from marquee.ingest.reading.rows.reader import has_members
from marquee.ingest.snapshot import RAW_ROOT, StoredSnapshot, read_manifest, snapshot_path

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """Hold what a person asks of a source: SOURCE, QUERY and SINCE."""

    address: Address
    query: str = ""
    since: Since | None = None

    @classmethod
    def of(cls, source: str, query: str | None, since: str | None) -> Request:
        """Read the three; raise IngestError for what does not fit."""
        address = parse_source(source)
        if query and address.kind != DATABASE:
            raise IngestError("QUERY is for a database. Leave it out for s3:// and hdfs://.")
        newer = parse_since(since) if since else None
        if newer is not None and address.kind != DATABASE:
            check_since_of_files(newer)
        return cls(address, query or "", newer)

    def asked(self, mapping: str | None) -> dict[str, object]:
        """Return what tells one request from another, for the manifest."""
        since = str(self.since) if self.since else ""
        return {"source": str(self.address), "query": self.query, "since": since, "mapping": mapping}


def ingest_source(
    client: InsecureClient,
    *,
    dataset: str,
    batch_id: str,
    cache_dir: Path,
    request: Request,
    mapping: Path | None,
    limit: float,
    feedback: Path | None = None,
) -> dict[str, Any]:
    """Store a source's rows as the snapshot of ``batch_id``; return its description.

    It is that of ``ingest_own_data``. A batch that has its snapshot is not read again.
    """
    check_batch_id(batch_id)
    check_name(dataset)
    text = None if mapping is None else _with_query(read_text(mapping), mapping.name, request.query)
    asked = request.asked(text)
    stored = read_manifest(client, dataset, batch_id)
    if stored is not None:
        return _as_it_is(stored, dataset, batch_id, asked)
    earlier = _batch_before(client, dataset, batch_id, asked) if request.since and not request.since.value else None
    with working_folder(cache_dir) as folder, working_folder(cache_dir) as fetched_into:
        rules, text, fetched = _fetched(client, request, text, earlier, fetched_into)
        origin: dict[str, object] = {
            "kind": "own data",
            "address": str(request.address),
            "sha256": fetched.sha256,
            "asked": asked,
        }
        if request.since is not None and fetched.mark is not None:
            origin["reached"] = fetched.mark.described()
        before = ""
        if earlier is not None and fetched.goes_on:
            before = str(earlier["stored_in"])
            origin["goes_on_after"] = earlier["batch_id"]
        # A query that returns no row has a file too, without a line.
        is_database = request.address.kind == DATABASE
        members = (
            [member for file in sorted(fetched_into.iterdir()) for member in members_of_file(file, file.name)]
            if is_database
            # No file may be newer than those of the batch before.
            else open_members(fetched_into)
            if any(fetched_into.iterdir())
            else []
        )
        if fetched.goes_on and members and not any(has_members(table, members) for table in rules.tables.values()):
            raise IngestError(
                f"{request.address} has newer files, such as {members[0].name}, but none fits a table of the mapping. "
                f"[ratings] has files = {rules.ratings.files!r}. Correct it, or leave SINCE out."
            )
        return store_rows(
            client, dataset, batch_id, Reading(members, rules, text, limit, before), origin, folder, feedback
        )


def _as_it_is(stored: StoredSnapshot, dataset: str, batch_id: str, asked: dict[str, object]) -> dict[str, Any]:
    manifest = stored.manifest
    if manifest["source"].get("asked") != asked:
        raise IngestError(
            f"{snapshot_path(dataset, batch_id)} already holds other content, and snapshots never change. Use a new batch "
            "id, or give the SOURCE, QUERY, SINCE and MAPPING that this batch was made from."
        )
    LOGGER.info("%s is already stored, and stays as it is", snapshot_path(dataset, batch_id))
    own_data = {"times": manifest["source"]["times"], "ids": f"{IDS_ROOT}/{dataset}"}
    return {**described(stored, dataset, batch_id), "own_data": own_data}


def _batch_before(
    client: InsecureClient, dataset: str, batch_id: str, asked: dict[str, object]
) -> dict[str, Any] | None:
    """Return the manifest of the latest batch before this one that asked for the same."""
    root = f"{RAW_ROOT}/{dataset}"
    if client.status(root, strict=False) is None:
        return None
    for name in sorted((name for name in client.list(root) if not name.startswith(".")), reverse=True):
        found = read_manifest(client, dataset, name) if name < batch_id else None
        if found is not None and found.manifest["source"].get("asked") == asked:
            return found.manifest
    LOGGER.info("No batch of %s before this one was read by SINCE in this way, so that all rows are read", dataset)
    return None


def _fetched(
    client: InsecureClient, request: Request, text: str | None, earlier: dict[str, Any] | None, folder: Path
) -> tuple[Mapping, str, Fetched]:
    address = request.address
    # A proposal may change with its rows, so that the batch before has the mapping to go on with.
    known = text if text is not None else str(earlier["source"]["mapping"]) if earlier is not None else None
    rules = parse_mapping(known, MAPPING_FILE) if known is not None else None
    mark = Mark(**earlier["source"]["reached"]) if earlier is not None else None
    if address.kind != DATABASE:
        fetched = _fetched_files(storage_of(address, client), request, rules, mark, folder)
        if rules is None or known is None:
            rules, known = _proposal(folder, parts_follow=request.since is not None)
        return rules, known, fetched
    connection = find_connection(address.connection)
    queries = (
        {RATINGS: request.query} if rules is None else {role: t.query for role, t in rules.tables.items() if t.query}
    )
    if not queries.get(RATINGS):
        raise IngestError(
            "A database needs a query. Give QUERY='SELECT ...', or a line `query` in [ratings] of a MAPPING."
        )
    fetched = fetch_queries(connection, queries, rules, folder, request.since, mark)
    if rules is not None and known is not None:
        return rules, known, fetched
    return *_proposal(folder, request.query), fetched


def _fetched_files(
    files: Storage, request: Request, rules: Mapping | None, earlier: Mark | None, folder: Path
) -> Fetched:
    """Fetch the files of a storage, or only the newer ones."""
    since = request.since
    if since is None:
        return Fetched(fetch_objects(files, request.address, folder))
    mark: Mark | None = None
    goes_on = False

    def choose(listing: Listing) -> Listing:
        nonlocal mark, goes_on
        chosen, mark, goes_on = choose_files(listing, since, earlier, rules)
        return chosen

    digest = fetch_objects(files, request.address, folder, choose)
    return Fetched(digest, mark, goes_on)


def _proposal(folder: Path, query: str = "", *, parts_follow: bool = False) -> tuple[Mapping, str]:
    """Return the mapping of fetched rows, as `make inspect` proposes it.

    If further parts will follow, a pattern that names them too stands for a single part.
    """
    members = open_members(folder)
    proposal = propose(members)
    refuse_guesses(proposal)
    rules = with_query(proposal.mapping, query)
    if parts_follow:
        rules = for_further_parts(rules, members)
    return rules, write_mapping(rules, proposal.guessed)


def with_query(mapping: Mapping, query: str) -> Mapping:
    """Return a proposal for fetched rows as a mapping for the query."""
    ratings = replace(mapping.ratings, query=query)
    return replace(mapping, tables={**mapping.tables, RATINGS: ratings})


def _with_query(text: str, name: str, query: str) -> str:
    """Return a mapping's text with the query that was given besides."""
    if not query:
        return text
    try:
        document = tomlkit.parse(text)
    except ValueError as error:
        raise IngestError(f"{name} is not TOML: {error}. Correct that line.") from error
    ratings: Any = document.setdefault(RATINGS, tomlkit.table())
    if not isinstance(ratings, dict) or ratings.get("query", query) != query:
        raise IngestError(f"QUERY is given, and {name} has another `query` in [ratings]. Leave one of them out.")
    ratings["query"] = query
    return tomlkit.dumps(document)

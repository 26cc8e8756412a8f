"""Store a person's own data as the raw snapshot of a batch.

The snapshot holds rows with small integers for ids (see dictionary.py), the items, and the mapping that the archive was
read by. So another mapping is another snapshot.
"""

from __future__ import annotations

import logging
import re
import tempfile
from collections.abc import Mapping as Parameters
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from hdfs import InsecureClient

from marquee.ingest.datasets import DATASETS, Dataset
from marquee.ingest.errors import IngestError
from marquee.ingest.inspection import inspect_source
from marquee.ingest.layouts import rows_layout
from marquee.ingest.own_data.containers.members import Member
from marquee.ingest.own_data.containers.opening import open_members
from marquee.ingest.own_data.inspection.propose import propose
from marquee.ingest.own_data.mapping.reading import read_mapping
from marquee.ingest.own_data.mapping.schema import Mapping
from marquee.ingest.own_data.mapping.writing import write_mapping
from marquee.ingest.own_data.snapshots.dictionary import Dictionary
from marquee.ingest.own_data.snapshots.feedback import feedback_line
from marquee.ingest.own_data.snapshots.values import layout_name
from marquee.ingest.own_data.snapshots.writing import Written, write_files
from marquee.ingest.pipeline import check_batch_id, described, ingest
from marquee.ingest.snapshot import store_snapshot
from marquee.ingest.sources.archive import file_checksum, open_source
from marquee.ingest.sources.feedback import join_feedback

LOGGER = logging.getLogger(__name__)
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
# Folders next to the data sets' in HDFS.
TAKEN = frozenset({"reviews"})
MAPPING_FILE = "mapping.toml"
LICENCE = "own data: its owner decides"
NEEDED = ("user", "item")


def own_data_of(params: Parameters[str, Any]) -> str | None:
    """Return the own data that a run's parameters name, or None for MovieLens."""
    name = str(params["dataset"])
    return None if name in DATASETS and not params.get("mapping") else name


def ingest_data(
    client: InsecureClient,
    *,
    dataset: str,
    batch_id: str,
    cache_dir: Path,
    archive: str | Path | None,
    mapping: str | Path | None,
    limit: float,
    feedback: Path | None = None,
) -> dict[str, Any]:
    """Store MovieLens's or own data as a raw snapshot; return its description."""
    given: dict[str, Any] = {"dataset": dataset, "batch_id": batch_id, "cache_dir": cache_dir, "feedback": feedback}
    if dataset in DATASETS and not mapping:
        return ingest(client, archive=archive or None, **given)
    if not archive:
        check_name(dataset)
        raise IngestError(
            f"There is no data set {dataset!r}. Choose one of: {', '.join(DATASETS)}. For data of your own, "
            "give ARCHIVE=path too."
        )
    rules = Path(mapping) if mapping else None
    return ingest_own_data(client, archive=Path(archive), mapping=rules, limit=limit, **given)


def ingest_own_data(
    client: InsecureClient,
    *,
    dataset: str,
    batch_id: str,
    cache_dir: Path,
    archive: Path,
    mapping: Path | None,
    limit: float,
    feedback: Path | None = None,
) -> dict[str, Any]:
    """Store an archive as the raw snapshot of ``batch_id``; return its description.

    It has the keys of ``marquee.ingest.pipeline.ingest``, and ``own_data``: whether rows have times, and the dictionary's
    folder in HDFS. ``mapping`` is a file that a person wrote; without one the proposal of `make inspect` counts.
    Raise IngestError for what cannot be read, and if more than ``limit`` of the rows break a rule.
    """
    check_batch_id(batch_id)
    check_name(dataset)
    members = open_members(archive)
    rules, text = mapping_of(members, mapping)
    with ExitStack() as stack:
        cache_dir.mkdir(parents=True, exist_ok=True)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=".own-data-", dir=cache_dir)))
        (folder / MAPPING_FILE).write_text(text, encoding="utf-8")
        written, numbers = _numbered(client, dataset, members, rules, folder, limit)
        described_set = Dataset(dataset, rows_layout(layout_name(rules)), archive=None, licence=LICENCE)
        source, provenance = open_source(folder), _provenance(archive, text, written)
        if feedback is not None:
            joining = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=".joining-", dir=feedback.parent)))
            own_line = partial(feedback_line, numbers.items)
            joined = join_feedback(source, described_set, feedback, joining, own_line)
            source, described_set, provenance["feedback"] = joined
        facts = inspect_source(source, described_set, str(archive))
        stored = store_snapshot(client, described_set, batch_id, source, facts, provenance)
    return {**described(stored, dataset, batch_id), "own_data": {"times": written.timed, "ids": numbers.folder}}


def check_name(name: str) -> None:
    """Raise IngestError if a person may not give own data this name."""
    if name in DATASETS:
        raise IngestError(
            f"{name} is a data set of MovieLens, and a mapping is for own data. Give your data another name: "
            "make run DATASET=my-shop ARCHIVE=path MAPPING=mapping.toml."
        )
    if NAME.fullmatch(name) is None or name in TAKEN:
        raise IngestError(
            f"Own data cannot be named {name[:80]!r}. Give up to 63 small letters, digits, '.', '_' and '-', "
            f"not {' or '.join(sorted(TAKEN))}."
        )


def mapping_of(members: list[Member], path: Path | None) -> tuple[Mapping, str]:
    """Return the mapping and its text; raise IngestError if it would be a mere guess."""
    if path is not None:
        return read_mapping(path), path.read_text(encoding="utf-8")
    proposal = propose(members)
    unsure = [role for role in NEEDED if ("ratings.columns", role) in proposal.guessed]
    if unsure:
        raise IngestError(
            f"Which column is the {' and which is the '.join(unsure)} is only guessed. Write the mapping by "
            "`make inspect ARCHIVE=...`, correct it, and give it as MAPPING=mapping.toml."
        )
    for (table, key), why in proposal.guessed.items():
        LOGGER.warning("%s.%s is guessed: %s. A mapping decides it.", table, key, why)
    return proposal.mapping, write_mapping(proposal.mapping, proposal.guessed)


def _numbered(
    client: InsecureClient, dataset: str, members: list[Member], mapping: Mapping, folder: Path, limit: float
) -> tuple[Written, Dictionary]:
    """Write the files by the dictionary, and store what is new in it."""
    while True:
        numbers = Dictionary(client, dataset)
        written = write_files(members, mapping, numbers, folder)
        written.refuse_many_rejected(limit)
        if numbers.store():
            LOGGER.info(
                "%s users and %s items have numbers in %s", len(numbers.users), len(numbers.items), numbers.folder
            )
            return written, numbers
        LOGGER.info("Another run added ids to %s meanwhile; the rows are numbered again", numbers.folder)


def _provenance(archive: Path, text: str, written: Written) -> dict[str, object]:
    # The manifest must not depend on the machine's folders: a rerun on another machine gives the same bytes.
    return {
        "kind": "own data",
        "address": archive.name,
        "sha256": None if archive.is_dir() else file_checksum(archive, "sha256"),
        "mapping": text,
        "rows": {"kept": written.kept, "seen": written.seen, "rejected": written.rejected},
        "rejected": dict(sorted(written.reasons.items())),
        "times": written.timed,
    }

"""Write the rows of own data into a snapshot, with a number for each id."""

from __future__ import annotations

import logging
import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from hdfs import InsecureClient

from marquee.ingest.datasets import DATASETS
from marquee.ingest.errors import IngestError
from marquee.ingest.inspection import DOCUMENTATION, DataFile, inspect_files
from marquee.ingest.own_data.inspection.propose import Proposal, propose
from marquee.ingest.own_data.snapshots.dictionary import Dictionary
from marquee.ingest.own_data.snapshots.feedback import feedback_line
from marquee.ingest.own_data.snapshots.values import layout_name
from marquee.ingest.own_data.snapshots.writing import ITEMS_FILE, RATINGS_FILE, EarlierLines, Written, write_files
from marquee.ingest.pipeline import described
from marquee.ingest.reading.containers.members import Member
from marquee.ingest.reading.containers.opening import plain_file
from marquee.ingest.reading.limits import CHUNK_BYTES
from marquee.ingest.reading.mapping.reading import parse_mapping, read_text
from marquee.ingest.reading.mapping.schema import Mapping
from marquee.ingest.reading.mapping.writing import write_mapping
from marquee.ingest.snapshot import store_snapshot
from marquee.ingest.sources.feedback import join_feedback

LOGGER = logging.getLogger(__name__)
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
# Folders next to the data sets' in HDFS.
TAKEN = frozenset({"reviews"})
MAPPING_FILE = "mapping.toml"
LICENCE = "own data: its owner decides"
NEEDED = ("user", "item")


@dataclass(frozen=True)
class Reading:
    """Hold files and how they are read.

    ``text`` is the mapping's. More than ``limit`` of the rows may not break a rule. ``earlier`` is the HDFS folder of a
    snapshot whose rows come first.
    """

    members: list[Member]
    mapping: Mapping
    text: str
    limit: float
    earlier: str = ""


@contextmanager
def working_folder(cache_dir: Path) -> Iterator[Path]:
    """Make a folder for the time of an ingest."""
    cache_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".own-data-", dir=cache_dir) as folder:
        yield Path(folder)


def store_rows(
    client: InsecureClient,
    dataset: str,
    batch_id: str,
    reading: Reading,
    origin: dict[str, object],
    folder: Path,
    feedback: Path | None,
) -> dict[str, Any]:
    """Store the rows as the batch's snapshot; return its description.

    The files are written into ``folder`` first, which is empty.
    """
    with ExitStack() as stack:
        (folder / MAPPING_FILE).write_text(reading.text, encoding="utf-8")
        written, numbers = _numbered(client, dataset, reading, folder)
        files, provenance = _files(folder, reading.mapping), {**origin, **_rows_part(reading.text, written)}
        if feedback is not None:
            joining = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=".joining-", dir=feedback.parent)))
            own_line = partial(feedback_line, numbers.items)
            files, provenance["feedback"] = join_feedback(files, dataset, feedback, joining, own_line)
        facts = inspect_files(files, str(origin["address"]))
        stored = store_snapshot(client, dataset, batch_id, files, facts, provenance, LICENCE)
    return {**described(stored, dataset, batch_id), "own_data": {"times": written.timed, "ids": numbers.folder}}


def _files(folder: Path, mapping: Mapping) -> list[DataFile]:
    """Return what ingest has written into a folder, as the cleaning jobs read it."""
    tables = {"ratings": RATINGS_FILE, "movies": ITEMS_FILE}
    return [
        *(
            DataFile(name, role, plain_file(folder / name, name), layout_name(mapping), required=True)
            for role, name in tables.items()
        ),
        DataFile(MAPPING_FILE, DOCUMENTATION, plain_file(folder / MAPPING_FILE, MAPPING_FILE)),
    ]


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
        text = read_text(path)
        return parse_mapping(text, path.name), text
    proposal = propose(members)
    refuse_guesses(proposal)
    return proposal.mapping, write_mapping(proposal.mapping, proposal.guessed)


def refuse_guesses(proposal: Proposal) -> None:
    """Raise IngestError if user or item is a mere guess, and log what else is."""
    unsure = [role for role in NEEDED if ("ratings.columns", role) in proposal.guessed]
    if unsure:
        raise IngestError(
            f"Which column is the {' and which is the '.join(unsure)} is only guessed. Write the mapping by "
            "`make inspect ARCHIVE=...`, correct it, and give it as MAPPING=mapping.toml."
        )
    for (table, key), why in proposal.guessed.items():
        LOGGER.warning("%s.%s is guessed: %s. A mapping decides it.", table, key, why)


def _numbered(client: InsecureClient, dataset: str, reading: Reading, folder: Path) -> tuple[Written, Dictionary]:
    """Write the files by the dictionary, and store what is new in it."""
    while True:
        numbers = Dictionary(client, dataset)
        written = write_files(reading.members, reading.mapping, numbers, folder, earlier_lines(client, reading.earlier))
        if not reading.earlier or written.kept + written.rejected:
            written.refuse_many_rejected(reading.limit)
        if numbers.store():
            LOGGER.info(
                "%s users and %s items have numbers in %s", len(numbers.users), len(numbers.items), numbers.folder
            )
            return written, numbers
        LOGGER.info("Another run added ids to %s meanwhile; the rows are numbered again", numbers.folder)


def earlier_lines(client: InsecureClient, snapshot: str) -> EarlierLines | None:
    """Return what opens the files of an earlier snapshot, or None."""
    if not snapshot:
        return None

    @contextmanager
    def opened(name: str) -> Iterator[Iterator[bytes]]:
        with client.read(f"{snapshot}/{name}") as reader:
            yield whole_lines(iter(lambda: reader.read(CHUNK_BYTES), b""))

    return opened


def whole_lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield blocks of whole lines of a file that ends with a line's end."""
    rest = b""
    for chunk in chunks:
        block, found, after = chunk.rpartition(b"\n")
        if found:
            yield rest + block + found
        rest = after if found else rest + after
    if rest:
        yield rest


def _rows_part(text: str, written: Written) -> dict[str, object]:
    return {
        "mapping": text,
        "rows": {"kept": written.kept, "seen": written.seen, "rejected": written.rejected},
        "rejected": dict(sorted(written.reasons.items())),
        "times": written.timed,
    }

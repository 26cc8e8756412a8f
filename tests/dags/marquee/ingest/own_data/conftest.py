"""Read an archive by the mapping that inspect proposes, as a run does."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from marquee.ingest.own_data.inspection.propose import propose
from marquee.ingest.own_data.inspection.tried import shown_row
from marquee.ingest.reading.containers.opening import open_members
from marquee.ingest.reading.mapping.reading import parse_mapping
from marquee.ingest.reading.mapping.schema import Mapping
from marquee.ingest.reading.mapping.writing import write_mapping
from marquee.ingest.reading.rows.reader import read_rows

sys.path.insert(0, str(Path(__file__).parent))

Read = Callable[[Path], tuple[Mapping, list[tuple[str, ...]], list[tuple[int, str]]]]


def rows_by(path: Path, mapping: Mapping) -> tuple[list[tuple[str, ...]], list[tuple[int, str]]]:
    kept: list[tuple[str, ...]] = []
    rejected: list[tuple[int, str]] = []
    for _, rows in read_rows(open_members(path), mapping):
        kept += [shown_row(rows, place) for place in range(len(rows))]
        rejected += [(row.number, row.reason) for row in rows.rejected]
    return kept, rejected


@pytest.fixture
def proposed_rows() -> Read:
    """Return mapping, kept rows and rejected rows of an archive: proposed, written, read back, applied."""

    def read(path: Path) -> tuple[Mapping, list[tuple[str, ...]], list[tuple[int, str]]]:
        proposal = propose(open_members(path))
        mapping = parse_mapping(write_mapping(proposal.mapping, proposal.guessed), "mapping.toml")
        return mapping, *rows_by(path, mapping)

    return read

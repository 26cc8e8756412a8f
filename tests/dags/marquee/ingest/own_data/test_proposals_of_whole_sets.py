"""Propose a mapping for a whole set of each shape, with the files that stand next to the ratings, and keep all rows."""

from pathlib import Path

import pytest
from marquee.ingest.own_data.inspection.propose import propose
from marquee.ingest.own_data.snapshots.dictionary import Numbers
from marquee.ingest.own_data.snapshots.items import item_lines
from marquee.ingest.reading.containers.opening import open_members
from marquee.ingest.reading.mapping.reading import parse_mapping
from marquee.ingest.reading.mapping.writing import write_mapping
from marquee.ingest.reading.rows.reader import read_rows

from tests.shapes import movielens
from tests.shapes.every import SHAPES

# MovieLens's own layouts need no mapping; a person may copy such files under another name.
OLDER = {"ml-100k": movielens.hundred_thousand, "ml-1m": movielens.one_million}


@pytest.mark.parametrize("shape", [*SHAPES, *OLDER])
def test_every_row_is_kept_for_its_own_user_and_item_and_titles_are_found(shape: str, tmp_path: Path) -> None:
    data = (SHAPES | OLDER)[shape](tmp_path)
    members = open_members(data.archive)
    proposal = propose(members)
    mapping = parse_mapping(data.corrected(write_mapping(proposal.mapping, proposal.guessed)), "mapping.toml")
    seen: dict[str, set[str]] = {}
    kept = marks = 0
    rejected = []
    for _, rows in read_rows(members, mapping):
        kept += len(rows)
        marks += int(rows.seen.sum())
        rejected += rows.rejected
        for user, item in zip(rows.users, rows.items, strict=True):
            seen.setdefault(user, set()).add(item)
    assert rejected[:3] == []
    assert (kept, marks) == (data.rows, data.marks)
    assert seen == data.seen
    assert ("time" in mapping.ratings.columns) is data.timed
    numbers = Numbers("item")
    described = [
        (number, *line.decode().rstrip("\n").split("\t")) for number, line in item_lines(members, mapping, numbers)
    ]
    items = {numbers.own_id(number): fields for number, _, *fields in described}
    assert {item: items[item][0] for item in data.titles} == data.titles
    assert {item: items[item][1] for item in data.years} == data.years
    assert {item: set(items[item][2].split("|")) for item in data.genres} == data.genres

"""Read a sample by a mapping, as a run would read the whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice

import numpy as np

from marquee.ingest.errors import IngestError
from marquee.ingest.own_data.inspection.tables import FoundTable, look_at
from marquee.ingest.reading.containers.members import Member
from marquee.ingest.reading.mapping.schema import Mapping
from marquee.ingest.reading.rows.normalise import Rows, normalise
from marquee.ingest.reading.rows.reader import blocks_of_lines, members_of, read_blocks
from marquee.ingest.reading.shapes.raw import Block, Rejected

ROWS_SHOWN = 10
PARQUET_BLOCKS = 2


@dataclass
class Tried:
    """Hold what became of a sample's rows."""

    kept: int = 0
    seen: int = 0
    rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    examples: dict[str, Rejected] = field(default_factory=dict)
    first_rows: list[tuple[str, ...]] = field(default_factory=list)
    lowest_time: int | None = None
    highest_time: int | None = None
    users: set[str] = field(default_factory=set)
    items: set[str] = field(default_factory=set)

    @property
    def total(self) -> int:
        """Return the number of rows read."""
        return self.kept + self.rejected

    @property
    def share_rejected(self) -> float:
        """Return which part of the rows is rejected."""
        return self.rejected / self.total if self.total else 0.0

    @property
    def span(self) -> str:
        """Return the first and last day of the sample, or nothing."""
        if self.lowest_time is None or self.highest_time is None:
            return ""
        first, last = (datetime.fromtimestamp(time, UTC).date() for time in (self.lowest_time, self.highest_time))
        return f"{first} to {last}"

    def add(self, rows: Rows) -> None:
        """Count a block's rows."""
        self.kept += len(rows)
        self.rejected += len(rows.rejected)
        self.seen += int(rows.seen.sum())
        self.users.update(rows.users)
        self.items.update(rows.items)
        for row in rows.rejected:
            self.reasons[row.reason] += 1
            self.examples.setdefault(row.reason, row)
        timed = rows.times[rows.times >= 0]
        if len(timed):
            self.lowest_time = min(int(timed.min()), self.lowest_time if self.lowest_time is not None else 1 << 62)
            self.highest_time = max(int(timed.max()), self.highest_time or 0)
        for place in range(min(len(rows), ROWS_SHOWN - len(self.first_rows))):
            self.first_rows.append(shown_row(rows, place))


def shown_row(rows: Rows, place: int) -> tuple[str, ...]:
    """Return a row's cells as text: user, item, value, time, event."""
    value, time = rows.values[place], int(rows.times[place])
    text = "seen" if rows.seen[place] else "" if np.isnan(value) else f"{value:g}"
    when = datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%S") if time >= 0 else ""
    return rows.users[place], rows.items[place], text, when, rows.events[place]


def try_mapping(members: list[Member], mapping: Mapping, found: FoundTable | None = None) -> Tried:
    """Return what becomes of a sample from start, middle and end of the first file.

    ``found`` is that file's sample, if it was taken before.
    """
    tried = Tried()
    for block in _sampled(members_of(mapping.ratings, members)[0], mapping, found):
        tried.add(normalise(block, mapping))
    if not tried.total:
        raise IngestError(
            f"{mapping.ratings.files} has no row that the mapping reads. "
            "Correct its encoding, shape, delimiter or header, or give another file."
        )
    return tried


def _sampled(member: Member, mapping: Mapping, found: FoundTable | None) -> Iterator[Block]:
    table = mapping.ratings
    if table.shape == "parquet":
        yield from islice(read_blocks(member, table), PARQUET_BLOCKS)
        return
    found = found or look_at(member, table.encoding)
    if found is not None:
        yield from blocks_of_lines([found.lines], table, member.name)

"""Write an archive's rows, read by its mapping, as the two files of a snapshot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv

from marquee.ingest.errors import IngestError
from marquee.ingest.own_data.snapshots.dictionary import Dictionary
from marquee.ingest.own_data.snapshots.items import item_line, item_lines
from marquee.ingest.own_data.snapshots.rejected import rejected_line, shown
from marquee.ingest.own_data.snapshots.values import value_texts
from marquee.ingest.reading.containers.members import Member
from marquee.ingest.reading.mapping.schema import Mapping
from marquee.ingest.reading.rows.advice import advice_for
from marquee.ingest.reading.rows.normalise import NO_TIME, Rows
from marquee.ingest.reading.rows.reader import has_members, read_rows
from marquee.ingest.reading.shapes.raw import Rejected

RATINGS_FILE, ITEMS_FILE = "ratings.tsv", "movies.tsv"
LONGEST_EXAMPLE = 120
REASONS_SHOWN = 3
# In a file of a few rows one bad row would be a large share.
FEWEST_ROWS = 20
# Opens a file of an earlier snapshot as blocks of whole lines.
EarlierLines = Callable[[str], AbstractContextManager[Iterator[bytes]]]
WITHOUT_QUOTES = arrow_csv.WriteOptions(include_header=False, delimiter="\t", quoting_style="none")


@dataclass
class Written:
    """Count what became of the rows of the ratings' table."""

    kept: int = 0
    seen: int = 0
    rejected: int = 0
    timed: bool = False
    reasons: Counter[str] = field(default_factory=Counter)
    examples: dict[str, Rejected] = field(default_factory=dict)

    def refuse_many_rejected(self, limit: float) -> None:
        """Raise IngestError if more than this share of the rows is rejected, or all are."""
        total = self.kept + self.rejected
        if total == 0:
            raise IngestError("The file of ratings has no row. Check `files` in [ratings] of the mapping.")
        if self.kept and (self.rejected / total <= limit or total < FEWEST_ROWS):
            return
        said = " ".join(
            f"{count} {reason}, such as row {self.examples[reason].number}, "
            f"{shown(self.examples[reason].text[:LONGEST_EXAMPLE])!r}. {advice_for(reason)}"
            for reason, count in sorted(self.reasons.items(), key=lambda pair: (-pair[1], pair[0]))[:REASONS_SHOWN]
        )
        raise IngestError(
            f"{self.rejected} of {total} rows ({self.rejected / total:.1%}) break a rule, and {limit:.0%} may. {said} "
            "Look again by `make inspect ARCHIVE=... MAPPING=...`."
        )


def write_files(
    members: list[Member],
    mapping: Mapping,
    numbers: Dictionary,
    folder: Path,
    earlier: EarlierLines | None = None,
) -> Written:
    """Write ratings.tsv and movies.tsv; memory holds one block and the ids.

    With ``earlier``, the lines of an earlier snapshot come first. Its items stay, unless these rows describe them.
    """
    written = Written(timed="time" in mapping.ratings.columns)
    rated: set[int] = set()
    with (folder / RATINGS_FILE).open("wb") as file:
        if earlier is not None:
            with earlier(RATINGS_FILE) as blocks:
                file.writelines(blocks)
        # No file or row may be newer than those of the earlier snapshot.
        newer = earlier is None or has_members(mapping.ratings, members)
        for name, rows in read_rows(members, mapping) if newer else ():
            rated.update(_write_rows(file, rows, mapping, numbers))
            for rejected in rows.rejected:
                file.write(rejected_line(name, rejected))
                written.reasons[rejected.reason] += 1
                written.examples.setdefault(rejected.reason, rejected)
            written.kept += len(rows)
            written.seen += int(rows.seen.sum())
            written.rejected += len(rows.rejected)
    _write_items(members, mapping, numbers, folder / ITEMS_FILE, rated, earlier)
    return written


def _write_rows(file: BinaryIO, rows: Rows, mapping: Mapping, numbers: Dictionary) -> set[int]:
    """Write a block's rows; return the numbers of its items."""
    if not len(rows):
        return set()
    items = numbers.items.of(rows.items)
    times = np.where(rows.times == NO_TIME, "", rows.times.astype(str))
    columns = {
        "user": pa.array(numbers.users.of(rows.users)),
        "item": pa.array(items),
        "value": value_texts(rows, mapping),
        "time": pa.array(times.tolist(), pa.string()),
    }
    arrow_csv.write_csv(pa.table(columns), file, WITHOUT_QUOTES)
    return set(np.unique(items).tolist())


def _write_items(
    members: list[Member],
    mapping: Mapping,
    numbers: Dictionary,
    path: Path,
    rated: set[int],
    earlier: EarlierLines | None,
) -> None:
    """Write the items' table, then the other items.

    Those of an earlier snapshot come first, then the rated ones by their ids.
    """
    described: set[int] = set()
    with path.open("wb") as file:
        for number, line in item_lines(members, mapping, numbers.items):
            described.add(number)
            file.write(line)
        if earlier is not None:
            with earlier(ITEMS_FILE) as blocks:
                for line in (line for block in blocks for line in block.splitlines(keepends=True)):
                    number = int(line.split(b"\t", 1)[0]) if line[:1] != b"!" else 0
                    # The items' table is read whole each time, its rejected rows too.
                    if number and number not in described:
                        described.add(number)
                        file.write(line)
        for number in sorted(rated - described):
            file.write(item_line(number, numbers.items.own_id(number), "", "", []))

"""Write a rating of the accounts service as a row of a snapshot of own data."""

from __future__ import annotations

from marquee.ingest.own_data.snapshots.dictionary import Numbers
from marquee.ingest.own_data.snapshots.rejected import rejected_line
from marquee.ingest.reading.shapes.raw import Rejected

FILE = "ratings.csv"


def feedback_line(items: Numbers, number: int, row: list[str]) -> str:
    """Return the line of a row: user, own id of the item, stars, time.

    The dictionary may have been made again without the item. Such a row is rejected, so that the cleaning job counts it.
    """
    user, own_id, stars, time = row
    item = items.known(own_id)
    if item is None:
        return rejected_line(FILE, Rejected(number, "rejected_by_ingest", ",".join(row))).decode()
    return f"{user}\t{item}\t{stars}\t{time}\n"

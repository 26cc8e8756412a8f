"""Read a wide matrix: one row a user, one column an item, a mark where there is no rating."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from marquee.ingest.reading.shapes.raw import Block


def unfold(block: Block, items: list[str], marks: frozenset[str]) -> Block:
    """Return one row for each cell without a mark of ``marks``.

    ``block`` has a column for each item, named by its place, and may have ``user``. Without it the row's number in the
    file is the user.
    """
    count, width = len(block.numbers), len(items)
    cells = [block.columns[str(place)] for place in range(width)]
    values = pa.concat_arrays(cells).to_numpy(zero_copy_only=False) if cells else np.empty(0, object)
    by_row = values.reshape(width, count).T.reshape(-1)  # row by row, as the file has them
    kept = np.array([value is not None and value.strip() not in marks for value in by_row], dtype=bool)
    users = block.columns.get("user", pa.array([str(number) for number in block.numbers], pa.string()))
    rows = np.repeat(np.arange(count), width)[kept]
    return Block(
        {
            "user": users.take(pa.array(rows)),
            "item": pa.array(np.tile(np.array(items, dtype=object), count)[kept], pa.string()),
            "value": pa.array(by_row[kept], pa.string()),
        },
        np.repeat(block.numbers, width)[kept],
        block.text_of,
        block.rejected,
    )


def unfolded(blocks: Iterator[Block], items: list[str], marks: frozenset[str]) -> Iterator[Block]:
    """Yield each block unfolded."""
    for block in blocks:
        yield unfold(block, items, marks)

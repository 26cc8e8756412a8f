"""Define a block of rows as they stand in a file: columns of text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

Numbers = np.ndarray[tuple[int], np.dtype[np.int64]]


@dataclass(frozen=True)
class Rejected:
    """Hold a row that is not kept: its number in the file from 1, why, and its text."""

    number: int
    reason: str
    text: str


@dataclass
class Block:
    """Hold rows as columns of text, with the number of each row in its file.

    ``columns`` has the roles that the mapping names. A missing field is null. ``text_of`` returns a row's own text.
    """

    columns: dict[str, pa.Array]
    numbers: Numbers
    text_of: Callable[[int], str]
    rejected: list[Rejected] = field(default_factory=list)


def block_of(
    rows: list[tuple[int, tuple[str | None, ...], str]], roles: tuple[str, ...], rejected: list[Rejected]
) -> Block:
    """Return a block of rows that were read one by one.

    A row is its number, its fields in the order of ``roles``, and its text.
    """
    values = list(zip(*(fields for _, fields, _ in rows), strict=True)) if rows else [()] * len(roles)
    texts = {number: text for number, _, text in rows}
    return Block(
        {role: pa.array(column, pa.string()) for role, column in zip(roles, values, strict=True)},
        np.array([number for number, _, _ in rows], dtype=np.int64),
        lambda number: texts[number],
        rejected,
    )

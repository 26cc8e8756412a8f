"""Read SINCE: which rows of a source are newer than those that ingest has."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from marquee.ingest.errors import IngestError

WHOLE = re.compile(r"-?[0-9]{1,18}")


@dataclass(frozen=True)
class Since:
    """Name a column that only grows, and the value above which rows are read.

    Without ``value``, a batch goes on where the data set's batch before it ended.
    """

    column: str
    value: str = ""

    def __str__(self) -> str:
        """Return it as a person writes it."""
        return f"{self.column}:{self.value}" if self.value else self.column


@dataclass(frozen=True)
class Mark:
    """Say how far a batch has read.

    ``until`` is the column's greatest value, and ``rows`` how many rows there are up to it. Of files, it is the last name,
    their number, and a digest of their ``listing``.
    """

    until: str
    rows: int
    listing: str = ""

    def described(self) -> dict[str, object]:
        """Return it as a manifest has it."""
        return {"until": self.until, "rows": self.rows, **({"listing": self.listing} if self.listing else {})}


def parse_since(text: str) -> Since:
    """Return the column and the value of ``column`` or ``column:value``."""
    column, colon, value = (part.strip() for part in text.partition(":"))
    if not column or (colon and not value):
        raise IngestError(
            f"SINCE is {text[:80]!r}. Give a column that only grows, such as `id`, or a column and a value, such as "
            "`rated_at:2026-11-01`."
        )
    return Since(column, value)


def as_parameter(value: str) -> int | str:
    """Return a value as a database compares it with its column."""
    return int(value) if WHOLE.fullmatch(value) else value


def as_mark(value: Any) -> str:
    """Return the text of a column's greatest value."""
    if isinstance(value, datetime):
        return (value.astimezone(UTC) if value.tzinfo else value).isoformat(sep=" ")
    return value.isoformat() if isinstance(value, date) else str(value)

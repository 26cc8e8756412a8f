"""Find out how a sample of lines separates and quotes its fields."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

MOST_LINES = 400
# In this order where two fit equally well. A blank stands within titles and times too, so it comes last.
DELIMITERS = ("\t", ";", "::", ",", "|", "\x01", "^", " ")
STAND_IN = "\x1f"  # csv needs one character where a file has two colons
# csv's own limit of 128 KiB would be an unwanted extra rule: a line's limit bounds its fields.
csv.field_size_limit(1 << 30)


@dataclass(frozen=True)
class Dialect:
    """Describe how a file separates and quotes its fields.

    ``quote`` is empty if a quote is a character like any other. ``escape`` is 'doubled' or 'backslash'.
    """

    delimiter: str
    quote: str = ""
    escape: str = "doubled"


@dataclass(frozen=True)
class FoundDialect:
    """Hold a dialect, its number of fields, and the share of lines that have it."""

    dialect: Dialect
    fields: int
    share: float

    @property
    def sure(self) -> bool:
        """Return whether nearly all lines agree."""
        return self.share >= 0.95 and self.fields > 1


def split_line(line: str, dialect: Dialect) -> list[str]:
    """Return the fields of one line; raise csv.Error for quotes that do not fit.

    Raise csv.Error 'unexpected end of data' if a quoted field goes on in the next line.
    """
    text, delimiter = line, dialect.delimiter
    if not dialect.quote or dialect.quote not in line:
        return line.split(delimiter)
    if len(delimiter) > 1:
        text, delimiter = line.replace(delimiter, STAND_IN), STAND_IN
    backslash = dialect.escape == "backslash"
    rows = list(
        csv.reader(
            [text],
            delimiter=delimiter,
            quotechar=dialect.quote,
            doublequote=not backslash,
            escapechar="\\" if backslash else None,
            skipinitialspace=delimiter != " ",
            strict=True,
        )
    )
    return rows[0] if rows else [""]


def rows_of(lines: list[str], dialect: Dialect) -> Iterator[list[str] | None]:
    """Yield each row's fields, or None for lines that cannot be split.

    A quoted field may span lines.
    """
    held = ""
    for number, line in enumerate(lines):
        text = f"{held}\n{line}" if held else line
        try:
            row = split_line(text, dialect)
        except csv.Error as error:
            if "unexpected end of data" in str(error) and text.count("\n") < 50 and number + 1 < len(lines):
                held = text
                continue
            held = ""
            yield None
            continue
        held = ""
        yield row


def find_dialect(lines: list[str]) -> FoundDialect:
    """Return the dialect in which most lines have the same number of fields."""
    lines = [line for line in lines[:MOST_LINES] if line.strip()]
    found = [_measured(lines, dialect) for delimiter in DELIMITERS for dialect in _dialects(lines, delimiter)]
    # A line with one field agrees with every delimiter. A blank may agree by chance.
    several = [one for one in found if one.fields > 1] or found
    good = [one for one in several if one.share >= 0.9 and one.dialect.delimiter != " "]
    if good:
        best_share = max(one.share for one in good)
        return max((one for one in good if one.share >= best_share - 0.03), key=_worth)
    return max(several, key=lambda one: (round(one.share, 2), one.fields > 1, -DELIMITERS.index(one.dialect.delimiter)))


def _worth(found: FoundDialect) -> tuple[float, int, float]:
    return (found.fields, -DELIMITERS.index(found.dialect.delimiter), found.share)


def _dialects(lines: list[str], delimiter: str) -> list[Dialect]:
    quotes = [quote for quote in ('"', "'") if _encloses(lines, delimiter, quote)]
    if not quotes:
        return [Dialect(delimiter)]
    dialects = [Dialect(delimiter, quotes[0])]
    if any(f"\\{quotes[0]}" in line for line in lines):
        # The same lines may be readable both ways; where they are, the doubled quote is the standard's.
        dialects.append(Dialect(delimiter, quotes[0], "backslash"))
    return [max((_measured(lines, dialect) for dialect in dialects), key=lambda one: one.share).dialect]


def _encloses(lines: list[str], delimiter: str, quote: str) -> bool:
    """Return whether fields begin and end with the quote."""
    begins = ends = 0
    for line in lines:
        for field in line.split(delimiter):
            field = field.strip()
            begins += field.startswith(quote)
            ends += field.endswith(quote)
    return begins > 0 and ends > 0 and begins <= 2 * ends <= 4 * begins and (quote == '"' or begins >= len(lines) / 2)


def _measured(lines: list[str], dialect: Dialect) -> FoundDialect:
    counts: Counter[int] = Counter()
    failed = 0
    for row in rows_of(lines, dialect):
        if row is None:
            failed += 1
        else:
            counts[len(row)] += 1
    if not counts:
        return FoundDialect(dialect, 1, 0.0)
    fields, times = counts.most_common(1)[0]
    return FoundDialect(dialect, fields, times / (sum(counts.values()) + failed))

"""Cron expressions, as Airflow takes them: five fields, or a name such as @daily."""

from __future__ import annotations

import re

ALLOWED = "a cron expression of five fields, such as `0 3 * * *`, or @hourly, @daily, @weekly, @monthly or @yearly"
_NAMED = ("@hourly", "@daily", "@weekly", "@monthly", "@yearly")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
# Least and greatest number of each field, and the names that stand for numbers, the first for the least.
_FIELDS: tuple[tuple[int, int, tuple[str, ...]], ...] = (
    (0, 59, ()),
    (0, 23, ()),
    (1, 31, ()),
    (1, 12, _MONTHS),
    (0, 7, _DAYS),
)
_PART = re.compile(r"(?:\*|([0-9]{1,2}|[a-z]{3})(?:-([0-9]{1,2}|[a-z]{3}))?)(?:/([1-9][0-9]?))?", re.ASCII)


def _number(text: str, least: int, names: tuple[str, ...]) -> int:
    if text.isdigit():
        return int(text)
    return names.index(text) + least if text in names else -1


def _part_is_valid(part: str, least: int, greatest: int, names: tuple[str, ...]) -> bool:
    found = _PART.fullmatch(part)
    if not found:
        return False
    ends = [_number(text, least, names) for text in found.group(1, 2) if text is not None]
    return all(least <= end <= greatest for end in ends)


def is_valid(text: str) -> bool:
    """Return whether Airflow can schedule by this expression."""
    if text in _NAMED:
        return True
    fields = text.lower().split(" ")
    return len(fields) == len(_FIELDS) and all(
        _part_is_valid(part, *limits)
        for field, limits in zip(fields, _FIELDS, strict=True)
        for part in field.split(",")
    )

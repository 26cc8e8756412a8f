"""Tell units and forms of time, and read times as Unix seconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime

UNITS = {"seconds": 1, "milliseconds": 1_000, "microseconds": 1_000_000, "nanoseconds": 1_000_000_000}
PATTERNS = (
    *("%Y%m%d", "%Y/%m/%d", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y.%m.%d", "%d.%m.%Y", "%d.%m.%Y %H:%M:%S"),
    *("%m %d, %Y", "%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d-%b-%Y", "%d %B %Y", "%Y%m%d%H%M%S"),
    *("%m/%d/%Y", "%d/%m/%Y", "%m/%d/%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M"),
    *("%d-%m-%Y", "%m-%d-%Y", "%a %b %d %H:%M:%S %Y", "%a %b %d %H:%M:%S %z %Y"),
    *("%d.%m.%Y %H:%M", "%Y.%m.%d %H:%M:%S", "%Y.%m.%d %H:%M", "%d-%m-%Y %H:%M:%S", "%d-%m-%Y %H:%M"),
    *("%m/%d/%Y %I:%M %p", "%d/%m/%Y %I:%M %p", "%m/%d/%Y %I:%M:%S %p", "%d/%m/%Y %I:%M:%S %p"),
    *("%Y-%m-%d %H:%M:%S UTC", "%Y-%m-%d %H:%M:%S.%f UTC", "%Y-%m-%d %H:%M:%S %z", "%Y-%m-%d %H:%M:%S %z UTC"),
    *("%a, %d %b %Y %H:%M:%S %z", "%a, %d %b %Y %H:%M:%S GMT", "%b %d, %Y, %I:%M %p", "%b %d, %Y %H:%M:%S"),
)
NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?([eE]\+?[0-9]{1,2})?")
MISSING = frozenset({"", "\\N", "NULL", "null", "NaN", "nan", "None", "NaT", "<NA>", "NA", "N/A"})
LONGEST_PATTERN = 100
FEW = 40
# Why the form that is proposed is a guess.
OTHER_ORDERS = "other orders of day and month fit too"
LATEST = 253_402_300_799  # 9999-12-31T23:59:59Z
# Numbers from 1980 to 2100 in each unit do not overlap.
EARLIEST_GUESS, LATEST_GUESS = 315_532_800, 4_102_444_800


def is_pattern(unit: str) -> bool:
    """Return whether strptime reads times by this pattern."""
    if len(unit) > LONGEST_PATTERN:
        return False
    moment = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)
    try:
        datetime.strptime(moment.strftime(unit), unit)
    except ValueError:
        return False
    return True


def unit_of_times(values: list[str]) -> tuple[str, bool] | None:
    """Return the unit or form of nearly all values, and whether only it fits, or None.

    That is a key of UNITS, 'iso', or a pattern of strptime.
    """
    present = [value.strip() for value in values if value.strip() not in MISSING][:2000]
    if not present:
        return None
    if (numbers := [float(value) for value in present if NUMBER.fullmatch(value)]) and len(numbers) == len(present):
        for unit, per_second in UNITS.items():
            if all(EARLIEST_GUESS <= number / per_second <= LATEST_GUESS for number in numbers):
                return unit, True
        if not all(len(value) in (8, 14) and _reads(value, PATTERNS) for value in present):
            return None
    # Few values rule most forms out; a column of titles would else be read by each.
    likely = [form for form in ("iso", *PATTERNS) if _share(present[:FEW], form) >= 0.5]
    fitting = [form for form in likely if _share(present, form) >= 0.95]
    if not fitting:
        return None
    # 03/04/2020 reads both ways until a day above 12 comes.
    return fitting[0], len(fitting) == 1 or fitting[0] in ("iso", "%Y%m%d")


def _reads(value: str, forms: tuple[str, ...]) -> bool:
    return any(read_time(value, form)[0] is not None for form in forms)


def _share(values: list[str], form: str) -> float:
    return sum(read_time(value, form)[0] is not None for value in values) / len(values)


def read_time(text: str, unit: str) -> tuple[int | None, str]:
    """Return Unix seconds, or None and the reason. A time without a zone is UTC."""
    text = text.strip()
    if text in MISSING:
        return None, "time_missing"
    if unit in UNITS:
        if NUMBER.fullmatch(text) is None:
            return None, "time_not_number"
        seconds = int(text) // UNITS[unit] if text.isdigit() else int(float(text) / UNITS[unit])
    else:
        try:
            found = datetime.fromisoformat(text) if unit == "iso" else datetime.strptime(text, unit)
        except ValueError:
            return None, "time_not_readable"
        seconds = int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() // 1)
    if not 0 <= seconds <= LATEST:
        return None, "time_out_of_range"
    return seconds, ""

"""Tell years in which something was made."""

from __future__ import annotations

import re

FOUR_DIGITS = re.compile(r"(?<![0-9])[0-9]{4}(?![0-9])")
# expectations/movies.json and the accounts' catalogue refuse other years.
EARLIEST_YEAR, LATEST_YEAR = 1870, 2100


def is_year(number: float) -> bool:
    """Return whether a number is such a year."""
    return number == int(number) and EARLIEST_YEAR <= number <= LATEST_YEAR


def four_digit_numbers(text: str) -> list[int]:
    """Return the numbers of four digits in a year or a date, from left to right."""
    return [int(number) for number in FOUR_DIGITS.findall(text)]

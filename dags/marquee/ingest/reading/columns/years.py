"""Tell years in which something was made."""

from __future__ import annotations

# expectations/movies.json and the accounts' catalogue refuse other years.
EARLIEST_YEAR, LATEST_YEAR = 1870, 2100


def is_year(number: float) -> bool:
    """Return whether a number is such a year."""
    return number == int(number) and EARLIEST_YEAR <= number <= LATEST_YEAR

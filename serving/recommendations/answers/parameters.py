"""Parse and check the parameters of the API: a wrong one is a problem that names it, never a guess."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from werkzeug.datastructures import MultiDict

from serving.publications.format import MAX_ID, PUBLICATION_ID
from serving.publications.reader import Movie
from serving.recommendations.answers import problems
from serving.web.problems import ProblemError

DEFAULT_LIMIT = 10
MAX_LIMIT = 100
MAX_TEXT = 100
MAX_EXCLUDED = 200
MIN_YEAR, MAX_YEAR = 1800, 2999
LIST_PARAMETERS = frozenset({"limit", "cursor", "genre", "year_from", "year_to", "exclude", "as_of"})
_NUMBER = re.compile(r"[0-9]{1,10}")
_CURSOR = re.compile(r"(\d{8}T\d{6})\.([0-9]{1,10})")


class Parameters:
    """The query string of one request; every getter reads one parameter. Names that are not allowed are refused at once."""

    def __init__(self, arguments: MultiDict[str, str], allowed: frozenset[str]) -> None:
        """Refuse names that the address does not have: a misspelt filter must not be ignored."""
        for name, values in arguments.lists():
            if name not in allowed:
                known = ", ".join(sorted(allowed)) or "none"
                raise ProblemError(
                    problems.BAD_PARAMETER, f"{name[:40]!r} is not a parameter of this address; it has: {known}."
                )
            if len(values) > 1:
                raise ProblemError(problems.BAD_PARAMETER, f"{name!r} is given {len(values)} times; give it once.")
        self._arguments = arguments
        # How many entries to answer with, 1 to 100: checked first, whatever else is wrong.
        self.limit = self._limit()

    def _limit(self) -> int:
        text = self._arguments.get("limit")
        if text is None:
            return DEFAULT_LIMIT
        value = _whole_number(text)
        if value is None or not 1 <= value <= MAX_LIMIT:
            raise ProblemError(
                problems.BAD_LIMIT, f"limit is {text[:40]!r}; give a whole number from 1 to {MAX_LIMIT}."
            )
        return value

    def text(self, name: str) -> str | None:
        """Return a text of 1 to 100 characters, or None if it is not given."""
        text = self._arguments.get(name)
        if text is not None and not 1 <= len(text.strip()) <= MAX_TEXT:
            raise ProblemError(problems.BAD_PARAMETER, f"{name} must have 1 to {MAX_TEXT} characters.")
        return text

    def year(self, name: str) -> int | None:
        """Return a year, or None if it is not given."""
        text = self._arguments.get(name)
        if text is None:
            return None
        value = _whole_number(text)
        if value is None or not MIN_YEAR <= value <= MAX_YEAR:
            raise ProblemError(problems.BAD_PARAMETER, f"{name} is {text[:40]!r}; give a year such as 1994.")
        return value

    def excluded(self) -> frozenset[int]:
        """Return the movie ids to leave out."""
        text = self._arguments.get("exclude")
        if text is None:
            return frozenset()
        values = [_whole_number(part) for part in text.split(",")]
        if len(values) > MAX_EXCLUDED or any(value is None or not 1 <= value <= MAX_ID for value in values):
            raise ProblemError(
                problems.BAD_PARAMETER, f"exclude must be up to {MAX_EXCLUDED} movie ids with commas, such as 318,527."
            )
        return frozenset(value for value in values if value is not None)

    def publication(self) -> str | None:
        """Return the publication that `as_of` asks for, or None for the live one."""
        text = self._arguments.get("as_of")
        if text is not None and not PUBLICATION_ID.fullmatch(text):
            raise ProblemError(
                problems.BAD_PARAMETER, f"as_of is {text[:40]!r}; give a publication id such as 20261123T190000."
            )
        return text

    def cursor(self) -> tuple[str, int] | None:
        """Return the publication and the position that a `next` link carries, or None on the first page."""
        text = self._arguments.get("cursor")
        if text is None:
            return None
        match = _CURSOR.fullmatch(text)
        if not match:
            raise ProblemError(problems.BAD_PARAMETER, "cursor is not one that this API gave: follow the `next` link.")
        return match[1], int(match[2])

    def moment(self, name: str) -> datetime | None:
        """Return an ISO 8601 time, in UTC unless it says otherwise, or None if it is not given."""
        text = self._arguments.get(name)
        if text is None:
            return None
        try:
            # A plus sign that was not encoded arrives as a space.
            moment = datetime.fromisoformat(text.replace(" ", "+"))
        except ValueError:
            raise ProblemError(
                problems.BAD_PARAMETER, f"{name} is {text[:40]!r}; give a time such as 2026-11-23T19:00:00Z."
            ) from None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    def kept_by_links(self) -> tuple[tuple[str, str], ...]:
        """Return the parameters that the link to a next page keeps."""
        return tuple((name, value) for name, value in self._arguments.items() if name not in ("cursor", "as_of"))

    def movie_filter(self) -> MovieFilter:
        """Return the filter by genre, release year and excluded ids."""
        genre = self.text("genre")
        return MovieFilter(
            genre.casefold() if genre else None, self.year("year_from"), self.year("year_to"), self.excluded()
        )


@dataclass(frozen=True)
class MovieFilter:
    """Which movies of a list to answer with. A movie of unknown year is in no range of years."""

    genre: str | None = None
    year_from: int | None = None
    year_to: int | None = None
    excluded: frozenset[int] = frozenset()

    @property
    def keeps_all(self) -> bool:
        """Say whether there is nothing to filter by."""
        return self.genre is None and self.year_from is None and self.year_to is None and not self.excluded

    def keeps(self, movie: Movie) -> bool:
        """Say whether the filter lets a movie through."""
        if movie.movie_id in self.excluded:
            return False
        if self.genre is not None and self.genre not in [genre.casefold() for genre in movie.genres]:
            return False
        if self.year_from is None and self.year_to is None:
            return True
        year = movie.release_year
        return year is not None and (self.year_from or 0) <= year <= (self.year_to or 9999)


def identifier(text: str, what: str) -> int:
    """Return an id from a path. Raises a problem unless it is a whole number from 1 to 2147483647."""
    value = _whole_number(text)
    if value is None or not 1 <= value <= MAX_ID:
        raise ProblemError(problems.BAD_ID, f"The {what} id is {text[:40]!r}; give a whole number from 1 to {MAX_ID}.")
    return value


def _whole_number(text: str) -> int | None:
    return int(text) if _NUMBER.fullmatch(text) else None

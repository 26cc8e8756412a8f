"""The catalogue of a publication: its movies, as answers show them."""

from __future__ import annotations

import json
import sqlite3
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serving.publications.format import PublicationError
from serving.publications.own_data.ids import own_ids_of_movies
from serving.publications.search.popularity import ratings_by_movie
from serving.publications.verification import open_database

# JSON of this many movies is kept, some 250 bytes each. Lists have few different movies, so that nearly all are found.
_MOST_KEPT = 10_000
_NO_YEAR = 0
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_MOVIES = "SELECT movie_id, title, release_year, genres FROM movies ORDER BY movie_id"


@dataclass(frozen=True, slots=True)
class Movie:
    """A movie of the catalogue.

    `shown_id` is the id that people use: own data has another one than the number.
    """

    movie_id: int
    title: str
    release_year: int | None
    genres: tuple[str, ...]
    shown_id: int | str

    def as_dict(self) -> dict[str, Any]:
        """Return the movie as the API shows it."""
        return {
            "movie_id": self.shown_id,
            "title": self.title,
            "release_year": self.release_year,
            "genres": list(self.genres),
            **({} if self.shown_id == self.movie_id else {"number": self.movie_id}),
        }


class KeptTexts(dict[int, str]):
    """JSON of movies by id: made when it is first asked for, and kept."""

    def __init__(self, make: Callable[[int], str]) -> None:
        """Take what makes a movie's text; it raises KeyError for an unknown movie."""
        self._make = make

    def __missing__(self, movie_id: int) -> str:
        """Make and keep the text of a movie."""
        text = self._make(movie_id)
        if len(self) >= _MOST_KEPT:
            self.clear()
        self[movie_id] = text
        return text


class Catalogue(Mapping[int, Movie]):
    """The movies of a publication by id, which ascends.

    It never changes, so several threads may ask it. It holds columns: an object for each movie, with its JSON, would take 700
    bytes a movie, in each worker and for each publication that is open. `members` is a movie as a JSON object without its
    braces, and `references` a JSON object of its id and title: they are most of an answer's text.
    """

    def __init__(self, connection: sqlite3.Connection, shown: Mapping[int, int | str]) -> None:
        """Read all movies.

        `shown` are the ids that people use, where they are not the numbers.
        """
        self._shown = shown
        self._ids, self._years, self._genres = array("q"), array("i"), array("i")
        self._titles, self._ends = bytearray(), array("q", [0])
        combinations: dict[str, int] = {}
        for movie_id, title, year, genres in connection.execute(_MOVIES):
            self._ids.append(movie_id)
            self._titles += title.encode()
            self._ends.append(len(self._titles))
            self._years.append(_NO_YEAR if year is None else year)
            self._genres.append(combinations.setdefault(genres or "", len(combinations)))
        self._combinations = [tuple(genres.split("|")) if genres else () for genres in combinations]
        self.references = KeptTexts(self._reference)
        self.members = KeptTexts(self._members)

    def __getitem__(self, movie_id: int) -> Movie:
        """Return a movie; raises KeyError for an unknown one."""
        at = bisect_left(self._ids, movie_id)
        if at == len(self._ids) or self._ids[at] != movie_id:
            raise KeyError(movie_id)
        return self._at(at)

    def __iter__(self) -> Iterator[int]:
        """Yield the ids."""
        return iter(self._ids)

    def __len__(self) -> int:
        """Return the number of movies."""
        return len(self._ids)

    def behind(self, movie_id: int) -> Iterator[Movie]:
        """Yield the movies of greater ids, 0 for all."""
        return map(self._at, range(bisect_left(self._ids, movie_id + 1), len(self._ids)))

    def _at(self, at: int) -> Movie:
        movie_id, title = self._ids[at], self._titles[self._ends[at] : self._ends[at + 1]].decode()
        genres = self._combinations[self._genres[at]]
        return Movie(movie_id, title, self._years[at] or None, genres, self._shown.get(movie_id, movie_id))

    def _reference(self, movie_id: int) -> str:
        movie = self[movie_id]
        return compact_json({"movie_id": movie.shown_id, "title": movie.title})

    def _members(self, movie_id: int) -> str:
        return compact_json(self[movie_id].as_dict())[1:-1]


def compact_json(value: Any) -> str:
    """Return JSON without spaces and without escaped letters."""
    return _ENCODER.encode(value)


def movie_rows(folder: Path) -> Iterator[tuple[int, str, int | None, str, int, str | None]]:
    """Yield (movie_id, title, release_year, genres, ratings, own id) of a catalogue.

    The rows come by ascending movie_id; genres are separated by `|`. Own ids are None for MovieLens. The files are not verified.
    Raises PublicationError if the database cannot be read.
    """
    try:
        with closing(open_database(folder)) as connection:
            ratings, own_ids = ratings_by_movie(connection), own_ids_of_movies(connection)
            for row in connection.execute(_MOVIES):
                yield *row, ratings.get(row[0], 0), own_ids.get(row[0])
    except sqlite3.Error as error:
        raise PublicationError(
            f"Publication {folder.name} cannot be read: {error}. Look at `make publications`, and pull it again."
        ) from None

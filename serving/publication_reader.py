"""Read-only access to one verified publication, opened in the process that uses it."""

from __future__ import annotations

import json
import sqlite3
import unicodedata
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serving.publication_format import DATABASE_NAME, Manifest, format_time
from serving.publication_store import verify_folder

Item = dict[str, Any]


@dataclass(frozen=True)
class Movie:
    """A movie of the catalogue. `search_text` is the title without case and accents."""

    movie_id: int
    title: str
    release_year: int | None
    genres: tuple[str, ...]
    search_text: str

    def as_dict(self) -> Item:
        """Return the movie as the API shows it."""
        return {
            "movie_id": self.movie_id,
            "title": self.title,
            "release_year": self.release_year,
            "genres": list(self.genres),
        }


def fold(text: str) -> str:
    """Return text for searching: without case, accents and repeated spaces."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(letter for letter in decomposed if not unicodedata.combining(letter)).split())


class Publication:
    """One publication, verified when opened.

    The catalogue is held in memory; a list is one lookup by key. The file is opened read-only and immutable, so SQLite
    takes no locks. The connection closes when the last request that uses the publication is done with it.
    """

    def __init__(self, folder: Path, publication: str) -> None:
        """Verify and open. Raises PublicationError if the files are not those that the manifest describes."""
        self.manifest: Manifest = verify_folder(folder, publication)
        self.publication_id = publication
        self.data_through = format_time(self.manifest.data_through)
        address = f"{(folder / DATABASE_NAME).absolute().as_uri()}?mode=ro&immutable=1"
        # SQLite is compiled to serialise its calls, so threads of one worker may share the connection.
        self._connection = sqlite3.connect(address, uri=True, check_same_thread=False)
        weakref.finalize(self, self._connection.close)
        rows = self._connection.execute("SELECT movie_id, title, release_year, genres FROM movies ORDER BY movie_id")
        self.movies = {
            movie_id: Movie(movie_id, title, year, tuple(genres.split("|")) if genres else (), fold(title))
            for movie_id, title, year, genres in rows
        }
        self.scopes = [row[0] for row in self._connection.execute("SELECT scope FROM popular_movies ORDER BY scope")]

    def _entries(self, query: str, key: int | str) -> list[list[Any]] | None:
        row = self._connection.execute(query, (key,)).fetchone()
        return json.loads(row[0]) if row else None

    def recommendations(self, user_id: int) -> list[list[Any]] | None:
        """Return [movie_id, score, [reason_movie_id, ...]] in rank order, or None for a user without a list."""
        return self._entries("SELECT items FROM recommendations WHERE user_id = ?", user_id)

    def similar_movies(self, movie_id: int) -> list[list[Any]]:
        """Return [movie_id, score] in rank order; empty where the movie had too few ratings to be compared."""
        return self._entries("SELECT items FROM similar_movies WHERE movie_id = ?", movie_id) or []

    def popular_movies(self, scope: str) -> list[list[Any]] | None:
        """Return [movie_id, score, ratings] in rank order, or None for an unknown scope."""
        return self._entries("SELECT items FROM popular_movies WHERE scope = ?", scope)

    def user_ids(self, after: int, count: int) -> list[int]:
        """Return up to `count` ids of users with a list, ascending, above `after`."""
        query = "SELECT user_id FROM recommendations WHERE user_id > ? ORDER BY user_id LIMIT ?"
        return [row[0] for row in self._connection.execute(query, (after, count))]

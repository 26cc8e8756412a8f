"""Read one verified publication, opened in the process that uses it."""

from __future__ import annotations

import json
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from serving.publications.format import MAX_ID, RECOMMENDATIONS
from serving.publications.lineage import value_at
from serving.publications.manifest import Manifest
from serving.publications.newcomers.discovery import Prices
from serving.publications.newcomers.factor_table import FactorTable, Float32Array, IntArray
from serving.publications.newcomers.fold_in import FoldIn
from serving.publications.own_data.ids import OwnIds
from serving.publications.reading.catalogue import Catalogue
from serving.publications.reading.freed_memory import hand_back
from serving.publications.search.index import SearchIndex, Title
from serving.publications.search.popularity import ratings_by_movie
from serving.publications.times import format_time
from serving.publications.verification import check_kind, open_database, read_manifest, verify_folder

Item = dict[str, Any]
_DECODER = json.JSONDecoder()


def _first_entries(text: str, count: int) -> list[list[Any]]:
    """Return the first entries of a list as the builder writes it.

    That is a compact array of arrays.
    """
    at = 1
    entries: list[list[Any]] = []
    while len(entries) < count and text[at - 1] != "]":
        entry, end = _DECODER.raw_decode(text, at)
        entries.append(entry)
        at = end + 1
    return entries


class Publication:
    """One publication, verified when opened.

    The catalogue's columns are held in memory, and a list is one lookup by key. The connection closes after the last request that
    uses the publication. A publication may lack a table, because it is of schema version 1 or was built without it. Such
    a table reads as empty.
    """

    def __init__(self, folder: Path, publication: str, verified: bool = False) -> None:
        """Verify and open a publication.

        `verified` skips the verification, for a caller that has verified these very files before. Raises PublicationError
        if the files are not those that the manifest describes.
        """
        self.manifest: Manifest = (read_manifest if verified else verify_folder)(folder, publication)
        check_kind(self.manifest, RECOMMENDATIONS)
        self.publication_id = publication
        self.data_through = format_time(self.manifest.data_through)
        self._connection = open_database(folder)
        weakref.finalize(self, self._connection.close)
        self._tables = {row[0] for row in self._rows("SELECT name FROM sqlite_master WHERE type = 'table'")}
        self.own_ids = OwnIds(self._connection) if "movie_ids" in self._tables else None
        shown = self.own_ids.of_movies if self.own_ids else {}
        self.movies = Catalogue(self._connection, shown)
        self.scopes = [row[0] for row in self._rows("SELECT scope FROM popular_movies ORDER BY scope")]
        self.genres = [row[0] for row in self._table("popular_by_genre", "genre")]
        # Whether there are lists of the long tail.
        exists = "SELECT 1 FROM discoveries LIMIT 1"
        self.has_discoveries = "discoveries" in self._tables and bool(self._rows(exists))
        self._fold_in: FoldIn | None = None
        self._index: SearchIndex | None = None
        self._preparing = threading.Lock()

    def _rows(self, query: str, *parameters: int | str) -> list[tuple[Any, ...]]:
        return self._connection.execute(query, parameters).fetchall()

    def _table(self, table: str, columns: str, where: str = "", *parameters: int | str) -> list[tuple[Any, ...]]:
        """Return a table's rows by its first column; empty where the table is missing."""
        return list(self._each(table, columns, where, *parameters))

    def _each(self, table: str, columns: str, where: str = "", *parameters: int | str) -> Iterator[tuple[Any, ...]]:
        """Return what `_table` does, row by row."""
        if table not in self._tables:
            return iter(())
        query = f"SELECT {columns} FROM {table} {where} ORDER BY 1"  # noqa: S608
        return self._connection.execute(query, parameters)

    def _entries(self, query: str, key: int | str) -> list[list[Any]] | None:
        row = self._connection.execute(query, (key,)).fetchone()
        return json.loads(row[0]) if row else None

    def recommendations(self, user_id: int) -> list[list[Any]] | None:
        """Return [movie_id, score, [reason_movie_id, ...]] in rank order.

        Returns None for a user without a list.
        """
        return self._entries("SELECT items FROM recommendations WHERE user_id = ?", user_id)

    def first_recommendations(self, user_id: int, count: int) -> list[list[Any]] | None:
        """Return the first `count` entries of a user's list, as `recommendations` does.

        The other entries are not parsed.
        """
        row = self._connection.execute("SELECT items FROM recommendations WHERE user_id = ?", (user_id,)).fetchone()
        return _first_entries(row[0], count) if row else None

    def first_discoveries(self, user_id: int, count: int) -> list[list[Any]]:
        """Return the first `count` entries of a user's list of the long tail.

        They are those of `recommendations`. The list may be empty.
        """
        rows = self._table("discoveries", "items", "WHERE user_id = ?", user_id)
        return _first_entries(rows[0][0], count) if rows else []

    def all_recommendations(self) -> Iterator[tuple[int, list[list[Any]]]]:
        """Yield (user_id, list) by user, each list as `recommendations` returns it."""
        for user_id, items in self._connection.execute("SELECT user_id, items FROM recommendations ORDER BY user_id"):
            yield user_id, json.loads(items)

    def similar_movies(self, movie_id: int) -> list[list[Any]]:
        """Return [movie_id, score] in rank order.

        The list is empty where the movie had too few ratings to be compared.
        """
        return self._entries("SELECT items FROM similar_movies WHERE movie_id = ?", movie_id) or []

    def popular_movies(self, scope: str) -> list[list[Any]] | None:
        """Return [movie_id, score, ratings] in rank order; None for an unknown scope."""
        return self._entries("SELECT items FROM popular_movies WHERE scope = ?", scope)

    def user_ids(self, after: int, count: int) -> list[int]:
        """Return up to `count` ids of users with a list, ascending, above `after`."""
        query = "SELECT user_id FROM recommendations WHERE user_id > ? ORDER BY user_id LIMIT ?"
        return [row[0] for row in self._rows(query, after, count)]

    def number_of_user(self, shown: str) -> int | None:
        """Return the number of the user that has an id, or None for what is no id."""
        if self.own_ids is not None:
            return self.own_ids.user(shown)
        number = int(shown) if shown.isascii() and shown.isdecimal() and len(shown) <= 10 else 0
        return number if 1 <= number <= MAX_ID else None

    def shown_user(self, user_id: int) -> int | str:
        """Return the id that people use for a user."""
        return user_id if self.own_ids is None else self.own_ids.shown_user(user_id)

    def shown_movie(self, movie_id: int) -> int | str:
        """Return the id that people use for a movie, also for an unknown one."""
        return movie_id if self.own_ids is None else self.own_ids.shown_movie(movie_id)

    def search_index(self) -> SearchIndex:
        """Return the index of the titles, made at the first call."""
        index = self._index
        if index is None:
            with self._preparing:
                index = self._index = self._index or self._made_index()
        return index

    def _made_index(self) -> SearchIndex:
        ratings = ratings_by_movie(self._connection)
        index = SearchIndex(
            Title(movie.movie_id, movie.title, movie.release_year, ratings.get(movie.movie_id, 0))
            for movie in self.movies.behind(0)
        )
        hand_back()
        return index

    def rest(self) -> None:
        """Forget what first searches and newcomers made; the next ones make it again.

        Most publications are not asked for either once they are no longer live.
        """
        self._index = self._fold_in = None

    # --- marts: the warehouse's tables, unchanged -----------------------------------------------------------------

    def ratings_by_year(self) -> list[Item]:
        """Return ratings, users, movies and mean rating by calendar year, ascending."""
        names = ("rating_year", "ratings", "users", "movies", "mean_rating")
        return [dict(zip(names, row, strict=True)) for row in self._table("ratings_by_year", ", ".join(names))]

    def popular_by_genre(self, genre: str) -> list[list[Any]] | None:
        """Return [movie_id, bayesian_mean, ratings] in rank order.

        Returns None for an unknown genre.
        """
        if genre not in self.genres:
            return None
        return self._entries("SELECT items FROM popular_by_genre WHERE genre = ?", genre)

    def movie_statistics(self, movie_id: int) -> Item | None:
        """Return how often and how well a movie is rated, in all and by year.

        Returns None for a movie without ratings.
        """
        columns = "ratings, mean_rating, bayesian_mean, first_rated_at, last_rated_at"
        rows = self._table("movie_statistics", columns, "WHERE movie_id = ?", movie_id)
        if not rows:
            return None
        ratings, mean, bayesian, first, last = rows[0]
        years = self._table("movie_ratings_by_year", "items", "WHERE movie_id = ?", movie_id)
        by_year = json.loads(years[0][0]) if years else []
        return {
            "ratings": ratings,
            "mean_rating": mean,
            "bayesian_mean": bayesian,
            "first_rated_at": format_time(first),
            "last_rated_at": format_time(last),
            "by_year": [{"rating_year": year, "ratings": n, "mean_rating": average} for year, n, average in by_year],
        }

    def row_accounting(self) -> list[Item]:
        """Return how many rows of each source file were kept or not, by file name."""
        names = ("source_file", "rows_in", "rows_clean", "rows_quarantined", "rows_superseded")
        return [dict(zip(names, row, strict=True)) for row in self._table("row_accounting", ", ".join(names))]

    # --- fold-in ---------------------------------------------------------------------------------------------------

    def prior(self, movie_id: int) -> float | None:
        """Return a movie's popularity, a part of its scores; None without factors."""
        rows = self._table("movie_factors", "prior", "WHERE movie_id = ?", movie_id)
        return rows[0][0] if rows else None

    def fold_in(self) -> FoldIn:
        """Return the model that folds in new users, read at the first call.

        Raises PublicationError where the publication lacks factors or their settings.
        """
        fold_in = self._fold_in
        if fold_in is None:
            with self._preparing:
                fold_in = self._fold_in = self._fold_in or self._made_fold_in()
        return fold_in

    def _made_fold_in(self) -> FoldIn:
        table = FactorTable.from_rows(self._each("movie_factors", "movie_id, gain, prior, factors"))
        settings = value_at(self.manifest.lineage, "top_n", "fold_in")
        fold_in = FoldIn(table, self._neighbours, settings, self._prices(table))
        hand_back()
        return fold_in

    def _prices(self, table: FactorTable) -> Prices | None:
        """Return the prices of the long tail, None where the publication has none."""
        rows = self._table("discovery_prices", "movie_id, price")
        if not rows:
            return None
        settings = value_at(self.manifest.lineage, "top_n", "discovery")
        places = table.positions([row[0] for row in rows])
        return Prices.of(table.prior, places, [row[1] for row in rows], settings or {})

    def _neighbours(self, movie_id: int) -> tuple[IntArray, Float32Array]:
        """Return the ids of a movie's neighbours, and their weights; both may be empty."""
        rows = self._table("movie_neighbours", "neighbour_ids, weights", "WHERE movie_id = ?", movie_id)
        ids, weights = rows[0] if rows else (b"", b"")
        return np.frombuffer(ids, dtype="<i4").astype(np.int64), np.frombuffer(weights, dtype="<f4")

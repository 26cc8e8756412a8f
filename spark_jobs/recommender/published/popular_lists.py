"""Lists of popular movies: of all, recent, by genre and by decade."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from recommender.arrays import BoolArray, Columns, FloatArray, IntArray

NO_GENRES = "(no genres listed)"


def popular_movies(
    movie_ids: IntArray,
    counts: FloatArray,
    recent: FloatArray,
    release_years: Sequence[int | None],
    genres: Sequence[str],
    n: int,
) -> Columns:
    """Return the popular_movies table: the n best movies of each scope.

    Movies without ratings are left out. `movie_ids` ascend; `counts`, `recent` popularity, `release_years` and `genres` ('|'-joined) are
    those of these movies. The score is the number of ratings, and in the scope `recent` recent popularity. Of equal scores, the
    smaller movie_id comes first.
    """
    lists: list[IntArray] = []
    scores_of: list[FloatArray] = []
    names: list[str] = []
    for scope, members in _scopes(release_years, genres):
        scores = recent if scope == "recent" else counts
        order = np.flatnonzero(members & (counts > 0))
        order = order[np.argsort(-scores[order], kind="stable")][:n]
        lists.append(order)
        scores_of.append(scores[order])
        names += [scope] * len(order)
    movies = np.concatenate(lists)
    return {
        "scope": names,
        "rank": np.concatenate([np.arange(1, len(order) + 1, dtype=np.int32) for order in lists]),
        "movie_id": movie_ids[movies].astype(np.int32),
        "score": np.concatenate(scores_of),
        "ratings": counts[movies].astype(np.int64),
    }


def _scopes(release_years: Sequence[int | None], genres: Sequence[str]) -> Iterator[tuple[str, BoolArray]]:
    """Yield each scope and which movies belong to it.

    The scopes are all, recent, then the genres and the decades in order.
    """
    everything = np.ones(len(genres), dtype=np.bool_)
    yield "all", everything
    yield "recent", everything
    split = [frozenset(g for g in text.split("|") if g and g != NO_GENRES) for text in genres]
    for genre in sorted(frozenset().union(*split)):
        yield f"genre:{genre}", np.fromiter((genre in g for g in split), dtype=np.bool_, count=len(split))
    decades = [None if year is None else year // 10 * 10 for year in release_years]
    for decade in sorted({d for d in decades if d is not None}):
        yield f"decade:{decade}", np.fromiter((d == decade for d in decades), dtype=np.bool_, count=len(decades))

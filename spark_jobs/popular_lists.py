"""Lists for everybody: the most rated movies of all, of late, of each genre and of each decade."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from baselines import popularity, recent_popularity
from ratings import BoolArray, FloatArray, IntArray, Ratings

NO_GENRES = "(no genres listed)"


def popular_movies(
    ratings: Ratings,
    movie_ids: IntArray,
    release_years: Sequence[int | None],
    genres: Sequence[str],
    n: int,
    half_life_days: float,
) -> pd.DataFrame:
    """Return the rows of popular_movies: scope, rank, movie_id, score, ratings; the n best of each scope that were rated at all.

    `movie_ids` ascend; `release_years` and `genres` ('|'-joined) run beside them. The score is the number of ratings, in the
    scope `recent` with half weight for each half-life of age at the batch's reference time. Ties go to the smaller movie_id.
    """
    counts = popularity(ratings, movie_ids)
    recent = recent_popularity(ratings, movie_ids, half_life_days, ratings.reference_time())
    parts = []
    for scope, members in _scopes(release_years, genres):
        scores: FloatArray = recent if scope == "recent" else counts
        order = np.flatnonzero(members & (counts > 0))
        order = order[np.argsort(-scores[order], kind="stable")][:n]
        parts.append(
            pd.DataFrame(
                {
                    "scope": scope,
                    "rank": np.arange(1, len(order) + 1, dtype=np.int32),
                    "movie_id": movie_ids[order].astype(np.int32),
                    "score": scores[order],
                    "ratings": counts[order].astype(np.int64),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _scopes(release_years: Sequence[int | None], genres: Sequence[str]) -> Iterator[tuple[str, BoolArray]]:
    """Yield each scope and which movies belong to it: all, recent, then genres and decades in order."""
    everything = np.ones(len(genres), dtype=np.bool_)
    yield "all", everything
    yield "recent", everything
    split = [frozenset(g for g in text.split("|") if g and g != NO_GENRES) for text in genres]
    for genre in sorted(frozenset().union(*split)):
        yield f"genre:{genre}", np.fromiter((genre in g for g in split), dtype=np.bool_, count=len(split))
    decades = [None if year is None else year // 10 * 10 for year in release_years]
    for decade in sorted({d for d in decades if d is not None}):
        yield f"decade:{decade}", np.fromiter((d == decade for d in decades), dtype=np.bool_, count=len(decades))

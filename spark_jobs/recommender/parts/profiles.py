"""What one part adds to a training: weights of ratings, and sums by movie."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import scipy.sparse as sp

from recommender.arrays import FloatArray, IntArray
from recommender.incidence import Incidence
from recommender.parts.layout import LaidOut, Part
from recommender.popularity import RECENT_HALF_LIFE_DAYS, recency
from recommender.ratings import SECONDS_PER_DAY
from recommender.settings import TrainingSettings, decay

# The root of the greatest weight as a whole number. Rounding changes the root of the least, .02 x .25, by a 580th at most. A sum of a
# product for each of 500 million users is still exact.
WHOLE = 4096
# A rating of now in recent popularity as a whole number: 8 million of them fit 64 bits.
RECENT_WHOLE = 2**40


@dataclass(frozen=True)
class Weighing:
    """How a training weighs ratings.

    Those before `until` count, as at `as_of`; both are Unix seconds UTC.
    """

    settings: TrainingSettings
    as_of: int
    until: int

    def trained(self, part: Part) -> Incidence:
        """Return a part's ratings with their weights in learning the factors."""
        own = part.before(self.until)
        precision = np.float32 if self.settings.cg_steps else np.float64
        return _incidence(own, self._confidence(own).astype(precision))

    def profiles(self, part: Part) -> Incidence:
        """Return a part's users with the weights of their profiles."""
        own = part.before(self.until)
        newest = np.repeat(_newest(own), np.diff(own.starts))
        weights = decay(newest - own.rated_at, self.settings.profile_half_life_days)
        return _incidence(own, weights.astype(np.float32))

    def newest(self, part: Part) -> IntArray:
        """Return the time of the newest rating of each of a part's users; 0 without one."""
        return _newest(part.before(self.until))

    def _confidence(self, own: Part) -> FloatArray:
        return decay(self.as_of - own.rated_at, self.settings.confidence_half_life_days)

    def _returning(self, own: Part, first_rated: IntArray) -> FloatArray:
        later = own.rated_at - first_rated > self.settings.first_visit_days * SECONDS_PER_DAY
        return np.where(later, 1.0, self.settings.first_visit_weight)


@dataclass(frozen=True)
class ByUser:
    """What a part of users adds to the neighbours' regression.

    `eligible` are the positions of the movies that take part in it.
    """

    weighing: Weighing
    first_rated: IntArray
    eligible: IntArray
    movies: int

    def whole_rows(self, part: Part) -> sp.csr_matrix:
        """Return WHOLE times the rows of `rows`, rounded to whole numbers.

        Their gram matrix is exact, in whatever order it is added up.
        """
        table = self.rows(part)
        table.data = np.rint(table.data * WHOLE)
        return table

    def rows(self, part: Part) -> sp.csr_matrix:
        """Return the roots of the users' weights, (users, eligible movies)."""
        own = part.before(self.weighing.until)
        first = self.first_rated[own.first : own.first + len(own)]
        weights = self.weighing._confidence(own) * self.weighing._returning(own, np.repeat(first, np.diff(own.starts)))
        whole = sp.csr_matrix((weights, own.columns.astype(np.int64), own.starts), shape=(len(own), self.movies))
        return whole[:, self.eligible].sqrt()


@dataclass(frozen=True)
class ByMovie:
    """What a part of movies adds up of its ratings, which are in the users' order."""

    weighing: Weighing
    first_rated: IntArray
    newest: IntArray

    def sums(self, part: Part) -> tuple[IntArray, FloatArray, FloatArray]:
        """Return sums of each movie's ratings.

        They are their number, recent popularity among returning users, and the squares of the profiles' weights.
        """
        own, settings = part.before(self.weighing.until), self.weighing.settings
        recent = recency(own.rated_at, settings.prior_half_life_days, self.weighing.as_of)
        recent *= self.weighing._returning(own, self.first_rated[own.columns])
        profile = decay(self.newest[own.columns] - own.rated_at, settings.profile_half_life_days).astype(np.float32)
        owners = own.owners()
        return (
            np.diff(own.starts),
            np.bincount(owners, weights=recent, minlength=len(own)).astype(np.float64),
            np.bincount(owners, weights=profile.astype(np.float64) ** 2, minlength=len(own)).astype(np.float64),
        )


def recent_whole(rated_at: IntArray, as_of: int) -> IntArray:
    """Return weights of recent popularity as whole numbers.

    One of 1 is RECENT_WHOLE, so that sums are exact in any order.
    """
    return np.rint(recency(rated_at, RECENT_HALF_LIFE_DAYS, as_of) * RECENT_WHOLE).astype(np.int64)


def popularity_of(laid: LaidOut, until: int, as_of: int) -> tuple[FloatArray, FloatArray]:
    """Return each movie's number of ratings before `until`, and of recent ones.

    A rating's weight among the recent ones halves with each RECENT_HALF_LIFE_DAYS of its age at `as_of`. Both times are in
    Unix seconds UTC.
    """
    sums = laid.by_movie.each(partial(_popularity, until, as_of))
    counts, recent = (np.concatenate(of_parts) for of_parts in zip(*sums, strict=True))
    return counts, recent


def _popularity(until: int, as_of: int, part: Part) -> tuple[FloatArray, FloatArray]:
    own = part.before(until)
    weights = recency(own.rated_at, RECENT_HALF_LIFE_DAYS, as_of)
    recent = np.bincount(own.owners(), weights=weights, minlength=len(own))
    return np.diff(own.starts).astype(np.float64), recent.astype(np.float64)


def _incidence(own: Part, weights: FloatArray) -> Incidence:
    return Incidence(own.starts, own.columns, weights, own.first)


def _newest(own: Part) -> IntArray:
    """Return each entity's newest time, 0 without ratings."""
    newest = np.zeros(len(own), dtype=np.int64)
    np.maximum.at(newest, own.owners(), own.rated_at)
    return newest

"""The published factors of the movies, to look up by movie id."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from serving.publications.format import PublicationError

# A table by movie id is kept where there are at most this many ids for each movie, which is 256 bytes a movie. MovieLens
# has up to 20.
_IDS_PER_MOVIE = 64

Float32Array = npt.NDArray[np.float32]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class FactorTable:
    """The published factors of the movies that have them, by ascending movie_id.

    Shapes: movie_ids (movies,), gain and prior (movies,), factors (movies, rank).
    """

    movie_ids: IntArray
    gain: Float32Array
    prior: Float32Array
    factors: Float32Array

    @classmethod
    def from_rows(cls, rows: Iterable[tuple[int, float, float, bytes]]) -> FactorTable:
        """Return the table of (movie_id, gain, prior, factors) in order of movie_id.

        The factors are the bytes of little-endian float32. Raises PublicationError where there are no rows.
        """
        # Rows are read one at a time: together they take three times the memory of the table.
        ids, gain, prior, factors = array("q"), array("f"), array("f"), bytearray()
        for movie_id, own_gain, own_prior, own_factors in rows:
            ids.append(movie_id)
            gain.append(own_gain)
            prior.append(own_prior)
            factors += own_factors
        if not ids:
            raise PublicationError("The publication has no movie factors. Build it with the export of movie_factors.")
        return cls(
            np.frombuffer(ids, dtype=np.int64),
            np.frombuffer(gain, dtype=np.float32),
            np.frombuffer(prior, dtype=np.float32),
            np.frombuffer(factors, dtype="<f4").astype(np.float32, copy=False).reshape(len(ids), -1),
        )

    def positions(self, movie_ids: Sequence[int] | IntArray) -> IntArray:
        """Return the movies' positions in the table, -1 for a movie without factors."""
        wanted = np.asarray(movie_ids, dtype=np.int64)
        if self._position_of is not None:
            # Ids beyond the table are clipped to its ends, which hold no movie.
            return self._position_of.take(wanted, mode="clip").astype(np.int64)
        found = np.minimum(np.searchsorted(self.movie_ids, wanted), len(self.movie_ids) - 1)
        return np.where(self.movie_ids[found] == wanted, found, -1)

    @cached_property
    def _position_of(self) -> npt.NDArray[np.int32] | None:
        """Return each movie's position by its id; None where ids are too far apart.

        The ids run from 0 to one beyond the greatest, and the position is -1 where there is no movie. Profiles have tens
        of thousands of neighbours, and a binary search for each would take most of a request.
        """
        ids = int(self.movie_ids[-1]) + 2
        if ids > _IDS_PER_MOVIE * len(self.movie_ids):
            return None
        found = np.full(ids, -1, dtype=np.int32)
        found[self.movie_ids] = np.arange(len(self.movie_ids))
        return found

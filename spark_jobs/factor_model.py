"""The trained model: user and movie factors, the movies' prior, and the settings they were trained with."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from ratings import SECONDS_PER_DAY, FloatArray, IntArray, Ratings, positions
from top_n import Float32Array

USER_FACTORS_FILE = "user_factors.parquet"
MOVIE_FACTORS_FILE = "item_factors.parquet"
SETTINGS_FILE = "settings.json"


@dataclass(frozen=True)
class Settings:
    """What the training may vary. Confidence in a rating is 1 + alpha * weight (Hu, Koren and Volinsky 2008)."""

    rank: int = 64
    max_iter: int = 10
    reg_param: float = 0.3
    alpha: float = 1.0
    seed: int = 20261123
    # A rating's weight halves with this age: in learning movie factors, and in a user's own profile.
    confidence_half_life_days: float = 730.0
    profile_half_life_days: float = 30.0
    # score = share^gain_power * factors · factors + prior_weight * share, share being recent popularity among
    # returning users relative to its maximum; what a user rated in his first days counts first_visit_weight in it.
    prior_half_life_days: float = 90.0
    prior_weight: float = 0.25
    gain_power: float = 0.5
    first_visit_days: float = 30.0
    first_visit_weight: float = 0.25

    def __post_init__(self) -> None:
        """Refuse what no training can use."""
        if self.rank < 1 or self.max_iter < 1:
            raise ValueError(f"rank {self.rank} and max-iter {self.max_iter} must both be 1 or more")
        if min(self.reg_param, self.prior_weight, self.gain_power, self.first_visit_days) < 0 or self.alpha <= 0:
            raise ValueError(
                "reg-param, prior-weight, gain-power and first-visit-days must be 0 or more, alpha more than 0"
            )
        if not 0 < self.first_visit_weight <= 1:
            raise ValueError(f"first-visit-weight is {self.first_visit_weight}: it must be more than 0 and at most 1")
        if min(self.confidence_half_life_days, self.profile_half_life_days, self.prior_half_life_days) <= 0:
            raise ValueError("each half-life must be more than 0 days")


# However old, a rating keeps this share of its weight: it is still evidence, and a weight of 0 would be none.
_LEAST_DECAY = 0.02


def _decay(age_seconds: FloatArray | IntArray, half_life_days: float) -> FloatArray:
    days = np.maximum(age_seconds, 0) / SECONDS_PER_DAY
    return np.asarray(np.maximum(np.exp2(-days / half_life_days), _LEAST_DECAY))


def training_weights(ratings: Ratings, settings: Settings, as_of: int) -> FloatArray:
    """Return each rating's weight in learning the movie factors: 1 at `as_of` (Unix seconds UTC), halving with age."""
    return _decay(as_of - ratings.rated_at, settings.confidence_half_life_days)


def profile_weights(ratings: Ratings, settings: Settings) -> FloatArray:
    """Return each rating's weight in its user's profile: 1 for his newest rating, halving with the time before that."""
    starts = np.flatnonzero(np.diff(ratings.user_id, prepend=ratings.user_id[:1] - 1))
    lengths = np.diff(starts, append=len(ratings))
    newest = np.repeat(np.maximum.reduceat(ratings.rated_at, starts), lengths)
    return _decay(newest - ratings.rated_at, settings.profile_half_life_days)


@dataclass(frozen=True)
class FactorModel:
    """score(user, movie) = movie_gain * (user_factors · movie_factors) + movie_prior.

    Shapes: user_ids (users,), user_factors (users, rank), movie_ids (movies,), movie_factors (movies, rank), movie_gain and
    movie_prior (movies,). Ids ascend. `trained_until` is the newest rating seen, Unix seconds UTC.
    """

    user_ids: IntArray
    user_factors: Float32Array
    movie_ids: IntArray
    movie_factors: Float32Array
    movie_gain: Float32Array
    movie_prior: Float32Array
    settings: Settings = field(default_factory=Settings)
    trained_until: int = 0

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit together."""
        shapes = (self.user_factors.shape, self.movie_factors.shape, self.movie_gain.shape, self.movie_prior.shape)
        rank = self.movie_factors.shape[1]
        if shapes != (
            (len(self.user_ids), rank),
            (len(self.movie_ids), rank),
            (len(self.movie_ids),),
            (len(self.movie_ids),),
        ):
            raise ValueError(f"the model's arrays do not fit together: factors and prior have shapes {shapes}")

    def sha256(self) -> str:
        """Return the SHA-256 over ids, factors, gain and prior as little-endian bytes: the same model gives the same digest."""
        digest = hashlib.sha256()
        for ids in (self.user_ids, self.movie_ids):
            digest.update(ids.astype("<i8").tobytes())
        for values in (self.user_factors, self.movie_factors, self.movie_gain, self.movie_prior):
            digest.update(np.ascontiguousarray(values, dtype="<f4").tobytes())
        return digest.hexdigest()

    def scoring_factors(self) -> Float32Array:
        """Return the movies' factors times their gain, (movies, rank): what a user's factors are multiplied with."""
        return np.asarray(self.movie_factors * self.movie_gain[:, None], dtype=np.float32)

    def factors_of(self, users: IntArray) -> Float32Array:
        """Return the factors of these users, (len(users), rank); zeros for a user whom the model does not know."""
        where = positions(self.user_ids, users)
        found = self.user_factors[where] if len(self.user_ids) else np.zeros((len(users), self.movie_factors.shape[1]))
        return np.asarray(np.where(where[:, None] >= 0, found, 0), dtype=np.float32)

    def save(self, folder: Path) -> None:
        """Write the model as two Parquet files and the settings as JSON into `folder`, which must exist."""
        rank = self.movie_factors.shape[1]
        pq.write_table(
            pa.table(
                {
                    "user_id": pa.array(self.user_ids, pa.int32()),
                    "features": pa.FixedSizeListArray.from_arrays(pa.array(self.user_factors.ravel()), rank),
                }
            ),
            folder / USER_FACTORS_FILE,
        )
        pq.write_table(
            pa.table(
                {
                    "movie_id": pa.array(self.movie_ids, pa.int32()),
                    "features": pa.FixedSizeListArray.from_arrays(pa.array(self.movie_factors.ravel()), rank),
                    "gain": pa.array(self.movie_gain),
                    "prior": pa.array(self.movie_prior),
                }
            ),
            folder / MOVIE_FACTORS_FILE,
        )
        text = json.dumps({"settings": asdict(self.settings), "trained_until": self.trained_until}, indent=2)
        (folder / SETTINGS_FILE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> FactorModel:
        """Read what `save` wrote."""
        users = pq.read_table(folder / USER_FACTORS_FILE)
        movies = pq.read_table(folder / MOVIE_FACTORS_FILE)
        about = json.loads((folder / SETTINGS_FILE).read_text(encoding="utf-8"))
        settings = Settings(**about["settings"])
        return cls(
            users["user_id"].to_numpy().astype(np.int64),
            _matrix(users["features"], settings.rank),
            movies["movie_id"].to_numpy().astype(np.int64),
            _matrix(movies["features"], settings.rank),
            movies["gain"].to_numpy().astype(np.float32),
            movies["prior"].to_numpy().astype(np.float32),
            settings,
            int(about["trained_until"]),
        )


def _matrix(column: pa.ChunkedArray, rank: int) -> Float32Array:
    flat = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat, dtype=np.float32).reshape(-1, rank)

"""The trained model: user and movie factors, the movies' prior, and the settings they were trained with."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ratings import FloatArray, IntArray, Ratings, positions
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
    # Weight of the movies' recent popularity in a score, and the half-life of a rating in it.
    prior_weight: float = 0.5
    prior_half_life_days: float = 365.0

    def __post_init__(self) -> None:
        """Refuse what no training can use."""
        if self.rank < 1 or self.max_iter < 1:
            raise ValueError(f"rank {self.rank} and max-iter {self.max_iter} must both be 1 or more")
        if self.reg_param < 0 or self.alpha <= 0 or self.prior_weight < 0 or self.prior_half_life_days <= 0:
            raise ValueError("reg-param and prior-weight must be 0 or more, alpha and prior-half-life-days more than 0")


def confidence_weights(ratings: Ratings) -> FloatArray:
    """Return the weight of each rating in its confidence: the stars themselves, so that a loved movie says more."""
    return ratings.rating


@dataclass(frozen=True)
class FactorModel:
    """score(user, movie) = user_factors · movie_factors + movie_prior.

    Shapes: user_ids (users,), user_factors (users, rank), movie_ids (movies,), movie_factors (movies, rank), movie_prior (movies,).
    Ids ascend. `trained_until` is the newest rating seen, Unix seconds UTC.
    """

    user_ids: IntArray
    user_factors: Float32Array
    movie_ids: IntArray
    movie_factors: Float32Array
    movie_prior: Float32Array
    settings: Settings = field(default_factory=Settings)
    trained_until: int = 0

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit together."""
        shapes = (self.user_factors.shape, self.movie_factors.shape, self.movie_prior.shape)
        rank = self.movie_factors.shape[1]
        if shapes != ((len(self.user_ids), rank), (len(self.movie_ids), rank), (len(self.movie_ids),)):
            raise ValueError(f"the model's arrays do not fit together: factors and prior have shapes {shapes}")

    def sha256(self) -> str:
        """Return the SHA-256 over ids, factors and prior as little-endian bytes: the same model gives the same digest."""
        digest = hashlib.sha256()
        for ids in (self.user_ids, self.movie_ids):
            digest.update(ids.astype("<i8").tobytes())
        for values in (self.user_factors, self.movie_factors, self.movie_prior):
            digest.update(np.ascontiguousarray(values, dtype="<f4").tobytes())
        return digest.hexdigest()

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
            movies["prior"].to_numpy().astype(np.float32),
            settings,
            int(about["trained_until"]),
        )


def _matrix(column: pa.ChunkedArray, rank: int) -> Float32Array:
    flat = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat, dtype=np.float32).reshape(-1, rank)

"""The trained model: factors, neighbours, the movies' gain and prior, and the settings they were trained with."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from als_half_step import Incidence
from linear_neighbours import Neighbours
from ratings import SECONDS_PER_DAY, FloatArray, IntArray, Ratings, positions
from top_n import Float32Array, top_n_of_scores

USER_FACTORS_FILE = "user_factors.parquet"
MOVIE_FACTORS_FILE = "item_factors.parquet"
NEIGHBOURS_FILE = "movie_neighbours.parquet"
PROFILES_FILE = "profiles.parquet"
SETTINGS_FILE = "settings.json"


@dataclass(frozen=True)
class Settings:
    """What the training may vary. Confidence in a rating is 1 + alpha * weight (Hu, Koren and Volinsky 2008)."""

    rank: int = 64
    max_iter: int = 6
    reg_param: float = 0.3
    alpha: float = 1.0
    seed: int = 20261123
    # Conjugate-gradient steps of each half step, in single precision; 0: solved exactly, in double.
    cg_steps: int = 3
    # A rating's weight halves with this age: in learning movie factors, and in a user's own profile.
    confidence_half_life_days: float = 730.0
    profile_half_life_days: float = 90.0
    # Neighbours: kept on average for each movie with two ratings or more (0: none), ridge of the regression, and their part beside
    # the factors' product; a movie's genre and year count in the regression as a rating's weight does, squared.
    neighbours: int = 300
    neighbour_ridge: float = 100.0
    neighbour_weight: float = 80.0
    genre_weight: float = 0.3
    year_weight: float = 0.3
    # gain = personal_weight * share^gain_power and prior = share, share being recent popularity among returning users
    # relative to its maximum; what a user rated in his first days counts first_visit_weight in it and for neighbours.
    prior_half_life_days: float = 90.0
    personal_weight: float = 4.0
    gain_power: float = 0.4
    first_visit_days: float = 90.0
    first_visit_weight: float = 0.25

    def __post_init__(self) -> None:
        """Refuse what no training can use; raises ValueError that names the option."""
        for option in fields(self):
            value = getattr(self, option.name)
            whole = isinstance(option.default, int)
            if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
                raise ValueError(f"{_option(option.name)} is {value!r}: it must be a {'whole ' if whole else ''}number")
            if not math.isfinite(value):
                raise ValueError(f"{_option(option.name)} is {value}: it must be finite")
        if self.rank < 1 or self.max_iter < 1:
            raise ValueError(f"rank {self.rank} and max-iter {self.max_iter} must both be 1 or more")
        at_least_0 = (
            "reg_param",
            "cg_steps",
            "neighbours",
            "neighbour_weight",
            "genre_weight",
            "year_weight",
            "personal_weight",
            "gain_power",
            "first_visit_days",
        )
        half_lives = ("confidence_half_life_days", "profile_half_life_days", "prior_half_life_days")
        for name in at_least_0:
            if getattr(self, name) < 0:
                raise ValueError(f"{_option(name)} is {getattr(self, name)}: it must be 0 or more")
        for name in ("alpha", "neighbour_ridge", *half_lives):
            if not getattr(self, name) > 0:
                raise ValueError(f"{_option(name)} is {getattr(self, name)}: it must be more than 0")
        if self.cg_steps and self.reg_param == 0:
            raise ValueError("cg-steps needs a reg-param above 0: without, give --cg-steps 0, which solves exactly")
        if not 0 < self.first_visit_weight <= 1:
            raise ValueError(f"first-visit-weight is {self.first_visit_weight}: it must be more than 0 and at most 1")


def _option(name: str) -> str:
    return name.replace("_", "-")


# However old, a rating keeps this share of its weight: it is still evidence, and a weight of 0 would be none.
LEAST_DECAY = 0.02


def _decay(age_seconds: FloatArray | IntArray, half_life_days: float) -> FloatArray:
    days = np.maximum(age_seconds, 0) / SECONDS_PER_DAY
    return np.asarray(np.maximum(np.exp2(-days / half_life_days), LEAST_DECAY))


def training_weights(ratings: Ratings, settings: Settings, as_of: int) -> FloatArray:
    """Return each rating's weight in learning the movie factors: 1 at `as_of` (Unix seconds UTC), halving with age."""
    return _decay(as_of - ratings.rated_at, settings.confidence_half_life_days)


def profile_weights(ratings: Ratings, settings: Settings) -> FloatArray:
    """Return each rating's weight in its user's profile: 1 for his newest rating, halving with the time before that."""
    starts, lengths = ratings.runs()
    newest = np.repeat(np.maximum.reduceat(ratings.rated_at, starts), lengths)
    return _decay(newest - ratings.rated_at, settings.profile_half_life_days)


@dataclass(frozen=True)
class FactorModel:
    """Everything that a score is made of; docs/model.md has the formula and how to compute it without this code.

    personal = user_factors · movie_factors + sum over the user's profile of weight * neighbour weight
    score = movie_gain * personal / (his greatest personal score) + movie_prior

    Shapes: user_ids (users,), user_factors (users, rank), movie_ids (movies,), movie_factors (movies, rank), movie_gain and
    movie_prior (movies,); `neighbours` by movie; `profiles` by user: the movies he rated and the weights of his ratings. Ids
    ascend. `trained_until` is the newest rating seen, Unix seconds UTC.
    """

    user_ids: IntArray
    user_factors: Float32Array
    movie_ids: IntArray
    movie_factors: Float32Array
    movie_gain: Float32Array
    movie_prior: Float32Array
    neighbours: Neighbours
    profiles: Incidence
    settings: Settings = field(default_factory=Settings)
    trained_until: int = 0

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit together."""
        users, movies, rank = len(self.user_ids), len(self.movie_ids), self.movie_factors.shape[1]
        shapes = (
            *(self.user_factors.shape, self.movie_factors.shape, self.movie_gain.shape, self.movie_prior.shape),
            *(self.neighbours.starts.shape, self.profiles.starts.shape),
        )
        if shapes != ((users, rank), (movies, rank), (movies,), (movies,), (movies + 1,), (users + 1,)):
            raise ValueError(f"the model's arrays do not fit together: they have shapes {shapes}")

    def sha256(self) -> str:
        """Return the SHA-256 over all arrays as little-endian bytes: the same model gives the same digest."""
        digest = hashlib.sha256()
        whole = (self.user_ids, self.movie_ids, self.neighbours.starts, self.neighbours.columns)
        for ids in (*whole, self.profiles.starts, self.profiles.columns):
            digest.update(ids.astype("<i8").tobytes())
        parts = (self.user_factors, self.movie_factors, self.movie_gain, self.movie_prior, self.neighbours.weights)
        for values in (*parts, self.profiles.weights):
            digest.update(np.ascontiguousarray(values, dtype="<f4").tobytes())
        return digest.hexdigest()

    def factors_of(self, users: IntArray) -> Float32Array:
        """Return the factors of these users, (len(users), rank); zeros for a user whom the model does not know."""
        where = positions(self.user_ids, users)
        found = self.user_factors[where] if len(self.user_ids) else np.zeros((len(users), self.movie_factors.shape[1]))
        return np.asarray(np.where(where[:, None] >= 0, found, 0), dtype=np.float32)

    def profiles_of(self, users: IntArray) -> Incidence:
        """Return the profiles of these users; an empty one for a user whom the model does not know."""
        where = positions(self.user_ids, users)
        lengths = np.where(where >= 0, np.diff(self.profiles.starts, append=0)[where], 0)
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        at = np.repeat(self.profiles.starts[where] - starts[:-1], lengths) + np.arange(starts[-1])
        return Incidence(starts, self.profiles.columns[at], self.profiles.weights[at])

    def scores(self, factors: Float32Array, profiles: Incidence) -> Float32Array:
        """Return the scores of all movies for users with these factors, (users, rank), and profiles; (users, movies)."""
        scores: Float32Array = factors @ self.movie_factors.T
        if len(self.neighbours.columns):
            scores += (profiles.matrix(len(self.movie_ids)) @ self.neighbours.matrix).toarray()
        greatest = scores.max(axis=1, keepdims=True, initial=0)
        scores *= np.divide(1, greatest, out=np.zeros_like(greatest), where=greatest > 0)
        scores *= self.movie_gain
        scores += self.movie_prior
        return scores

    def top_n(self, factors: Float32Array, profiles: Incidence, n: int) -> tuple[IntArray, Float32Array]:
        """Return the n best movies of each user as columns, and their scores, without what stands in his profile.

        Both are (users, n); a list that is short ends in NO_MOVIE with -inf. Ties go to the smaller movie_id.
        """
        scores = self.scores(factors, profiles)
        scores[np.repeat(np.arange(len(factors)), np.diff(profiles.starts)), profiles.columns] = -np.inf
        return top_n_of_scores(scores, n)

    def save(self, folder: Path) -> None:
        """Write the model as four Parquet files and the settings as JSON into `folder`, which must exist."""
        rank = self.movie_factors.shape[1]
        movie_column, user_column = pa.array(self.movie_ids, pa.int32()), pa.array(self.user_ids, pa.int32())
        columns = {
            USER_FACTORS_FILE: {
                "user_id": user_column,
                "features": pa.FixedSizeListArray.from_arrays(pa.array(self.user_factors.ravel()), rank),
            },
            MOVIE_FACTORS_FILE: {
                "movie_id": movie_column,
                "features": pa.FixedSizeListArray.from_arrays(pa.array(self.movie_factors.ravel()), rank),
                "gain": pa.array(self.movie_gain),
                "prior": pa.array(self.movie_prior),
            },
            NEIGHBOURS_FILE: {
                "movie_id": movie_column.take(_owners(self.neighbours.starts)),
                "neighbour_id": movie_column.take(pa.array(self.neighbours.columns)),
                "weight": pa.array(self.neighbours.weights),
            },
            PROFILES_FILE: {
                "user_id": user_column.take(_owners(self.profiles.starts)),
                "movie_id": movie_column.take(pa.array(self.profiles.columns)),
                "weight": pa.array(self.profiles.weights),
            },
        }
        for name, table in columns.items():
            pq.write_table(pa.table(table), folder / name)
        text = json.dumps({"settings": asdict(self.settings), "trained_until": self.trained_until}, indent=2)
        (folder / SETTINGS_FILE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> FactorModel:
        """Read what `save` wrote; raises TypeError when its settings are not those of this version."""
        users, movies = pq.read_table(folder / USER_FACTORS_FILE), pq.read_table(folder / MOVIE_FACTORS_FILE)
        about = json.loads((folder / SETTINGS_FILE).read_text(encoding="utf-8"))
        settings = Settings(**about["settings"])
        if len(about["settings"]) < len(fields(Settings)):
            raise TypeError("the model was trained without some of the settings that there are now")
        user_ids, movie_ids = _ids(users["user_id"]), _ids(movies["movie_id"])
        near, rated = pq.read_table(folder / NEIGHBOURS_FILE), pq.read_table(folder / PROFILES_FILE)
        return cls(
            user_ids,
            _matrix(users["features"], settings.rank),
            movie_ids,
            _matrix(movies["features"], settings.rank),
            movies["gain"].to_numpy().astype(np.float32),
            movies["prior"].to_numpy().astype(np.float32),
            Neighbours(
                _starts(movie_ids, _ids(near["movie_id"])),
                positions(movie_ids, _ids(near["neighbour_id"])),
                near["weight"].to_numpy().astype(np.float32),
            ),
            Incidence(
                _starts(user_ids, _ids(rated["user_id"])),
                positions(movie_ids, _ids(rated["movie_id"])),
                rated["weight"].to_numpy().astype(np.float32),
            ),
            settings,
            int(about["trained_until"]),
        )


def _owners(starts: IntArray) -> pa.Array:
    """Return whose each entry is, as a position, for entries that begin at `starts`."""
    return pa.array(np.repeat(np.arange(len(starts) - 1), np.diff(starts)))


def _starts(ids: IntArray, owners: IntArray) -> IntArray:
    """Return where each id's entries begin among `owners`, ascending; one more for the end."""
    return np.append(np.searchsorted(owners, ids), len(owners)).astype(np.int64)


def _ids(column: pa.ChunkedArray) -> IntArray:
    return np.asarray(column.to_numpy().astype(np.int64))


def _matrix(column: pa.ChunkedArray, rank: int) -> Float32Array:
    flat = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat, dtype=np.float32).reshape(-1, rank)

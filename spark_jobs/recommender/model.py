"""The trained model: factors, neighbours, gain, prior and settings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from recommender.arrays import AnyArray, BoolArray, Float32Array, IntArray
from recommender.incidence import Incidence
from recommender.neighbours import Neighbours
from recommender.parts.on_disk import on_disk
from recommender.ratings import positions
from recommender.settings import ONCE_CONSTANT, TrainingSettings
from recommender.top_n import top_n_of_scores

# The name of a saved model's folder among the artifacts of its version in MLflow.
FACTORS_ARTIFACT = "factors"
USER_FACTORS_FILE = "user_factors.parquet"
MOVIE_FACTORS_FILE = "item_factors.parquet"
NEIGHBOURS_FILE = "movie_neighbours.parquet"
PROFILES_FILE = "profiles.parquet"
SETTINGS_FILE = "settings.json"
# Profiles are as long as there are ratings: this many pass through memory at once.
ENTRIES_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class FactorModel:
    """All parts of a score, with the settings of their training.

    docs/model.md has the formula, and how to compute it without this code:

    personal = user_factors · movie_factors + sum over the user's profile of weight * neighbour weight
    score = movie_gain * personal / (the user's greatest personal score) + movie_prior

    Shapes: user_ids (users,), user_factors (users, rank), movie_ids (movies,), movie_factors (movies, rank), movie_gain and
    movie_prior (movies,). Ids ascend. `neighbours` are by movie. `profiles` are by user: the rated movies and the weights of the
    ratings. `trained_until` is the time of the newest rating, in Unix seconds UTC.
    """

    user_ids: IntArray
    user_factors: Float32Array
    movie_ids: IntArray
    movie_factors: Float32Array
    movie_gain: Float32Array
    movie_prior: Float32Array
    neighbours: Neighbours
    profiles: Incidence
    settings: TrainingSettings = field(default_factory=TrainingSettings)
    trained_until: int = 0

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit together."""
        users, movies, rank = len(self.user_ids), len(self.movie_ids), self.movie_factors.shape[1]
        shapes = (
            *(self.user_factors.shape, self.movie_factors.shape, self.movie_gain.shape, self.movie_prior.shape),
            *(self.neighbours.starts.shape, self.profiles.starts.shape),
        )
        if shapes != ((users, rank), (movies, rank), (movies,), (movies,), (movies + 1,), (users + 1,)):
            raise ValueError(f"The model's arrays do not fit together. Their shapes are {shapes}.")

    def sha256(self) -> str:
        """Return the SHA-256 of all arrays as little-endian bytes.

        The same model gives the same digest.
        """
        digest = hashlib.sha256()
        whole = (self.user_ids, self.movie_ids, self.neighbours.starts, self.neighbours.columns)
        for ids in (*whole, self.profiles.starts, self.profiles.columns):
            _add(digest, ids, "<i8")
        fractions = (self.user_factors, self.movie_factors, self.movie_gain, self.movie_prior, self.neighbours.weights)
        for values in (*fractions, self.profiles.weights):
            _add(digest, values, "<f4")
        return digest.hexdigest()

    def factors_of(self, users: IntArray) -> Float32Array:
        """Return the factors of these users, (users, rank), and zeros for unknown users."""
        where = positions(self.user_ids, users)
        none = np.zeros((len(users), self.movie_factors.shape[1]))
        factors = self.user_factors[where] if len(self.user_ids) else none
        return np.asarray(np.where(where[:, None] >= 0, factors, 0), dtype=np.float32)

    def profiles_of(self, users: IntArray) -> Incidence:
        """Return the profiles of these users, and empty ones for unknown users."""
        where = positions(self.user_ids, users)
        lengths = np.where(where >= 0, np.diff(self.profiles.starts, append=0)[where], 0)
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        at = np.repeat(self.profiles.starts[where] - starts[:-1], lengths) + np.arange(starts[-1])
        return Incidence(starts, self.profiles.columns[at], self.profiles.weights[at])

    def personal(self, factors: Float32Array, profiles: Incidence) -> Float32Array:
        """Return the personal scores of all movies for users, (users, movies).

        `factors`, (users, rank), and `profiles` are those of the users.
        """
        scores: Float32Array = factors @ self.movie_factors.T
        if len(self.neighbours.columns):
            neighbours, weights = self.neighbours.to_neighbours
            scores[:, neighbours] += (profiles.matrix(len(self.movie_ids)) @ weights).toarray()
        return scores

    def scores(self, factors: Float32Array, profiles: Incidence) -> Float32Array:
        """Return the scores of all movies for users, (users, movies).

        The parameters are those of `personal`.
        """
        return self._blended(self.personal(factors, profiles))

    def _blended(self, personal: Float32Array) -> Float32Array:
        """Return the scores that follow from personal ones, which are overwritten."""
        greatest = personal.max(axis=1, keepdims=True, initial=0)
        personal *= np.divide(1, greatest, out=np.zeros_like(greatest), where=greatest > 0)
        personal *= self.movie_gain
        personal += self.movie_prior
        return personal

    def top_n(
        self, factors: Float32Array, profiles: Incidence, n: int, among: BoolArray | None = None
    ) -> tuple[IntArray, Float32Array]:
        """Return the n best movies of each user as columns, and their scores.

        Movies of the user's profile are left out, and so are those not `among`, (movies,). Both results are (users, n). A list with fewer
        movies ends in NO_MOVIE with -inf. Of equal scores, the smaller movie_id comes first.
        """
        return self.best_of(self.personal(factors, profiles), profiles, n, among)

    def best_of(
        self, personal: Float32Array, profiles: Incidence, n: int, among: BoolArray | None = None
    ) -> tuple[IntArray, Float32Array]:
        """Return what `top_n` does, from personal scores, which are overwritten."""
        scores = self._blended(personal)
        if among is not None:
            scores[:, ~among] = -np.inf
        scores[np.repeat(np.arange(len(scores)), np.diff(profiles.starts)), profiles.columns] = -np.inf
        return top_n_of_scores(scores, n)

    def _profiles_in_pieces(self) -> Iterator[Incidence]:
        """Yield the profiles of runs of users, each with about ENTRIES_AT_ONCE entries."""
        first, users = 0, len(self.user_ids)
        while first < users:
            end = self.profiles.starts[first] + ENTRIES_AT_ONCE
            last = max(first + 1, int(np.searchsorted(self.profiles.starts, end, side="right")) - 1)
            yield self.profiles.rows(first, last)
            first = last

    def save(self, folder: Path) -> None:
        """Write the model into an existing folder: four Parquet files and a JSON file."""
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
        }
        for name, table in columns.items():
            pq.write_table(pa.table(table), folder / name)
        schema = pa.schema([("user_id", pa.int32()), ("movie_id", pa.int32()), ("weight", pa.float32())])
        with pq.ParquetWriter(folder / PROFILES_FILE, schema) as writer:
            for part in self._profiles_in_pieces():
                writer.write_table(
                    pa.table(
                        [
                            user_column.take(pa.array(part.first + part.owners())),
                            movie_column.take(pa.array(part.columns)),
                            pa.array(part.weights.astype(np.float32)),
                        ],
                        schema=schema,
                    )
                )
        text = json.dumps({"settings": asdict(self.settings), "trained_until": self.trained_until}, indent=2)
        (folder / SETTINGS_FILE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> FactorModel:
        """Return the model that `save` wrote.

        Raises TypeError when its settings are not those of this version of the code, and ValueError when one is out of
        bounds.
        """
        users, movies = pq.read_table(folder / USER_FACTORS_FILE), pq.read_table(folder / MOVIE_FACTORS_FILE)
        about = json.loads((folder / SETTINGS_FILE).read_text(encoding="utf-8"))
        settings = TrainingSettings(**about["settings"])
        if {option.name for option in fields(TrainingSettings)} - set(about["settings"]) - set(ONCE_CONSTANT):
            raise TypeError("The model was trained without some of the present settings. Train the batch again.")
        user_ids, movie_ids = _ids(users["user_id"]), _ids(movies["movie_id"])
        near = pq.read_table(folder / NEIGHBOURS_FILE)
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
            _profiles(folder / PROFILES_FILE, user_ids, movie_ids),
            settings,
            int(about["trained_until"]),
        )


def _profiles(file: Path, user_ids: IntArray, movie_ids: IntArray) -> Incidence:
    """Return the profiles that `save` wrote; they stay on the disk."""
    lengths = np.zeros(len(user_ids), dtype=np.int64)

    def pieces() -> Iterator[tuple[IntArray, Float32Array]]:
        for batch in pq.ParquetFile(file).iter_batches(ENTRIES_AT_ONCE):
            users, movies = (batch.column(name).to_numpy().astype(np.int64) for name in ("user_id", "movie_id"))
            np.add.at(lengths, positions(user_ids, users), 1)
            yield positions(movie_ids, movies), batch.column("weight").to_numpy()

    columns, weights = on_disk(pieces(), (np.int32, np.float32))
    return Incidence(np.concatenate([[0], np.cumsum(lengths)]), columns, weights)


def _add(digest: hashlib._Hash, values: AnyArray, kind: str) -> None:
    for start in range(0, len(values), ENTRIES_AT_ONCE):
        digest.update(np.ascontiguousarray(values[start : start + ENTRIES_AT_ONCE], dtype=kind).data)


def _owners(starts: IntArray) -> pa.Array:
    """Return each entry's owner, for owners whose entries begin at `starts`."""
    return pa.array(np.repeat(np.arange(len(starts) - 1), np.diff(starts)))


def _starts(ids: IntArray, owners: IntArray) -> IntArray:
    """Return where each id's entries begin among `owners`, and where the last end.

    The owners ascend.
    """
    return np.append(np.searchsorted(owners, ids), len(owners)).astype(np.int64)


def _ids(column: pa.ChunkedArray) -> IntArray:
    return np.asarray(column.to_numpy().astype(np.int64))


def _matrix(column: pa.ChunkedArray, rank: int) -> Float32Array:
    flat = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat, dtype=np.float32).reshape(-1, rank)

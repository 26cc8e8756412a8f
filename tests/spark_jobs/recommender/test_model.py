from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recommender.incidence import Incidence
from recommender.model import FactorModel
from recommender.neighbours import Neighbours
from recommender.settings import TrainingSettings
from recommender.top_n import NO_MOVIE

# Every value is a small dyadic fraction, and one movie, a neighbour of none, has the greatest personal score of every user: 16, others
# at most 4 + 8. So all sums and quotients are exact in single precision too, and what ties by the formula ties to the last bit.
GREATEST = 16.0


@st.composite
def models(draw: st.DrawFn) -> FactorModel:
    users, movies = draw(st.integers(1, 4)), draw(st.integers(1, 8))
    greatest = draw(st.integers(0, movies - 1))

    def values(options: list[float], *shape: int) -> np.ndarray:
        flat = draw(st.lists(st.sampled_from(options), min_size=int(np.prod(shape)), max_size=int(np.prod(shape))))
        return np.array(flat, dtype=np.float32).reshape(shape)

    def rows(count: int, among: list[int]) -> tuple[Any, ...]:
        columns = [sorted(m for m in among if draw(st.booleans())) for _ in range(count)]
        starts = np.cumsum([0, *map(len, columns)])
        return starts, np.array([c for row in columns for c in row], dtype=np.int64), values([0.5, 1], starts[-1])

    user_factors = np.hstack([values([-1, 0, 1], users, 2), np.ones((users, 1))]).astype(np.float32)
    movie_factors = np.hstack([values([-2, 0, 2], movies, 2), np.zeros((movies, 1))]).astype(np.float32)
    movie_factors[greatest] = [0, 0, GREATEST]
    gain, prior = values([0.5, 1], movies), values([0, 0.25, 0.5], movies)
    near = rows(movies, [m for m in range(movies) if m != greatest])
    profiles = rows(users, list(range(movies)))
    ids = np.arange(users, dtype=np.int64), np.arange(movies, dtype=np.int64) * 10
    return FactorModel(
        ids[0], user_factors, ids[1], movie_factors, gain, prior, Neighbours(*near), Incidence(*profiles)
    )


@given(models(), st.integers(1, 12))
def test_lists_equal_brute_force_with_ties_seen_movies_and_lists_longer_than_the_catalogue(
    model: FactorModel, n: int
) -> None:
    columns, scores = model.top_n(model.user_factors, model.profiles, n)
    near = model.neighbours.matrix.toarray().tolist()
    for user, factors in enumerate(model.user_factors.tolist()):
        own = slice(*model.profiles.starts[user : user + 2].tolist())
        profile = dict(zip(model.profiles.columns[own].tolist(), model.profiles.weights[own].tolist(), strict=True))
        personal = [
            sum(x * y for x, y in zip(factors, movie, strict=True))
            + sum(weight * near[rated][at] for rated, weight in profile.items())
            for at, movie in enumerate(model.movie_factors.tolist())
        ]
        exact = {
            at: float(model.movie_gain[at]) * value / max(personal) + float(model.movie_prior[at])
            for at, value in enumerate(personal)
            if at not in profile
        }
        best = sorted(exact, key=lambda at: (-exact[at], at))[:n]
        assert columns[user].tolist() == best + [NO_MOVIE] * (n - len(best))
        assert scores[user].tolist() == [exact[at] for at in best] + [-np.inf] * (n - len(best))


# Files take some time.
@settings(max_examples=20)
@given(models(), st.integers(1, 5))
def test_a_model_that_was_saved_piece_by_piece_is_the_same(model: FactorModel, at_once: int) -> None:
    model = replace(model, settings=TrainingSettings(rank=3))
    whole = model.sha256()
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as folder:
        patch.setattr("recommender.model.ENTRIES_AT_ONCE", at_once)
        model.save(Path(folder))
        loaded = FactorModel.load(Path(folder))
        assert model.sha256() == loaded.sha256() == whole
    for name in ("starts", "columns", "weights"):
        assert getattr(loaded.profiles, name).tolist() == getattr(model.profiles, name).tolist()

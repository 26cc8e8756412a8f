import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from recommender.attributes import MovieAttributes
from recommender.discovery import Discovery
from recommender.model import SETTINGS_FILE, FactorModel
from recommender.published.reasons import best_reasons, contributions, in_words
from recommender.published.user_lists import Recommender
from recommender.ratings import Ratings
from recommender.settings import TrainingSettings
from recommender.top_n import NO_MOVIE
from recommender.training import train

SETTINGS = TrainingSettings(rank=8, max_iter=3, neighbours=5)
AS_OF = 2_000_000_000
# Of every other movie nothing is known.
KNOWN = list(range(20, 401, 20))
ATTRIBUTES = MovieAttributes.from_columns(
    KNOWN, ["Drama" if movie % 3 else "Drama|War" for movie in KNOWN], [1990 + movie // 100 for movie in KNOWN]
)


@pytest.fixture
def ratings(generator: np.random.Generator) -> Ratings:
    user, movie = np.nonzero(generator.random((30, 40)) < 0.3)
    return Ratings.from_columns(
        {
            "user_id": user + 1,
            "movie_id": (movie + 1) * 10,
            "rating": generator.integers(1, 11, len(user)) / 2,
            "rated_at": AS_OF - generator.integers(0, 10**8, len(user)),
        }
    )


def test_the_same_ratings_in_another_order_give_the_same_bits(ratings: Ratings, generator: np.random.Generator) -> None:
    order = generator.permutation(len(ratings))
    names = ("user_id", "movie_id", "rating", "rated_at")
    shuffled = Ratings.from_columns({name: getattr(ratings, name)[order] for name in names})
    assert train(shuffled, SETTINGS, AS_OF, ATTRIBUTES).sha256() == train(ratings, SETTINGS, AS_OF, ATTRIBUTES).sha256()


def test_another_seed_gives_another_model(ratings: Ratings) -> None:
    other = TrainingSettings(rank=8, max_iter=3, seed=1)
    assert train(ratings, other, AS_OF, ATTRIBUTES).sha256() != train(ratings, SETTINGS, AS_OF, ATTRIBUTES).sha256()


@pytest.mark.parametrize("setting", ["genre_weight", "year_weight"])
def test_genres_and_years_change_the_neighbours_alone(ratings: Ratings, setting: str) -> None:
    with_it, without = (train(ratings, replace(SETTINGS, **{setting: w}), AS_OF, ATTRIBUTES) for w in (3.0, 0.0))
    assert with_it.movie_factors.tolist() == without.movie_factors.tolist()
    assert with_it.movie_prior.tolist() == without.movie_prior.tolist()
    assert with_it.neighbours.weights.tolist() != without.neighbours.weights.tolist()


def test_a_model_without_one_of_the_settings_is_refused(ratings: Ratings, tmp_path: Path) -> None:
    train(ratings, SETTINGS, AS_OF, ATTRIBUTES).save(tmp_path)
    about = json.loads((tmp_path / SETTINGS_FILE).read_text())
    del about["settings"]["year_weight"]
    (tmp_path / SETTINGS_FILE).write_text(json.dumps(about))
    with pytest.raises(TypeError, match="without some of the present settings"):
        FactorModel.load(tmp_path)


def test_a_model_from_before_a_constant_became_a_setting_has_the_constant(ratings: Ratings, tmp_path: Path) -> None:
    train(ratings, SETTINGS, AS_OF, ATTRIBUTES).save(tmp_path)
    about = json.loads((tmp_path / SETTINGS_FILE).read_text())
    assert about["settings"].pop("largest_system") == 6_000
    (tmp_path / SETTINGS_FILE).write_text(json.dumps(about))
    assert FactorModel.load(tmp_path).settings == SETTINGS


def test_a_smaller_largest_system_has_the_most_rated_movies_alone(ratings: Ratings) -> None:
    whole, small = (train(ratings, replace(SETTINGS, **own), AS_OF, ATTRIBUTES) for own in ({}, {"largest_system": 9}))
    assert small.movie_factors.tolist() == whole.movie_factors.tolist()
    counts = np.bincount(ratings.movie_id // 10 - 1)
    with_neighbours = np.flatnonzero(np.diff(small.neighbours.starts))
    assert with_neighbours.tolist() == np.sort(np.argsort(-counts, kind="stable")[:9]).tolist()
    assert np.count_nonzero(np.diff(whole.neighbours.starts)) > 20


def test_a_saved_model_loads_with_the_same_digest(ratings: Ratings, tmp_path: Path) -> None:
    model = train(ratings, SETTINGS, AS_OF, ATTRIBUTES)
    model.save(tmp_path)
    loaded = FactorModel.load(tmp_path)
    assert (loaded.sha256(), loaded.settings, loaded.trained_until) == (model.sha256(), SETTINGS, model.trained_until)


@pytest.mark.parametrize(
    "name", ["user_ids", "user_factors", "movie_ids", "movie_factors", "movie_gain", "movie_prior"]
)
def test_the_digest_depends_on_every_array(ratings: Ratings, name: str) -> None:
    model = train(ratings, SETTINGS, AS_OF, ATTRIBUTES)
    changed = getattr(model, name).copy()
    changed[-1] += 1
    assert replace(model, **{name: changed}).sha256() != model.sha256()


@pytest.mark.parametrize("part", ["neighbours", "profiles"])
@pytest.mark.parametrize("name", ["columns", "weights"])
def test_the_digest_depends_on_neighbours_and_profiles(ratings: Ratings, part: str, name: str) -> None:
    model = train(ratings, SETTINGS, AS_OF, ATTRIBUTES)
    changed = getattr(getattr(model, part), name).copy()
    changed[-1] += 1
    assert replace(model, **{part: replace(getattr(model, part), **{name: changed})}).sha256() != model.sha256()


def test_contributions_of_the_rated_movies_add_up_to_the_personal_score(ratings: Ratings) -> None:
    model = train(ratings, SETTINGS, AS_OF, ATTRIBUTES)
    factors = model.movie_factors.astype(np.float64)
    everything = np.arange(len(model.movie_ids))
    user = np.array([3])
    profile = model.profiles_of(user)
    added = contributions(model, factors.T @ factors, everything, profile.columns, profile.weights)
    neighbours = profile.weights @ model.neighbours.between(profile.columns, everything)
    assert neighbours.max() > 0
    assert added.sum(axis=1) == pytest.approx(factors @ model.factors_of(user)[0] + neighbours, abs=1e-5)


def test_lists_are_those_of_the_formula_for_every_user(ratings: Ratings) -> None:
    model = train(ratings, SETTINGS, AS_OF, ATTRIBUTES)
    columns, scores = model.top_n(model.user_factors, model.profiles, 10)
    for user in range(len(model.user_ids)):
        own = slice(model.profiles.starts[user], model.profiles.starts[user + 1])
        weights = dict(zip(model.profiles.columns[own].tolist(), model.profiles.weights[own].tolist(), strict=True))
        personal = []
        for movie in range(len(model.movie_ids)):
            added = float(model.user_factors[user] @ model.movie_factors[movie])
            for rated, weight in weights.items():
                near = slice(model.neighbours.starts[rated], model.neighbours.starts[rated + 1])
                at = np.flatnonzero(model.neighbours.columns[near] == movie)
                added += weight * float(model.neighbours.weights[near][at].sum())
            personal.append(added)
        best = max(personal)
        exact = {
            m: float(model.movie_gain[m]) * personal[m] / best + float(model.movie_prior[m])
            for m in range(len(personal))
            if m not in weights
        }
        assert scores[user] == pytest.approx(sorted(exact.values(), reverse=True)[:10], abs=1e-5)
        assert [exact[m] for m in columns[user]] == pytest.approx(sorted(exact.values(), reverse=True)[:10], abs=1e-5)


def test_an_unknown_user_s_list_is_what_is_popular_of_late(ratings: Ratings) -> None:
    model = train(ratings, SETTINGS, AS_OF, ATTRIBUTES)
    nobody = np.array([999])
    columns, scores = model.top_n(model.factors_of(nobody), model.profiles_of(nobody), 3)
    assert columns[0].tolist() == np.argsort(-model.movie_prior, kind="stable")[:3].tolist()
    assert scores[0].tolist() == pytest.approx(model.movie_prior[columns[0]].tolist())


def test_reasons_are_liked_movies_that_add_most_and_ties_go_to_the_first() -> None:
    added = np.array([[0.2, 0.5, 0.2, -0.1], [0.0, 0.9, 0.0, 0.0], [0.1, 0.5, 0.0, 0.3]])
    reasons = best_reasons(added, np.array([1, 0, 1, 1]), n=2)
    assert reasons.tolist() == [[0, 2], [NO_MOVIE, NO_MOVIE], [3, 0]]
    assert best_reasons(added[:, :1], np.array([1]), n=2).tolist() == [[0, NO_MOVIE], [NO_MOVIE] * 2, [0, NO_MOVIE]]


def test_reasons_are_written_as_ids_joined_by_commas() -> None:
    reasons = np.array([[300, 7, NO_MOVIE], [NO_MOVIE] * 3, [9, 1, 2_000_000_000]])
    assert in_words(reasons) == ["300,7", "", "9,1,2000000000"]
    assert in_words(reasons[:0]) == []


def test_a_movie_in_both_lists_of_a_user_has_the_same_reasons_in_both(ratings: Ratings) -> None:
    model = train(ratings, SETTINGS, AS_OF, ATTRIBUTES)
    everything = np.ones(len(model.movie_ids), dtype=np.bool_)
    discovery = Discovery(everything, model.movie_prior, np.zeros(len(everything), dtype=np.float32))
    tables = Recommender.of(model, 20, discovery, 20, AS_OF).lists(ratings)
    reasons = [
        dict(zip(zip(t["user_id"], t["movie_id"], strict=True), t["reason_movie_ids"], strict=True)) for t in tables
    ]
    both = set(reasons[0]) & set(reasons[1])
    assert len(both) > 20
    assert {pair: reasons[0][pair] for pair in both} == {pair: reasons[1][pair] for pair in both}
    alone = Recommender.of(model, 20).recommend(ratings)
    assert list(alone["reason_movie_ids"]) == list(tables[0]["reason_movie_ids"])


def test_lists_hold_nothing_seen_and_ranks_run_from_one(ratings: Ratings) -> None:
    model = train(ratings, SETTINGS, AS_OF, ATTRIBUTES)
    rows = pd.DataFrame(Recommender.of(model, 5).recommend(ratings))
    seen = set(zip(ratings.user_id.tolist(), ratings.movie_id.tolist(), strict=True))
    assert not seen & set(zip(rows["user_id"].tolist(), rows["movie_id"].tolist(), strict=True))
    assert rows.groupby("user_id")["rank"].apply(list).tolist() == [[1, 2, 3, 4, 5]] * 30


def test_no_ratings_are_refused() -> None:
    none = np.zeros(0)
    empty = Ratings.from_columns({"user_id": none, "movie_id": none, "rating": none, "rated_at": none})
    with pytest.raises(ValueError, match="no ratings to train on"):
        train(empty, SETTINGS, AS_OF, ATTRIBUTES)


def test_a_pair_rated_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="User 1 rated movie 2 more than once"):
        Ratings.from_columns({"user_id": [1, 1], "movie_id": [2, 2], "rating": [3.0, 4.0], "rated_at": [1, 2]})


def test_what_a_user_only_saw_is_in_no_list_of_the_user_and_changes_no_score() -> None:
    generator = np.random.default_rng(3)
    user, movie = np.nonzero(generator.random((30, 20)) < 0.3)
    columns = {"user_id": user + 1, "movie_id": movie + 1, "rating": np.full(len(user), 4.0), "rated_at": user * 0 + 1}
    ratings = Ratings.from_columns(columns)
    model = train(ratings, TrainingSettings(rank=4, max_iter=1), 2, MovieAttributes.none())
    recommender = Recommender.of(model, 20)
    before = pd.DataFrame(recommender.recommend(ratings))
    first = before[before["user_id"] == 7].iloc[0]
    # User 7 saw the first movie of the list, user 9 movie 99 that nobody rated, and user 77 rated nothing.
    marks = {
        "user_id": np.array([7, 9, 77]),
        "movie_id": np.array([first["movie_id"], 99, 3]),
        "rating": np.zeros(3),
        "rated_at": np.ones(3),
    }
    both = Ratings.from_columns({name: np.concatenate([columns[name], marks[name]]) for name in marks})
    after = pd.DataFrame(recommender.recommend(both))
    expected = before.drop(first.name)
    assert after["movie_id"].tolist() == expected["movie_id"].tolist()
    assert after["score"].tolist() == expected["score"].tolist()
    assert after["reason_movie_ids"].tolist() == expected["reason_movie_ids"].tolist()

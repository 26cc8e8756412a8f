from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.publications.format import PublicationError
from serving.publications.newcomers.factor_table import FactorTable
from serving.publications.newcomers.fold_in import FoldIn, Rating, Reason

from ...conftest import FOLD_IN

IDENTITY = FactorTable(
    np.array([10, 20, 30, 40]),
    np.array([1.0, 1.0, 0.5, 1.0], dtype=np.float32),
    np.array([0.0, 0.0, 0.25, 0.25], dtype=np.float32),
    np.array([[1, 0], [0, 1], [1, 1], [0, 0]], dtype=np.float32),
)


def no_neighbours(_movie_id: int) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32)


MODEL = FoldIn(IDENTITY, no_neighbours, FOLD_IN)


def test_one_rating_is_folded_in_as_worked_out_by_hand() -> None:
    """Gram [[2, 1], [1, 2]]; movie 10 of weight 1 adds alpha 2 at (0, 0) and reg .5 on the diagonal.

    [[4.5, 1], [1, 2.5]] x = 3 (1, 0), so x = 3 (2.5, -1) / 10.25 = (.731707, -.292683). The greatest personal score is
    that of the rated movie 10, .731707. Movie 30 has .439024, or .6 of it: .5 x .6 + .25; movie 20 has -.4 of it; movie
    40 has no factors: its score is its prior.
    """
    found = MODEL.recommend([Rating(10, 5.0)], 10)
    assert [entry.movie_id for entry in found] == [30, 40, 20]
    assert [entry.score for entry in found] == pytest.approx([0.55, 0.25, -0.4], abs=1e-6)
    assert [entry.personal for entry in found] == pytest.approx([0.3, 0.0, -0.4], abs=1e-6)
    assert found[0].because == [Reason(10, pytest.approx(0.3, abs=1e-6))]
    assert found[2].because == [], "a movie that takes from a score is no reason"


def test_neighbours_of_a_rated_movie_gain_by_their_weight_times_the_ratings() -> None:
    def neighbours(movie_id: int) -> tuple[np.ndarray, np.ndarray]:
        near = {10: ([40, 99], [0.5, 9.0]), 20: ([40], [0.25])}[movie_id]
        return np.array(near[0]), np.array(near[1], dtype=np.float32)

    model = FoldIn(IDENTITY, neighbours, FOLD_IN)
    # .5 / .731707 + .25; movie 99 is not in the model.
    first = model.recommend([Rating(10, 5.0)], 1)[0]
    assert (first.movie_id, first.score) == (40, pytest.approx(0.933333, abs=1e-6))
    assert first.because == [Reason(10, pytest.approx(0.683333, abs=1e-6))]
    # Movie 10 was rated a half-life before 20, so its neighbours get half: .25 of 10 and .25 of 20, equal reasons.
    both = model.recommend([Rating(10, 5.0, 0), Rating(20, 5.0, 30 * 86_400)], 1)[0]
    assert [reason.movie_id for reason in both.because] == [10, 20]
    assert both.because[0].adds == pytest.approx(both.because[1].adds)


def test_each_recommended_movie_names_what_its_own_neighbours_add() -> None:
    # Without factors: movie 30 has .5 of 10, movie 40 has .25 of 10 and .5 of 20, the greatest sum, by which all are divided.
    def neighbours(movie_id: int) -> tuple[np.ndarray, np.ndarray]:
        near = {10: ([20, 99, 30, 40], [-0.5, 9.0, 0.5, 0.25]), 20: ([40], [0.5])}[movie_id]
        return np.array(near[0]), np.array(near[1], dtype=np.float32)

    table = FactorTable(
        IDENTITY.movie_ids, np.ones(4, np.float32), np.zeros(4, np.float32), np.zeros((4, 2), np.float32)
    )
    found = FoldIn(table, neighbours, FOLD_IN).recommend([Rating(20, 5.0), Rating(10, 5.0)], 10)
    assert [(entry.movie_id, entry.because) for entry in found] == [
        (40, [Reason(20, pytest.approx(2 / 3)), Reason(10, pytest.approx(1 / 3))]),
        (30, [Reason(10, pytest.approx(2 / 3))]),
    ]
    assert [entry.score for entry in found] == pytest.approx([1.0, 2 / 3])


# Ids near one another are looked up in a table, those far apart by a binary search.
@pytest.mark.parametrize("greatest", [30, 2_147_483_647])
def test_a_movie_is_found_by_its_id_and_any_other_id_is_not(greatest: int) -> None:
    table = FactorTable(
        np.array([10, 20, greatest]), *(np.zeros(3, dtype=np.float32),) * 2, np.zeros((3, 1), np.float32)
    )
    wanted = [greatest, 15, 10, 0, -10, -22, 20, greatest - 1, greatest + 1, greatest + 12, 20]
    assert table.positions(wanted).tolist() == [2, -1, 0, -1, -1, -1, 1, -1, -1, -1, 1]
    assert table.positions([]).tolist() == []


def test_ids_far_apart_take_no_table_as_long_as_the_greatest() -> None:
    ids = np.array([10, 20, 10_000_000])
    tracemalloc.start()
    FactorTable(ids, *(np.zeros(3, dtype=np.float32),) * 2, np.zeros((3, 1), np.float32)).positions(ids)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100_000


def test_a_rating_weighs_half_for_each_half_life_before_the_newest_and_no_less_than_the_least() -> None:
    day = 86_400
    ratings = [
        Rating(1, 5, 1000 * day),
        Rating(2, 5, 970 * day),
        Rating(3, 5, 940 * day),
        Rating(4, 5, 0),
        Rating(5, 5),
    ]
    assert MODEL.weights(ratings).tolist() == pytest.approx([1.0, 0.5, 0.25, 0.02, 1.0])


def test_a_person_of_whom_no_rated_movie_is_known_gets_what_is_popular() -> None:
    found = MODEL.recommend([Rating(99, 5.0)], 2)
    assert [(entry.movie_id, entry.score, entry.because) for entry in found] == [(30, 0.25, []), (40, 0.25, [])]


def test_only_movies_that_the_filter_keeps_are_recommended() -> None:
    assert [entry.movie_id for entry in MODEL.recommend([Rating(10, 5.0)], 1, lambda movie_id: movie_id != 30)] == [40]
    assert MODEL.recommend([Rating(10, 5.0)], 5, lambda _: False) == []


def test_disliked_movies_are_no_reasons() -> None:
    found = MODEL.recommend([Rating(10, 1.0), Rating(20, 5.0)], 1)
    assert [reason.movie_id for reason in found[0].because] == [20]


@pytest.mark.parametrize("broken", [None, {}, {**FOLD_IN, "rank": 3}, {**FOLD_IN, "alpha": "2"}])
def test_settings_that_do_not_fit_the_factors_are_refused(broken: dict[str, object] | None) -> None:
    with pytest.raises(PublicationError, match=r"top_n\.fold_in does not fit the movie factors"):
        FoldIn(IDENTITY, no_neighbours, broken)


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_what_the_rated_movies_add_sums_to_the_personal_part_and_nothing_rated_comes_back(data: st.DataObject) -> None:
    random = np.random.default_rng(data.draw(st.integers(0, 10_000)))
    movies = data.draw(st.integers(2, 40))
    table = FactorTable(
        np.arange(1, movies + 1),
        random.random(movies).astype(np.float32),
        random.random(movies).astype(np.float32),
        random.normal(size=(movies, 2)).astype(np.float32),
    )
    near = {j: random.permutation(movies + 3)[: random.integers(movies + 3)] + 1 for j in range(1, movies + 1)}
    weights = {j: random.normal(size=len(ids)).astype(np.float32) for j, ids in near.items()}
    rated = data.draw(st.lists(st.integers(1, movies + 3), min_size=1, max_size=3, unique=True))
    found = FoldIn(table, lambda j: (near[j], weights[j]), FOLD_IN).recommend(
        [Rating(movie_id, 3.0) for movie_id in rated], movies
    )
    assert {entry.movie_id for entry in found} == set(range(1, movies + 1)) - set(rated)
    scores = [entry.score for entry in found]
    assert scores == sorted(scores, reverse=True)
    for entry in found:
        # Three ratings at most: all that add something are named, so only what takes away may be missing.
        assert sum(reason.adds for reason in entry.because) >= entry.personal - 1e-5

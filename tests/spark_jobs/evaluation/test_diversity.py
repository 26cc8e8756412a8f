import math

import numpy as np
import pytest
from evaluation.diversity import (
    BY_USER,
    Catalogue,
    expected_lists,
    mean_overlap,
    measures_by_user,
    miscalibration,
    novelty_by_user,
    serendipity,
    share_in,
    stratified_recall,
    tail_ndcg,
)
from evaluation.metrics import hits
from hypothesis import given
from hypothesis import strategies as st
from recommender.popularity import long_tail
from recommender.ratings import Ratings

DAY = 86_400


def ratings_of(pairs: list[tuple[int, int]], rated_at: int = 0) -> Ratings:
    users, movies = zip(*pairs, strict=True)
    return Ratings.from_columns(
        {"user_id": users, "movie_id": movies, "rating": [4.0] * len(pairs), "rated_at": [rated_at] * len(pairs)}
    )


# Movie 10 is Drama and Comedy, 20 Drama, 30 Comedy, 40 has no genre. Movie 10 has 4 ratings, 20 has 2, 30 and 40 one each.
GENRES = np.array([[1, 1], [1, 0], [0, 1], [0, 0]], dtype=bool)
BEFORE = ratings_of([(1, 10), (2, 10), (3, 10), (4, 10), (1, 20), (2, 20), (3, 30), (4, 40)])
CATALOGUE = Catalogue.of(BEFORE, GENRES, 0)


def test_the_head_is_the_fewest_most_rated_movies_that_hold_a_third_of_the_ratings() -> None:
    assert long_tail(np.array([2.0, 6.0, 3.0, 1.0])).tolist() == [True, False, True, True]
    assert long_tail(np.array([3.0, 3.0, 3.0])).tolist() == [False, True, True]
    # Two of ten are too few, so a second movie joins the head.
    assert long_tail(np.array([2.0, 1.0, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0])).tolist() == [False, True, False] + [True] * 5
    assert long_tail(np.array([])).tolist() == []


@given(st.lists(st.integers(1, 50), min_size=1, max_size=40))
def test_the_head_holds_a_third_and_would_not_without_its_least_movie(counts: list[int]) -> None:
    ratings = np.array(counts, dtype=float)
    head = ratings[~long_tail(ratings)]
    assert head.sum() * 3 >= ratings.sum() - 1e-9
    assert (head.sum() - head.min()) * 3 < ratings.sum() + 1e-9
    assert head.min() >= ratings[long_tail(ratings)].max(initial=0)


def test_overlap_is_the_mean_number_of_movies_that_two_lists_share() -> None:
    # Lists 1 and 2 share movies 2 and 3, lists 1 and 3 share movie 1, lists 2 and 3 share none: (2 + 1 + 0) / 3.
    assert mean_overlap(np.array([[1, 2, 3], [2, 3, 4], [1, 5, -1]])) == 1.0
    assert mean_overlap(np.array([[1, 2], [1, 2]])) == 2.0
    assert mean_overlap(np.array([[1, 2]])) == 0.0


@given(st.integers(0, 2**32 - 1), st.integers(2, 9), st.integers(1, 6))
def test_overlap_equals_the_mean_over_all_pairs(seed: int, users: int, k: int) -> None:
    generator = np.random.default_rng(seed)
    lists = np.array([generator.permutation(12)[:k] for _ in range(users)])
    pairs = [(a, b) for a in range(users) for b in range(a)]
    shared = [len(set(lists[a]) & set(lists[b])) for a, b in pairs]
    assert mean_overlap(lists) == pytest.approx(np.mean(shared))


def test_the_share_of_places_does_not_count_missing_places() -> None:
    members = np.array([True, False, True, False])
    found = share_in(np.array([[10, 20, 30], [20, 40, -1], [30, -1, -1]]), np.array([10, 20, 30, 40]), members)
    assert found.tolist() == [2 / 3, 0.0, 1.0]
    assert np.isnan(share_in(np.array([[-1]]), np.array([10]), np.array([True]))).all()


def test_the_recent_top_are_the_hundred_most_popular_recent_movies() -> None:
    many = ratings_of([(user, movie) for movie in range(1, 103) for user in range(1, 104 - movie)])
    top = Catalogue.of(many, np.zeros((102, 0), dtype=bool), 0).recent_top
    assert (top.sum(), top[:100].all()) == (100, True)


def test_novelty_by_user_is_the_mean_information_of_each_list() -> None:
    # 4 users: movie 10 was rated by all of them, 20 by half, 30 by a quarter.
    assert novelty_by_user(np.array([[10, 20, 30], [30, -1, -1]]), CATALOGUE).tolist() == [(0 + 1 + 2) / 3, 2.0]


def test_stratified_recall_counts_a_movie_with_four_ratings_half_as_much_as_one_with_one() -> None:
    users, test = np.array([1, 2]), ([1, 1, 2, 2], [10, 30, 10, 30])
    found = stratified_recall(np.array([[10, 20], [30, 20]]), users, np.array(test[0]), np.array(test[1]), CATALOGUE)
    # 1 / sqrt(4) and 1 / sqrt(1), each of their sum of 1.5.
    assert found.tolist() == pytest.approx([0.5 / 1.5, 1 / 1.5])


def test_a_tested_movie_without_ratings_counts_like_one_with_one_rating() -> None:
    found = stratified_recall(np.array([[30]]), np.array([3]), np.array([3, 3]), np.array([30, 99]), CATALOGUE)
    assert found.tolist() == [0.5]


@given(st.integers(0, 2**32 - 1))
def test_stratified_recall_is_between_0_and_1_and_1_where_all_tested_movies_are_listed(seed: int) -> None:
    generator = np.random.default_rng(seed)
    lists = np.array([generator.permutation([10, 20, 30, 40])[:2] for _ in range(4)])
    users = np.array([1, 2, 3, 4])
    own = stratified_recall(lists, users, np.repeat(users, 2), lists.ravel(), CATALOGUE)
    assert own.tolist() == pytest.approx([1.0] * 4)
    other = stratified_recall(lists, users, users, generator.choice([10, 20, 30, 40], 4), CATALOGUE)
    assert ((other >= 0) & (other <= 1)).all()


def test_miscalibration_is_the_divergence_of_a_lists_genres_from_the_persons() -> None:
    # User 1 rated 10 (half Drama, half Comedy) and 20 (Drama): 3/4 Drama, 1/4 Comedy.
    lists, users = np.array([[10, 20], [30, 30]]), np.array([1, 2])
    found = miscalibration(lists, users, BEFORE, CATALOGUE)
    drama, comedy = 0.01 * 0.75, 0.99 + 0.01 * 0.25
    assert found.tolist() == pytest.approx([0.0, 0.75 * math.log(0.75 / drama) + 0.25 * math.log(0.25 / comedy)])


def test_a_list_without_genres_has_no_calibration() -> None:
    assert np.isnan(miscalibration(np.array([[40, -1]]), np.array([1]), BEFORE, CATALOGUE)).all()


@given(st.integers(0, 2**32 - 1))
def test_miscalibration_is_never_negative(seed: int) -> None:
    generator = np.random.default_rng(seed)
    lists = np.array([generator.permutation([10, 20, 30])[:2] for _ in range(4)])
    assert (miscalibration(lists, np.array([1, 2, 3, 4]), BEFORE, CATALOGUE) >= -1e-12).all()


def test_the_expected_list_is_recent_popularity_without_what_the_user_rated() -> None:
    assert expected_lists(np.array([1, 4]), BEFORE, CATALOGUE, 3).tolist() == [[30, 40, -1], [20, 30, -1]]


def test_serendipity_counts_hits_that_popularity_would_not_have_shown() -> None:
    lists = np.array([[1, 2, 3, 4], [1, 2, -1, -1]])
    hit = np.array([[True, True, False, False], [True, False, False, False]])
    assert serendipity(lists, hit, np.array([[2, 9], [7, 8]])).tolist() == [0.25, 0.5]


def test_the_tails_ndcg_knows_neither_the_heads_movies_nor_their_tests() -> None:
    test = ratings_of([(1, 10), (2, 10), (2, 30), (3, 99), (3, 20)], DAY)
    found = tail_ndcg(np.array([[30, 40], [30, 40], [40, 20]]), np.array([1, 2, 3]), test, CATALOGUE)
    # User 1 has no tested movie of the tail. User 3 has a hit at rank 2 of two tested movies, one of them unknown.
    assert np.isnan(found[0])
    assert found[1:].tolist() == pytest.approx([1.0, (1 / math.log2(3)) / (1 + 1 / math.log2(3))])


def test_all_measures_have_a_value_for_each_user() -> None:
    lists, users = np.array([[30, 40], [20, 30]]), np.array([1, 4])
    test = ratings_of([(1, 30), (4, 20)], DAY)
    found = measures_by_user(lists, lists, users, BEFORE, test, CATALOGUE)
    assert list(found) == list(BY_USER)
    assert {name: values.shape for name, values in found.items()} == dict.fromkeys(BY_USER, (2,))
    assert found["ndcg_tail"].tolist() == [1.0, 1.0]
    assert hits(lists, users, test.user_id, test.movie_id).sum() == 2
    # Popularity would have shown both movies.
    assert found["serendipity"].tolist() == [0.0, 0.0]

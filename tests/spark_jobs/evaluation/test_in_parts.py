"""Evaluation in parts, held to the evaluation of gathered ratings."""

import numpy as np
import pytest
from evaluation.batches import in_parts
from evaluation.batches.in_parts import catalogue_of, evaluate_in_parts, together, windows_needed
from evaluation.diversity import BY_USER, Catalogue
from evaluation.splits import rolling_windows, windows_between
from evaluation.windows import evaluate_window
from recommender.attributes import MovieAttributes
from recommender.parts.layout import lay_out_here
from recommender.ratings import Ratings
from recommender.settings import TrainingSettings

# Exact, so that the cuts between parts, which are others there, do not matter to more than the last bits.
SETTINGS = TrainingSettings(rank=4, max_iter=2, neighbours=5, cg_steps=0)
ATTRIBUTES = MovieAttributes.from_columns(list(range(1, 41)), ["Drama", "War"] * 20, [1990, 1991] * 20)


@pytest.fixture
def ratings(generator: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> Ratings:
    monkeypatch.setattr("recommender.parts.layout.RATINGS_PER_PART", 50)
    user, movie = np.nonzero(generator.random((30, 40)) < 0.3)
    times = generator.permutation(len(user)) * 86_400
    # Two movies come late: no rating before the windows.
    times[movie >= 38] += 86_400 * len(user)
    return Ratings.from_columns(
        {"user_id": user + 1, "movie_id": movie + 1, "rating": np.full(len(user), 4.0), "rated_at": times}
    )


def test_the_first_window_has_the_results_of_gathered_ratings(ratings: Ratings) -> None:
    window = rolling_windows(ratings.rated_at, 8, 6)[0]
    found = evaluate_in_parts(lay_out_here(ratings), ATTRIBUTES, [window], {"candidate": SETTINGS}, 5)
    here = evaluate_window(ratings, window, {"candidate": SETTINGS}, 5, ATTRIBUTES)
    assert [result.scorer for result in found] == ["popularity", "recent_popularity", "candidate"]
    for ours, theirs in zip(found[:2], here[:2], strict=True):
        assert (ours.users.tolist(), ours.cold_users, ours.activity.tolist()) == (
            *(theirs.users.tolist(), theirs.cold_users),
            theirs.activity.tolist(),
        )
        assert ours.means() == pytest.approx(theirs.means())
        assert ours.hit.tolist() == theirs.hit.tolist()
        # Whole lists are alike, and so every measure of them is, to the bit.
        for measure in BY_USER:
            assert ours.per_user[measure] == pytest.approx(theirs.per_user[measure], rel=0, abs=0, nan_ok=True), measure
        assert set(ours.lists) == {"coverage", "exposure_gini", "overlap", "novelty", "diversity"}
        assert ours.lists == theirs.lists
    assert found[2].users.tolist() == here[2].users.tolist()
    # The random factors that training starts from are in other places, since movies that come later have some too.
    assert found[2].means()["ndcg"] == pytest.approx(here[2].means()["ndcg"], abs=0.1)


def test_the_catalogue_is_that_of_the_ratings_before(ratings: Ratings) -> None:
    # So early that neither every user nor every movie has a rating.
    until = int(np.sort(ratings.rated_at)[20])
    before = ratings.select(ratings.rated_at < until)
    found = catalogue_of(lay_out_here(ratings), ATTRIBUTES, until, until + 5)
    expected = Catalogue.of(before, ATTRIBUTES.of(before.movies()).genres, until + 5)
    assert 2 <= len(expected.movie_ids) < 38
    assert 2 <= expected.users < 30
    for name in ("movie_ids", "ratings", "recent", "genres", "users"):
        assert np.array_equal(getattr(found, name), getattr(expected, name)), name


def test_a_later_window_goes_on_from_the_factors_before_and_a_champion_with_equal_settings_is_not_trained(
    ratings: Ratings, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = []

    def noted(laid, weighing, iterations, start=None):  # type: ignore[no-untyped-def]
        trained.append((weighing.until, iterations, start is not None))
        return learned(laid, weighing, iterations, start)

    learned = in_parts.learned
    monkeypatch.setattr(in_parts, "learned", noted)
    windows = rolling_windows(ratings.rated_at, 8, 6)
    settings = TrainingSettings(rank=4, max_iter=6, neighbours=5)
    both = {"candidate": settings, "champion": settings}
    results = evaluate_in_parts(lay_out_here(ratings), ATTRIBUTES, windows, both, 5)
    assert trained == [(windows[0].test_from, 6, False), (windows[1].test_from, 2, True)]
    assert [(r.window.index, r.scorer) for r in results if r.scorer in both] == [
        (6, "candidate"),
        (6, "champion"),
        (7, "candidate"),
        (7, "champion"),
    ]
    by_scorer = {r.scorer: r.means() for r in results if r.window.index == 7}
    assert by_scorer["candidate"] == by_scorer["champion"]


def test_as_many_of_the_newest_windows_are_evaluated_as_the_interval_needs(
    ratings: Ratings, monkeypatch: pytest.MonkeyPatch
) -> None:
    laid, slices = lay_out_here(ratings), rolling_windows(ratings.rated_at, 8, 3)
    users = {
        window: len(np.intersect1d(*(ratings.user_id[mask(ratings.rated_at)] for mask in masks)))
        for count in (1, 2, 3)
        for window in together(slices, count)
        for masks in [(window.train_mask, window.test_mask)]
    }
    last, two, three = slices[-1], together(slices, 2), together(slices, 3)
    # One slice, two of them, two windows of two slices, and the most that is tried.
    for enough, expected in (
        (users[last], [last]),
        (users[last] + 1, slices[-2:]),
        (users[slices[-2]] + users[last] + 1, two),
        (1_000, three),
    ):
        monkeypatch.setattr(in_parts, "ENOUGH_PAIRS", enough)
        assert windows_needed(laid, slices) == expected
    alone = {name: np.arange(1, 41) for name in ("user_id", "movie_id", "rating", "rated_at")}
    lonely = Ratings.from_columns(alone)
    with pytest.raises(ValueError, match="No user came back in any window"):
        windows_needed(lay_out_here(lonely), rolling_windows(lonely.rated_at, 8, 3))


def test_windows_of_several_slices_follow_one_another_up_to_the_newest() -> None:
    slices = windows_between([0, 10, 20, 20, 30, 40, 50], 1)
    assert [(w.index, w.test_from, w.test_until) for w in slices] == [
        (1, 10, 20),
        (3, 20, 30),
        (4, 30, 40),
        (5, 40, 50),
    ]
    assert together(slices, 1) == slices
    assert [(w.index, w.test_from, w.test_until) for w in together(slices, 3)] == [(3, 20, 50)]
    assert [(w.index, w.test_from, w.test_until) for w in together(slices[:2], 3)] == [(1, 10, 30)]


def test_a_search_for_settings_is_compared_with_no_baseline(ratings: Ratings) -> None:
    windows = rolling_windows(ratings.rated_at, 8, 7)
    found = evaluate_in_parts(lay_out_here(ratings), ATTRIBUTES, windows, {"candidate": SETTINGS}, 5, against=())
    compared = evaluate_in_parts(lay_out_here(ratings), ATTRIBUTES, windows, {"candidate": SETTINGS}, 5)
    assert [result.scorer for result in found] == ["candidate"]
    assert found[0].means() == compared[-1].means()

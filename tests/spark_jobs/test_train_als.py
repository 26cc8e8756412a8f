from collections.abc import Iterator
from unittest import mock

import model_registry
import numpy as np
import pytest
from factor_model import Settings
from ratings import Ratings
from train_als import arguments, champion, explicit_metrics, pooled_means, rolling_evaluation, settings_of


def test_a_window_counts_by_its_test_users() -> None:
    windows = [
        {"scorer": scorer, "test_users": users, "metrics": {"ndcg": ndcg}}
        for scorer, users, ndcg in (("candidate", 1, 0.1), ("ease", 1, 0.5), ("candidate", 3, 0.3), ("ease", 3, 0.5))
    ]
    pooled = pooled_means({"k": 10, "windows": windows})
    assert pooled == pytest.approx({"candidate_ndcg_at_10": 0.25, "ease_ndcg_at_10": 0.5})


def test_explicit_als_has_its_errors_and_its_lists_metrics_under_names_of_its_own() -> None:
    record = {"k": 10, "explicit_als": {"rmse": 0.9, "mae": 0.7, "ndcg": 0.01}}
    assert explicit_metrics(record) == {
        "explicit_als_rmse": 0.9,
        "explicit_als_mae": 0.7,
        "explicit_als_ndcg_at_10": 0.01,
    }


NEEDED = ["--batch-id", "b", "--model-path", "m", "--tracking-uri", "t"]


def test_ratings_to_which_nobody_came_back_are_told_in_one_sentence() -> None:
    columns = {name: np.arange(1, 41) for name in ("user_id", "movie_id", "rating", "rated_at")}
    with pytest.raises(
        ValueError, match=r"no user came back in parts 10 to 19 of the timeline: .*lower --first-window"
    ):
        rolling_evaluation(
            mock.Mock(), Ratings.from_columns(columns), np.ones((40, 1), dtype=bool), {}, arguments().parse_args(NEEDED)
        )


def test_a_wrong_option_is_not_blamed_on_settings_that_were_not_given() -> None:
    with pytest.raises(SystemExit, match=r"^an option is not usable: rank 0 and max-iter 6 must both be 1 or more$"):
        settings_of(arguments().parse_args([*NEEDED, "--rank", "0"]))
    with pytest.raises(SystemExit, match=r"^--settings .*, or an option beside it, is not usable: rank 0 and"):
        settings_of(arguments().parse_args([*NEEDED, "--settings", '{"rank": 0}']))


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("rank", 8.5, "rank is 8.5: it must be a whole number"),
        ("rank", "8", "rank is '8': it must be a whole number"),
        ("max_iter", True, "max-iter is True: it must be a whole number"),
        ("alpha", None, "alpha is None: it must be a number"),
        ("reg_param", float("nan"), "reg-param is nan: it must be finite"),
        ("first_visit_days", float("inf"), "first-visit-days is inf: it must be finite"),
    ],
)
def test_settings_that_are_no_number_of_their_kind_are_refused(name: str, value: object, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        Settings(**{name: value})  # type: ignore[arg-type]


def test_a_whole_number_will_do_for_a_fraction() -> None:
    assert Settings(alpha=2).alpha == 2


@pytest.fixture
def registry() -> Iterator[mock.Mock]:
    """The registry with version 3 as champion, trained on 900 ratings with rank 9."""
    with mock.patch("train_als.model_registry", champion_version=mock.Mock(return_value="3")) as registry:
        registry.ratings_of.return_value = 900
        registry.load.return_value.settings = Settings(rank=9)
        registry.ModelFormatError = model_registry.ModelFormatError
        yield registry


def test_the_champion_is_evaluated_by_its_settings(registry: mock.Mock) -> None:
    assert champion(arguments().parse_args(NEEDED)) == (
        {"champion": Settings(rank=9)},
        {"champion_ratings": 900, "champion_not_compared": None},
    )
    registry.champion_version.return_value = None
    assert champion(arguments().parse_args(NEEDED)) == ({}, {"champion_ratings": None, "champion_not_compared": None})


def test_why_a_champion_of_an_earlier_version_was_not_compared_stands_in_the_evaluation(registry: mock.Mock) -> None:
    registry.load.side_effect = model_registry.ModelFormatError("als version 3 was logged by another version")
    assert champion(arguments().parse_args(NEEDED)) == (
        {},
        {"champion_ratings": 900, "champion_not_compared": "als version 3 was logged by another version"},
    )

"""A familiar list and one of the long tail as one, and the prices of a newcomer's list."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.publications.format import PublicationError
from serving.publications.newcomers.discovery import Prices, blended
from serving.publications.newcomers.factor_table import FactorTable
from serving.publications.newcomers.fold_in import FoldIn, Rating

from ...conftest import DISCOVERY, FOLD_IN


def both(familiar: str, discoveries: str, hundredths: int) -> str:
    return "".join(blended(familiar, discoveries, hundredths, lambda letter: letter.lower()))


def test_so_many_hundredths_of_the_places_are_discoveries_evenly_spread() -> None:
    assert both("abcdefgh", "ZYXW", 0) == "abcdefghZYXW"
    assert both("abcdefgh", "ZYXW", 25) == "abcZdefYghXW"
    assert both("abcdefgh", "ZYXW", 50) == "aZbYcXdWefgh"
    assert both("abcdefgh", "ZYXW", 67) == "aZYbXWcdefgh"
    assert both("abcdefgh", "ZYXW", 100) == "ZYXWabcdefgh"


def test_a_movie_of_both_lists_comes_once_where_it_comes_first() -> None:
    assert both("abc", "BXY", 50) == "aBcXY"
    assert both("abc", "ABX", 100) == "ABXc"


@given(st.permutations(range(9)), st.permutations(range(4, 13)), st.integers(0, 100), st.integers(0, 18))
def test_the_first_places_need_no_more_entries_of_either_list(
    familiar: list[int], discoveries: list[int], hundredths: int, places: int
) -> None:
    whole = blended(familiar, discoveries, hundredths, lambda movie: movie)
    assert sorted(whole) == list(range(13))
    part = blended(familiar[:places], discoveries[:places], hundredths, lambda movie: movie)
    assert part[:places] == whole[:places]


def prices_of(rows: list[tuple[int, float]], settings: dict[str, Any] | None = None) -> Prices:
    places = np.array([row[0] for row in rows], dtype=np.int64)
    prior = np.array([1.0, 0.5, 0.25, 0.125], dtype=np.float32)
    return Prices.of(prior, places, [row[1] for row in rows], DISCOVERY if settings is None else settings)


def test_the_tails_share_is_relative_to_its_own_greatest() -> None:
    found = prices_of([(1, 0.5), (3, 0.0)])
    assert (found.tail.tolist(), found.share.tolist()) == ([False, True, False, True], [0.0, 1.0, 0.0, 0.25])
    assert found.price.tolist() == [0.0, 0.5, 0.0, 0.0]


def test_settings_or_movies_that_do_not_fit_are_refused() -> None:
    for rows, settings in (
        ([(-1, 0.5)], DISCOVERY),
        ([(1, 0.5)], {}),
        ([(1, 0.5)], DISCOVERY | {"taste": "2"}),
        ([(1, 0.5)], DISCOVERY | {"first_price": None}),
    ):
        with pytest.raises(PublicationError, match=r"top_n\.discovery does not fit the prices"):
            prices_of(rows, settings)


def fold_in(prices: Prices | None) -> FoldIn:
    table = FactorTable(
        np.array([1, 2, 3, 4], dtype=np.int64),
        np.ones(4, dtype=np.float32),
        np.array([1.0, 0.5, 0.25, 0.125], dtype=np.float32),
        np.zeros((4, 2), dtype=np.float32),
    )
    near = {1: ([2, 3, 4], [4.0, 2.0, 1.0])}

    def neighbours(movie_id: int) -> tuple[np.ndarray, np.ndarray]:
        ids, weights = near.get(movie_id, ([], []))
        return np.array(ids, dtype=np.int64), np.array(weights, dtype=np.float32)

    return FoldIn(table, neighbours, FOLD_IN, prices)


def test_a_newcomers_discoveries_are_taste_and_share_less_the_price() -> None:
    model = fold_in(prices_of([(1, 1.0), (2, 3.0), (3, 0.0)]))
    found = model.blend([Rating(1, 5.0)], 3, 100)
    # Movie 2: 2 + 1 less a tenth of 1. Movie 4: .5 + .25 for nothing. Movie 3: 1 + .5 less all of 3.
    assert [(entry.movie_id, entry.score) for entry in found] == [
        (2, pytest.approx(2.9)),
        (4, pytest.approx(0.75)),
        (3, pytest.approx(-1.5)),
    ]
    assert [entry.personal for entry in found] == pytest.approx([2.0, 0.5, 1.0])
    assert [[reason.movie_id for reason in entry.because] for entry in found] == [[1], [1], [1]]


def test_without_ratings_that_are_known_discoveries_follow_from_popularity_and_price() -> None:
    found = fold_in(prices_of([(1, 1.0), (2, 0.25), (3, 0.0)])).blend([Rating(99, 5.0)], 3, 100)
    assert [(entry.movie_id, entry.score, entry.because) for entry in found] == [
        (2, pytest.approx(0.9), []),
        (3, pytest.approx(0.25), []),
        (4, pytest.approx(0.25), []),
    ]


def test_a_filter_holds_for_both_lists() -> None:
    model = fold_in(prices_of([(1, 1.0), (3, 0.0)]))
    assert [entry.movie_id for entry in model.blend([Rating(1, 5.0)], 3, 50, lambda movie: movie != 2)] == [3, 4]


def test_without_prices_there_are_no_discoveries() -> None:
    with pytest.raises(PublicationError, match="The publication has no prices"):
        fold_in(None).blend([Rating(1, 5.0)], 3, 50)

"""Rules for lists: series by title, a cap on them, and genres that resemble the user's."""

from __future__ import annotations

import numpy as np
import pytest
from list_rules import Tens, calibrated, capped, interval, series_name, series_of, unchanged
from recommender.top_n import NO_MOVIE


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Toy Story (1995)", "toy story"),
        ("Toy Story 2 (1999)", "toy story"),
        ("Godfather: Part II, The (1974)", "godfather"),
        ("Godfather, The (1972)", "godfather"),
        ("Rocky III (1982)", "rocky"),
        ("Kill Bill: Vol. 1 (2003)", "kill bill"),
        ("Star Wars: Episode IV - A New Hope (1977)", "star wars"),
        ("Harry Potter and the Goblet of Fire (2005)", "harry potter"),
        ("Anne of Green Gables: The Sequel (a.k.a. Anne of Avonlea) (1987)", "anne of green gables"),
        ("Henry & June (1990)", "henry & june"),
        ("2001: A Space Odyssey (1968)", "2001"),
        ("12 Angry Men (1957)", "12 angry men"),
        ("Seven (a.k.a. Se7en) (1995)", "seven"),
    ],
)
def test_a_title_tells_the_series(title: str, name: str) -> None:
    assert series_name(title) == name


def tens(scores: list[float], series: list[int], genres: list[int], wanted: list[float]) -> Tens:
    """Return one user's candidates, each of one genre."""
    count = len(scores)
    votes = np.eye(len(wanted))[genres][None]
    return Tens(np.arange(1, count + 1)[None], np.array([scores]), np.array([series]), votes, np.array([wanted]))


def test_a_cap_leaves_out_the_worst_of_a_series() -> None:
    series = [7, 7, 7, *range(100, 112)]
    given = tens([float(20 - at) for at in range(15)], series, [0] * 15, [1.0])
    assert unchanged(given).tolist() == [list(range(1, 11))]
    assert unchanged(capped(given, 2)).tolist() == [[1, 2, *range(4, 12)]]
    assert unchanged(capped(given, 1)).tolist() == [[1, *range(4, 13)]]
    assert calibrated(capped(given, 1), 0.0).tolist() == [[1, *range(4, 13)]]
    short = capped(tens([2.0, 1.0], [7, 7], [0, 0], [1.0]), 1)
    assert short.movies.tolist() == [[1, NO_MOVIE]]
    assert calibrated(short, 0.5).tolist() == [[1] + [NO_MOVIE] * 9]


def test_calibration_gives_each_genre_its_share() -> None:
    # Twelve of one genre stand before twelve of another, of which the user watched as many.
    given = tens([1.0] * 12 + [0.5] * 12, list(range(24)), [0] * 12 + [1] * 12, [0.5, 0.5])
    assert calibrated(given, 0.0).tolist() == unchanged(given).tolist()
    balanced = calibrated(given, 0.99)
    assert (balanced <= 12).sum() == 5
    assert calibrated(given, 0.3)[0, 0] == 1


def test_movies_without_a_number_are_never_of_one_series() -> None:
    assert series_of(["Alien (1979)", "<3>", "Alien: Resurrection (1997)", "<4>"]).tolist() == [2, 0, 2, 1]


def test_an_interval_is_over_users_not_pairs() -> None:
    same, each = interval(np.array([1.0, 1.0, 1.0]), np.array([1, 2, 3])), np.repeat([0.0, 1.0], 50)
    assert same == "+1.0000 [+1.0000, +1.0000]"
    assert interval(each, np.repeat([1, 2], 50)) == "+0.5000 [+0.0000, +1.0000]"
    assert interval(each, np.arange(100)).startswith("+0.5000 [+0.4")

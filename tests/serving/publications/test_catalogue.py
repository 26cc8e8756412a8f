"""The catalogue in columns answers as objects would, and costs far less memory."""

from __future__ import annotations

import sqlite3
import tracemalloc
from collections.abc import Mapping, Sequence

import pytest

from serving.publications.reading import catalogue as module
from serving.publications.reading.catalogue import Catalogue, Movie

ROWS = [(1, "Heat", 1995, "Action|Crime"), (7, "올드보이", 2003, ""), (40, "M", None, "Crime")]


def catalogue_of(rows: Sequence[tuple[int, str, int | None, str]], shown: Mapping[int, int | str]) -> Catalogue:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE movies (movie_id INTEGER PRIMARY KEY, title, release_year, genres)")
    connection.executemany("INSERT INTO movies VALUES (?, ?, ?, ?)", rows)
    return Catalogue(connection, shown)


def test_a_movie_is_found_by_its_id_and_no_other() -> None:
    movies = catalogue_of(ROWS, {40: "sku/40"})
    assert movies[1] == Movie(1, "Heat", 1995, ("Action", "Crime"), 1)
    assert movies[7] == Movie(7, "올드보이", 2003, (), 7)
    assert movies[40] == Movie(40, "M", None, ("Crime",), "sku/40")
    for unknown in (-1, 0, 2, 39, 41, 2**62):
        assert unknown not in movies
        with pytest.raises(KeyError):
            movies[unknown]
    assert list(movies) == [1, 7, 40]
    assert len(movies) == 3


@pytest.mark.parametrize(("after", "expected"), [(0, [1, 7, 40]), (1, [7, 40]), (6, [7, 40]), (40, [])])
def test_a_page_goes_on_behind_an_id(after: int, expected: list[int]) -> None:
    assert [movie.movie_id for movie in catalogue_of(ROWS, {}).behind(after)] == expected


def test_the_json_of_a_movie_has_the_number_only_where_people_use_another_id() -> None:
    movies = catalogue_of(ROWS, {40: "sku/40"})
    assert movies.members[7] == '"movie_id":7,"title":"올드보이","release_year":2003,"genres":[]'
    assert movies.members[40] == '"movie_id":"sku/40","title":"M","release_year":null,"genres":["Crime"],"number":40'
    assert movies.references[40] == '{"movie_id":"sku/40","title":"M"}'
    with pytest.raises(KeyError):
        movies.members[2]


def test_json_is_kept_for_a_bounded_number_of_movies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_KEPT", 2)
    movies = catalogue_of(ROWS, {})
    texts = [movies.references[movie_id] for movie_id in (1, 7, 40, 1, 7, 40)]
    assert (
        texts
        == ['{"movie_id":1,"title":"Heat"}', '{"movie_id":7,"title":"올드보이"}', '{"movie_id":40,"title":"M"}'] * 2
    )
    assert len(movies.references) <= 2


def test_a_movie_costs_less_than_80_bytes() -> None:
    rows = [(number, f"The Movie with the Number {number}", 1990, "Drama|Crime") for number in range(1, 20_001)]
    tracemalloc.start()
    movies = catalogue_of(rows, {})
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert movies[20_000].title == "The Movie with the Number 20000"
    # An object each, with its JSON, took 780.
    assert held < 80 * len(rows)

import numpy as np
from recommender.attributes import MovieAttributes

ATTRIBUTES = MovieAttributes.from_columns([7, 3, 5], ["War", "Drama|War", None], [1990, 1993, None])


def test_columns_in_any_order_give_attributes_by_ascending_movie() -> None:
    assert ATTRIBUTES.movie_ids.tolist() == [3, 5, 7]
    assert ATTRIBUTES.genres.tolist() == [[True, True], [False, False], [False, True]]
    assert ATTRIBUTES.release_year.tolist() == [1993, 0, 1990]


def test_of_a_movie_that_is_not_among_them_nothing_is_known() -> None:
    found = ATTRIBUTES.of(np.array([4, 7]))
    assert found.movie_ids.tolist() == [4, 7]
    assert found.genres.tolist() == [[False, False], [False, True]]
    assert found.release_year.tolist() == [0, 1990]


def test_a_row_a_genre_and_a_row_a_year_that_a_movie_is_within_two_years_of() -> None:
    genres = [[0.5, 0, 0], [0.5, 0, 0.5]]
    # 1988 to 1995; 1991 and 1992 are near both.
    years = [[0, 0, 2], [0, 0, 2], [0, 0, 2], [2, 0, 2], [2, 0, 2], [2, 0, 0], [2, 0, 0], [2, 0, 0]]
    assert ATTRIBUTES.rows(0.5, 2.0).toarray().tolist() == genres + years


def test_where_nothing_is_known_there_are_no_rows() -> None:
    assert MovieAttributes.none().of(np.array([1, 2])).rows(1.0, 1.0).shape == (0, 2)

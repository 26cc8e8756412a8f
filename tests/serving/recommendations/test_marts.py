from __future__ import annotations

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from serving.publications.store import PublicationStore
from serving.publications.transfer import pull

from ..conftest import THIRD, BuildFrom, MakeClient, small_tables
from .test_recommendations import PROVENANCE, answer, problem

STATISTICS = {**PROVENANCE, "policy": "statistics"}


def test_activity_by_year_is_answered(client: FlaskClient) -> None:
    assert answer(client, "/v1/marts/ratings_by_year") == {
        **STATISTICS,
        "items": [
            {"rating_year": 2015, "ratings": 300, "users": 40, "movies": 5, "mean_rating": 3.5},
            {"rating_year": 2016, "ratings": 140, "users": 20, "movies": 4, "mean_rating": 3.25},
        ],
    }


def test_where_the_rows_went_is_answered(client: FlaskClient) -> None:
    names = ("source_file", "rows_in", "rows_clean", "rows_quarantined", "rows_superseded")
    rows = [("movies.csv", 7, 6, 1, 0), ("ratings.csv", 450, 440, 6, 4)]
    expected = [dict(zip(names, row, strict=True)) for row in rows]
    assert answer(client, "/v1/marts/row_accounting") == {**STATISTICS, "items": expected}


def test_the_best_of_a_genre_is_a_list_with_pages(client: FlaskClient) -> None:
    assert answer(client, "/v1/marts/popular_by_genre")["genres"] == ["Crime", "Horror"]
    data = answer(client, "/v1/marts/popular_by_genre/Horror?limit=1")
    assert [(item["rank"], item["title"], item["bayesian_mean"], item["ratings"]) for item in data["items"]] == [
        (1, "Alien", 4.1, 190)
    ]
    assert [item["title"] for item in answer(client, data["next"])["items"]] == ["Aliens"]
    assert problem(client, "/v1/marts/popular_by_genre/x", 404, "unknown-genre")["genres"] == ["Crime", "Horror"]


def test_a_movies_ratings_are_answered_in_all_and_by_year(client: FlaskClient) -> None:
    assert answer(client, "/v1/marts/movie_statistics/5")["statistics"] == {
        "ratings": 190,
        "mean_rating": 4.105263,
        "bayesian_mean": 4.1,
        "first_rated_at": "2015-05-15T00:00:00Z",
        "last_rated_at": "2016-10-16T17:57:24Z",
        "by_year": [
            {"rating_year": 2015, "ratings": 150, "mean_rating": 4.0},
            {"rating_year": 2016, "ratings": 40, "mean_rating": 4.5},
        ],
    }
    assert answer(client, "/v1/marts/movie_statistics/4")["statistics"] is None
    problem(client, "/v1/marts/movie_statistics/999", 404, "unknown-movie")


def test_an_item_of_a_list_is_explained(client: FlaskClient) -> None:
    data = answer(client, "/v1/users/1/recommendations/2")
    assert (data["rank"], data["of"], data["score"]) == (2, 3, 0.8)
    assert (data["personal"], data["popularity"]) == (0.75, 0.05)
    assert data["because"] == [
        {"movie_id": 1, "title": "Toy Story", "similarity": None},
        {"movie_id": 5, "title": "Alien", "similarity": None},
    ]
    # Alien's own list of similar movies tells how near Aliens is.
    because = answer(client, "/v1/users/7/recommendations/5")["because"]
    assert because == [{"movie_id": 6, "title": "Aliens", "similarity": 0.99}]
    problem(client, "/v1/users/1/recommendations/5", 404, "not-recommended")
    problem(client, "/v1/users/1/recommendations/999", 404, "unknown-movie")
    problem(client, "/v1/users/2/recommendations/5", 404, "unknown-user")


@pytest.fixture
def bare_client(tmp_path: Path, build_from: BuildFrom, make_client: MakeClient) -> FlaskClient:
    tables = {name: small_tables()[name] for name in ("movies", "recommendations", "similar_movies", "popular_movies")}
    folder, _ = build_from(THIRD, tables)
    store = PublicationStore(tmp_path / "bare")
    pull(store, str(folder), THIRD, "u", "test")
    store.activate(THIRD, "test", "")
    return make_client(store)


def test_what_the_publication_lacks_is_told_apart_from_what_does_not_exist(bare_client: FlaskClient) -> None:
    problem(bare_client, "/v1/marts/ratings_by_year", 404, "not-in-publication")
    problem(bare_client, "/v1/marts/row_accounting", 404, "not-in-publication")
    assert answer(bare_client, "/v1/marts/popular_by_genre")["genres"] == []
    assert answer(bare_client, "/v1/users/1/recommendations/2")["popularity"] is None

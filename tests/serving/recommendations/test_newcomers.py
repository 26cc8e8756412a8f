from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from serving.publications.store import PublicationStore
from serving.publications.transfer import pull

from ..conftest import LINEAGE, THIRD, BuildFrom, MakeClient, small_tables

ADDRESS = "/v1/recommendations"


def refused(client: FlaskClient, body: str, status: int = 400, kind: str = "bad-body") -> str:
    response = client.post(ADDRESS, data=body, content_type="application/json")
    data = json.loads(response.data)
    assert (response.status_code, response.mimetype) == (status, "application/problem+json"), data
    assert data["type"] == f"/docs#problem-{kind}"
    return str(data["detail"])


def test_an_unknown_person_gets_a_list_from_the_ratings_in_the_request(client: FlaskClient) -> None:
    response = client.post(ADDRESS, json={"ratings": [{"movie_id": 5, "rating": 5}, {"movie_id": 4, "rating": 3}]})
    assert (response.status_code, response.headers["Cache-Control"]) == (200, "no-store")
    data = response.get_json()
    assert (data["publication"], data["policy"], data["ignored"]) == (THIRD, "folded-in", [4])
    # By hand: [[4.1875, .8125], [.8125, 2]] x = 3 (.75, .25), so x = (.50429, .17013). Aliens has the greatest personal
    # score, .546823 and .5 as a neighbour: .5 + .15. Heat has .50429 and .25: .75 x .75429 / 1.046823 + .1.
    assert [item["movie_id"] for item in data["items"]] == [6, 3, 1, 2]
    assert [item["score"] for item in data["items"]] == pytest.approx([0.65, 0.640414, 0.41252, 0.09063], abs=2e-5)
    first = data["items"][0]
    assert (first["rank"], first["title"], first["genres"]) == (1, "Aliens", ["Action", "Horror"])
    assert first["score"] == pytest.approx(first["personal"] + first["popularity"], abs=2e-6)
    assert first["popularity"] == 0.15
    assert first["because"] == [{"movie_id": 5, "title": "Alien", "adds": first["personal"]}]


def test_nothing_of_a_person_is_kept(client: FlaskClient) -> None:
    one, other = ({"ratings": [{"movie_id": movie_id, "rating": 5}]} for movie_id in (1, 3))
    before = client.post(ADDRESS, json=one).data
    client.post(ADDRESS, json=other)
    assert client.post(ADDRESS, json=one).data == before


def test_a_person_with_only_unknown_movies_is_told_that_the_list_is_the_popular_one(client: FlaskClient) -> None:
    data = client.post(ADDRESS, json={"ratings": [{"movie_id": 4, "rating": 5}]}).get_json()
    assert (data["policy"], data["ignored"], data["items"][0]["because"]) == ("popular", [4], [])
    assert [item["score"] for item in data["items"]] == [0.25, 0.2, 0.15, 0.1, 0.05]


def test_the_list_is_filtered_and_limited(client: FlaskClient) -> None:
    rated = [{"movie_id": 5, "rating": 5}]
    for wanted, expected in (
        ({"limit": 1}, [6]),
        ({"genre": "horror"}, [6]),
        ({"year_from": 1995, "year_to": 1995}, [3, 1]),
        ({"exclude": [3, 6], "limit": 2}, [1, 2]),
    ):
        data = client.post(ADDRESS, json={"ratings": rated, **wanted}).get_json()
        assert [item["movie_id"] for item in data["items"]] == expected, wanted


ONE: dict[str, Any] = {"movie_id": 1, "rating": 5}


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("", "The body is not JSON."),
        ("{", "The body is not JSON."),
        ('{"ratings": [{"movie_id": 1, "rating": NaN}]}', "The body is not JSON."),
        ("[" * 60_000, "The body is not JSON."),
        ('{"ratings": [{"movie_id": 1, "rating": ' + "9" * 5000 + "}]}", "The body is not JSON."),
        ("[]", "Give a JSON object"),
        ("{}", "Ratings must be a list of 1 to 500"),
        ({"ratings": []}, "Ratings must be a list of 1 to 500"),
        ({"ratings": [{"movie_id": n, "rating": 1} for n in range(1, 502)]}, "Ratings must be a list of 1 to 500"),
        ({"ratings": [ONE, ONE]}, "Ratings must name each movie once."),
        ({"ratings": [5]}, "Ratings[0] must be an object"),
        ({"ratings": [ONE], "limits": 5}, "'limits' is no member of the body"),
        ({"ratings": [{**ONE, "stars": 5}]}, "'stars' is no member of ratings[0]"),
        ({"ratings": [{**ONE, "movie_id": 0}]}, "Ratings[0].movie_id must be a whole number from 1"),
        ({"ratings": [{**ONE, "movie_id": 2**63}]}, "Ratings[0].movie_id must be a whole number from 1"),
        ({"ratings": [{**ONE, "movie_id": True}]}, "Ratings[0].movie_id must be a whole number from 1"),
        ({"ratings": [{**ONE, "rating": "5"}]}, "Ratings[0].rating must be a number from 0 to 10."),
        ({"ratings": [{**ONE, "rating": -1}]}, "Ratings[0].rating must be a number from 0 to 10."),
        ({"ratings": [{**ONE, "rated_at": "soon"}]}, "Ratings[0].rated_at must be Unix seconds"),
        ({"ratings": [{**ONE, "rated_at": -5}]}, "Ratings[0].rated_at must be Unix seconds"),
        ({"ratings": [ONE], "limit": 101}, "Limit must be a whole number from 1 to 100."),
        ({"ratings": [ONE], "genre": " "}, "Genre must be a text of 1 to 100 characters."),
        ({"ratings": [ONE], "exclude": [0]}, "Exclude must be a whole number from 1"),
        ({"ratings": [ONE], "year_from": 1.5}, "Year_from must be a whole number"),
    ],
)
def test_a_wrong_body_is_told_in_one_sentence(client: FlaskClient, body: object, sentence: str) -> None:
    assert refused(client, body if isinstance(body, str) else json.dumps(body)).startswith(sentence)


def test_bodies_of_another_type_and_bodies_too_large_are_problems_of_their_own(client: FlaskClient) -> None:
    assert client.post(ADDRESS, data={"ratings": "1"}).status_code == 415
    refused(client, " " * 70_000, 413, "too-large")


@pytest.mark.parametrize("lacking", ["factors", "settings"])
def test_a_publication_without_what_it_needs_says_so(
    store: PublicationStore, build_from: BuildFrom, make_client: MakeClient, lacking: str
) -> None:
    tables = small_tables()
    if lacking == "factors":
        del tables["movie_factors"]
    folder, _ = build_from("20261124T190000", tables, {} if lacking == "settings" else LINEAGE)
    pull(store, str(folder), "20261124T190000", "u", "test")
    store.activate("20261124T190000", "test", "")
    detail = refused(make_client(store), json.dumps({"ratings": [ONE]}), 404, "not-in-publication")
    assert detail == "This publication was built without what folding in needs."


def test_a_persons_list_is_as_adventurous_as_the_request_says(client: FlaskClient) -> None:
    rated = {"ratings": [{"movie_id": 5, "rating": 5}]}
    found = client.post(ADDRESS, json=rated | {"discovery": 1}).get_json()
    assert (found["policy"], found["discovery"]) == ("folded-in", 1.0)
    # The long tail is movies 2, 3 and 6; then the familiar list goes on with 1. Aliens has the greatest personal score:
    # 2 and a share of .15 / .15, less a tenth of its price of 1.5.
    assert [item["movie_id"] for item in found["items"]] == [6, 3, 2, 1]
    assert found["items"][0]["score"] == pytest.approx(2.85, abs=2e-5)
    assert found["items"][0]["popularity"] == pytest.approx(0.85, abs=2e-5)
    familiar = client.post(ADDRESS, json=rated).get_json()
    assert "discovery" not in familiar
    assert client.post(ADDRESS, json=rated | {"discovery": 0}).get_json() == familiar
    half = client.post(ADDRESS, json=rated | {"discovery": 0.5, "limit": 2}).get_json()
    assert [item["movie_id"] for item in half["items"]] == [6, 3]


@pytest.mark.parametrize("discovery", [-0.1, 1.1, "0.5", None, [], True])
def test_a_discovery_that_is_no_share_is_refused(client: FlaskClient, discovery: object) -> None:
    body = json.dumps({"ratings": [{"movie_id": 5, "rating": 5}], "discovery": discovery})
    assert refused(client, body) == "Discovery must be a number from 0 to 1."

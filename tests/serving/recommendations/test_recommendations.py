from __future__ import annotations

import gzip
import json
import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serving.publications.store import PublicationStore
from serving.recommendations.application import SettingError, create_app
from serving.web.access_log import access_log

from ..conftest import FIRST, LINEAGE, SECOND, THIRD, MakeClient
from ..publications.test_store import flip_a_bit

PROVENANCE = {"publication": THIRD, "data_through": "2016-10-16T17:57:24Z"}


def answer(client: FlaskClient, address: str) -> dict[str, Any]:
    response = client.get(address)
    assert response.status_code == 200, response.text
    assert response.mimetype == "application/json"
    data: dict[str, Any] = response.get_json()
    return data


def problem(client: FlaskClient, address: str, status: int, name: str) -> dict[str, Any]:
    response = client.get(address)
    assert response.status_code == status, response.text
    assert response.mimetype == "application/problem+json"
    assert response.headers["Cache-Control"] == "no-store"
    data: dict[str, Any] = json.loads(response.data)
    assert (data["type"], data["status"]) == (f"/docs#problem-{name}", status)
    return data


def ids(data: dict[str, Any]) -> list[int]:
    return [item["movie_id"] for item in data["items"]]


def test_a_users_list_has_titles_reasons_and_where_it_comes_from(client: FlaskClient) -> None:
    assert answer(client, "/v1/users/1/recommendations?limit=2") == {
        "user_id": 1,
        **PROVENANCE,
        "policy": "personalised",
        "items": [
            {
                "rank": 1,
                "movie_id": 3,
                "title": "Heat",
                "release_year": 1995,
                "genres": ["Action", "Crime"],
                "score": 0.9,
                "because": [{"movie_id": 1, "title": "Toy Story"}],
            },
            {
                "rank": 2,
                "movie_id": 2,
                "title": "Amélie (Fabuleux destin d'Amélie Poulain, Le)",
                "release_year": 2001,
                "genres": ["Comedy", "Romance"],
                "score": 0.8,
                "because": [{"movie_id": 1, "title": "Toy Story"}, {"movie_id": 5, "title": "Alien"}],
            },
        ],
        "next": f"/v1/users/1/recommendations?limit=2&cursor={THIRD}.2",
    }


def test_a_movie_comes_with_similar_movies(client: FlaskClient) -> None:
    data = answer(client, "/v1/movies/5")
    assert data["movie"] == {"movie_id": 5, "title": "Alien", "release_year": 1979, "genres": ["Horror"]}
    assert (data["policy"], data["publication"], data["next"]) == ("similar", THIRD, None)
    assert [(item["rank"], item["movie_id"], item["score"]) for item in data["items"]] == [(1, 6, 0.99), (2, 3, 0.5)]
    assert answer(client, "/v1/movies/4")["items"] == []


def test_popular_movies_are_of_all_or_of_a_scope(client: FlaskClient) -> None:
    data = answer(client, "/v1/popular")
    assert (data["scope"], data["policy"]) == ("all", "popular")
    assert [(item["movie_id"], item["ratings"]) for item in data["items"]] == [(1, 247), (5, 190), (4, 3)]
    assert ids(answer(client, "/v1/popular?scope=genre:Horror")) == [5]
    assert answer(client, "/v1/popular/scopes")["scopes"] == ["all", "genre:Horror"]


def test_the_publication_comes_with_its_lineage(client: FlaskClient) -> None:
    data = answer(client, "/v1/publication")
    assert data["lineage"] == LINEAGE
    assert (data["publication"], data["live"], data["pinned"], data["rows"]["movies"]) == (THIRD, True, False, 6)
    assert answer(client, f"/v1/publications/{THIRD}") == data
    assert answer(client, "/v1/publications")["items"] == [{"publication": THIRD, "live": True, "pinned": False}]


def test_what_was_live_at_a_time_is_answered(client: FlaskClient) -> None:
    data = answer(client, "/v1/publications?at=2999-01-01T00:00:00Z")
    assert (data["publication"], data["entry"]["reason"]) == (THIRD, "the small tables")
    problem(client, "/v1/publications?at=2001-01-01T00:00:00Z", 404, "unknown-publication")
    problem(client, "/v1/publications?at=yesterday", 400, "bad-parameter")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("genre=comedy", [2]),
        ("year_from=1995", [3, 2]),
        ("year_to=1995", [3]),
        ("year_from=1996&year_to=2000", []),
        ("exclude=3,4", [2]),
        ("exclude=3&genre=Action", []),
    ],
)
def test_lists_are_filtered_by_genre_year_and_ids(client: FlaskClient, query: str, expected: list[int]) -> None:
    assert ids(answer(client, f"/v1/users/1/recommendations?{query}")) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [1, 2, 3, 4, 5, 6]),
        ("q=alien", [5, 6]),
        ("q=AMELIE%20destin", [2]),
        ("q=am%C3%A9lie", [2]),
        ("q=xyz", []),
        ("genre=Horror&year_from=1980", [6]),
    ],
)
def test_movies_are_searched_without_regard_to_case_and_accents(
    client: FlaskClient, query: str, expected: list[int]
) -> None:
    assert ids(answer(client, f"/v1/movies?{query}")) == expected


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    address=st.sampled_from(["/v1/movies", "/v1/users/1/recommendations", "/v1/popular", "/v1/movies/5"]),
    query=st.sampled_from(["", "&genre=comedy", "&year_from=1990", "&exclude=1,5"]),
    limit=st.integers(1, 7),
)
def test_the_pages_of_a_list_together_are_the_list(client: FlaskClient, address: str, query: str, limit: int) -> None:
    whole = answer(client, f"{address}?limit=100{query}")["items"]
    pages = []
    link: str | None = f"{address}?limit={limit}{query}"
    while link is not None:
        page = answer(client, link)
        assert 0 < len(page["items"]) <= limit or not whole
        pages += page["items"]
        link = page["next"]
    assert pages == whole


def test_users_are_listed_by_page(client: FlaskClient) -> None:
    first = answer(client, "/v1/users?limit=1")
    assert first["items"] == [1]
    assert answer(client, first["next"]) == {"publication": THIRD, "items": [7], "next": None}


def test_an_unknown_user_is_told_so_with_a_link_to_popular_movies(client: FlaskClient) -> None:
    data = problem(client, "/v1/users/2/recommendations", 404, "unknown-user")
    assert (data["policy"], data["popular"], data["publication"]) == ("unknown-user", "/v1/popular", THIRD)
    assert data["instance"] == "/v1/users/2/recommendations"


HOSTILE_IDS = [
    "0",
    "-1",
    str(2**31),
    str(2**63),
    "NaN",
    "1.0",
    "1e3",
    "%F0%9F%8E%AC",
    "%D9%A1",
    "9" * 10_000,
    "%00",
    "1;2",
]


@pytest.mark.parametrize("text", HOSTILE_IDS, ids=range(len(HOSTILE_IDS)))
def test_ids_that_are_no_ids_are_a_problem(client: FlaskClient, text: str) -> None:
    data = problem(client, f"/v1/users/{text}/recommendations", 400, "bad-id")
    assert len(data["detail"]) < 300
    problem(client, f"/v1/movies/{text}", 400, "bad-id")


@pytest.mark.parametrize("limit", ["0", "-1", "101", "ten", "", "1.5", "9" * 30])
def test_bad_limits_are_a_problem(client: FlaskClient, limit: str) -> None:
    for address in ("/v1/users/1/recommendations", "/v1/users/2/recommendations", "/v1/movies", "/v1/popular"):
        problem(client, f"{address}?limit={limit}", 400, "bad-limit")


@pytest.mark.parametrize(
    "query",
    [
        *("limt=3", "limit=1&limit=2", "year_from=soon", "year_to=99", "exclude=a", "exclude=0", "genre="),
        *("cursor=x", f"cursor={THIRD}", f"cursor={THIRD}.1&as_of={FIRST}", "as_of=latest", "genre=" + "x" * 101),
        "exclude=" + ",".join(["1"] * 201),
    ],
)
def test_other_bad_parameters_are_a_problem(client: FlaskClient, query: str) -> None:
    problem(client, f"/v1/users/1/recommendations?{query}", 400, "bad-parameter")


def test_unknown_things_are_distinct_problems(client: FlaskClient) -> None:
    problem(client, "/v1/movies/999", 404, "unknown-movie")
    assert problem(client, "/v1/popular?scope=x", 404, "unknown-scope")["scopes"] == ["all", "genre:Horror"]
    problem(client, f"/v1/popular?as_of={FIRST}", 404, "unknown-publication")
    problem(client, f"/v1/publications/{FIRST}", 404, "unknown-publication")
    problem(client, "/v1/publications/..%2F..%2Fetc", 404, "not-found")
    problem(client, "/v2", 404, "not-found")
    response = client.post("/v1/popular")
    assert (response.status_code, response.mimetype) == (405, "application/problem+json")
    assert "GET" in response.headers["Allow"]


def test_before_the_first_activation_lists_say_so_and_the_process_is_healthy(
    store: PublicationStore, make_client: MakeClient
) -> None:
    client = make_client(store)
    for address in ("/v1/users/1/recommendations", "/v1/movies/1", "/v1/popular", "/v1/publication", "/ready"):
        problem(client, address, 503, "nothing-published")
    assert client.get("/ready").headers["Retry-After"] == "30"
    assert answer(client, "/health") == {"status": "alive"}


def test_answers_follow_the_live_publication_and_as_of_does_not(
    store: PublicationStore, make_client: MakeClient
) -> None:
    client = make_client(store)
    store.activate(FIRST, "ann", "")
    first = answer(client, "/v1/users/1/recommendations?limit=1")
    store.activate(SECOND, "ann", "")
    second = answer(client, "/v1/users/1/recommendations?limit=1")
    assert [first["publication"], second["publication"]] == [FIRST, SECOND]
    assert [first["items"][0]["score"], second["items"][0]["score"]] == [10.0, 20.0]
    # The next page of a list that began before the switch is of the same publication.
    assert answer(client, first["next"])["items"][0]["score"] == 10.0
    assert answer(client, f"/v1/users/1/recommendations?limit=1&as_of={FIRST}")["items"] == first["items"]


def test_a_damaged_live_publication_is_reported_and_the_last_sound_one_served(
    store: PublicationStore, make_client: MakeClient
) -> None:
    client = make_client(store)
    store.activate(FIRST, "ann", "")
    answer(client, "/v1/popular")
    store.activate(SECOND, "ann", "")
    flip_a_bit(store.path(SECOND) / "publication.sqlite")
    assert answer(client, "/v1/popular")["publication"] == FIRST
    ready = answer(client, "/ready")
    assert (ready["status"], ready["publication"], ready["live"]) == ("degraded", FIRST, SECOND)
    assert str(store.root) not in json.dumps(ready)
    assert "marquee_publication_degraded 1.0" in client.get("/metrics").text


def test_a_store_without_a_publication_is_not_degraded(store: PublicationStore, make_client: MakeClient) -> None:
    """NothingPublished is the alert for it. A worker that is not asked again would stay at 1 after the first publication."""
    assert "marquee_publication_degraded 0.0" in make_client(store).get("/metrics").text


def test_an_unchanged_answer_is_not_sent_again_until_the_publication_changes(
    store: PublicationStore, make_client: MakeClient
) -> None:
    client = make_client(store)
    store.activate(FIRST, "ann", "")
    response = client.get("/v1/popular")
    tag = response.headers["ETag"]
    assert response.headers["Cache-Control"] == "public, max-age=0, must-revalidate"
    again = client.get("/v1/popular", headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    store.activate(SECOND, "ann", "")
    assert client.get("/v1/popular", headers={"If-None-Match": tag}).status_code == 200
    fixed = client.get(f"/v1/popular?as_of={FIRST}")
    assert fixed.headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_large_answers_are_compressed_for_those_who_accept_it(client: FlaskClient) -> None:
    plain = client.get("/openapi.json")
    assert "Content-Encoding" not in plain.headers
    compressed = client.get("/openapi.json", headers={"Accept-Encoding": "gzip"})
    assert compressed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(compressed.data) == plain.data
    assert int(compressed.headers["Content-Length"]) == len(compressed.data)
    assert "Accept-Encoding" in compressed.headers["Vary"]
    assert "Content-Encoding" not in client.get("/openapi.json", headers={"Accept-Encoding": "gzip;q=0"}).headers


def test_each_answer_has_security_headers_and_a_request_id(client: FlaskClient) -> None:
    for address in ("/v1/popular", "/v1/movies/999", "/nope", "/docs", "/health", "/metrics"):
        headers = client.get(address, headers={"X-Request-ID": "abc-1"}).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Request-ID"] == "abc-1"
        assert "Access-Control-Allow-Origin" not in headers
    made_up = client.get("/health", headers={"X-Request-ID": "bad id\t"}).headers["X-Request-ID"]
    assert re.fullmatch("[0-9a-f]{32}", made_up)


def test_other_origins_may_read_where_the_setting_says_so(
    small_store: PublicationStore, make_client: MakeClient
) -> None:
    client = make_client(small_store, MARQUEE_SERVING_CORS_ORIGIN="https://example.org")
    headers = client.get("/v1/popular").headers
    assert headers["Access-Control-Allow-Origin"] == "https://example.org"
    assert "Origin" in headers["Vary"]


def test_a_browser_of_the_origin_may_ask_beforehand(small_store: PublicationStore, make_client: MakeClient) -> None:
    client = make_client(small_store, MARQUEE_SERVING_CORS_ORIGIN="*")
    headers = client.options("/v1/recommendations", headers={"Access-Control-Request-Method": "POST"}).headers
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "POST" in headers["Access-Control-Allow-Methods"]
    assert "Content-Type" in headers["Access-Control-Allow-Headers"]


def test_each_request_is_one_json_line_in_the_log(client: FlaskClient, capfd: pytest.CaptureFixture[str]) -> None:
    address = "/v1/users/1/recommendations"
    # Requests of earlier tests may still be pending.
    access_log.flush()
    capfd.readouterr()
    for query in ("", "?limit=2"):
        client.get(address + query, headers={"X-Request-ID": "abc-1"})
    client.get('/x"\u00e9', headers={"X-Request-ID": "abc-1"})
    access_log.flush()
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    requests = [line for line in lines if line["event"] == "request"]
    names = ["at", "level", "logger", "event", "request_id", "method", "path", "status", "milliseconds", "publication"]
    assert [list(line) for line in requests] == [names] * 3
    logged = [(line["path"], line["status"], line["publication"], line["request_id"]) for line in requests]
    assert logged == [(address, 200, THIRD, "abc-1")] * 2 + [('/x"\u00e9', 404, None, "abc-1")]


def test_metrics_count_requests_by_route_and_not_by_path(client: FlaskClient) -> None:
    client.get("/v1/users/1/recommendations")
    client.get("/v1/users/2/recommendations")
    text = client.get("/metrics").text
    route = "/v1/users/<user>/recommendations"
    assert f'marquee_http_requests_total{{method="GET",route="{route}",status="200"}}' in text
    assert f'marquee_http_requests_total{{method="GET",route="{route}",status="404"}}' in text
    assert "marquee_data_through_timestamp_seconds 1.476640644e+09" in text


def test_a_defect_is_a_problem_without_trace_or_path(
    small_store: PublicationStore, monkeypatch: pytest.MonkeyPatch, make_client: MakeClient
) -> None:
    client = make_client(small_store)

    def broken(*_: object) -> None:
        raise RuntimeError(f"secret of {small_store.root}")

    monkeypatch.setattr("serving.publications.reading.reader.Publication.popular_movies", broken)
    data = problem(client, "/v1/popular", 500, "internal")
    assert "secret" not in json.dumps(data)
    assert str(small_store.root) not in json.dumps(data)


def test_wrong_settings_are_one_sentence() -> None:
    with pytest.raises(SettingError, match="MARQUEE_PUBLICATION_STORE is not set"):
        create_app({})
    with pytest.raises(SettingError, match="MARQUEE_SERVING_LOG_LEVEL is 'loud'"):
        create_app({"MARQUEE_PUBLICATION_STORE": "x", "MARQUEE_SERVING_LOG_LEVEL": "loud"})

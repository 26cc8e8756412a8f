from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from serving.publications.store import PublicationStore
from serving.recommendations.fast_path import FastPath

from ..conftest import FIRST, SECOND, MakeClient
from .test_recommendations import answer

ADDRESS = "/v1/users/{}/recommendations"


def both(client: FlaskClient, address: str, **headers: str) -> tuple[Any, Any]:
    """Return the answers of the fast path and of Flask alone."""
    fast_path = client.application.wsgi_app
    assert isinstance(fast_path, FastPath)
    given = {"X-Request-ID": "abc-1", **headers}
    answers = []
    for application in (fast_path, fast_path._application):
        client.application.wsgi_app = application  # type: ignore[method-assign, assignment]
        answers.append(client.get(address, headers=given))
    client.application.wsgi_app = fast_path  # type: ignore[method-assign]
    for response in answers:
        # Werkzeug adds it; a server adds it to whatever lacks it.
        response.headers.pop("Date", None)
    return answers[0], answers[1]


@pytest.mark.parametrize("cors", ["", "*", "https://example.org"])
@pytest.mark.parametrize("encoding", ["", "gzip", "gzip, deflate, br", "br", "gzip;q=0", "GZIP"])
@pytest.mark.parametrize("user", [1, 7])
def test_the_fast_path_answers_what_flask_answers_to_the_byte(
    small_store: PublicationStore,
    make_client: MakeClient,
    monkeypatch: pytest.MonkeyPatch,
    cors: str,
    encoding: str,
    user: int,
) -> None:
    # Small answers are compressed too, or the small tables would not show it.
    monkeypatch.setattr("serving.recommendations.fast_path.MIN_GZIP_BYTES", 100)
    monkeypatch.setattr("serving.recommendations.answers.responses.MIN_GZIP_BYTES", 100)
    client = make_client(small_store, MARQUEE_SERVING_CORS_ORIGIN=cors)
    fast, flask = both(client, ADDRESS.format(user), **{"Accept-Encoding": encoding})
    assert fast.data == flask.data
    assert dict(fast.headers) == dict(flask.headers)
    assert (fast.status, "Content-Encoding" in fast.headers) == (
        flask.status,
        encoding.lower() in ("gzip", "gzip, deflate, br"),
    )


def test_only_the_plain_first_page_of_a_known_user_is_taken(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = []
    personal_text = __import__("serving.recommendations.fast_path", fromlist=["personal_text"]).personal_text

    def noted(publication: object, user_id: int, page: object) -> object:
        taken.append(user_id)
        return personal_text(publication, user_id, page)

    monkeypatch.setattr("serving.recommendations.fast_path.personal_text", noted)
    tag = client.get(ADDRESS.format(1)).headers["ETag"]
    assert taken == [1]
    assert client.get(ADDRESS.format(1) + "?limit=1").status_code == 200
    assert client.get(ADDRESS.format(1) + "/").status_code == 200
    assert client.get(ADDRESS.format(1), headers={"If-None-Match": tag}).status_code == 304
    assert client.head(ADDRESS.format(1)).status_code == 200
    assert client.post(ADDRESS.format(1)).status_code == 405
    for user in ("0", "9999999999", "x"):
        assert client.get(ADDRESS.format(user)).status_code == 400
    assert taken == [1], "the rest is Flask's"
    assert client.get(ADDRESS.format(2)).status_code == 404
    assert taken == [1, 2], "an unknown user is looked up, and the problem is Flask's"


def test_the_fast_path_follows_a_switch(store: PublicationStore, make_client: MakeClient) -> None:
    client = make_client(store)
    assert client.get(ADDRESS.format(1)).status_code == 503
    tags = set()
    for publication, score in ((FIRST, 10.0), (SECOND, 20.0)):
        store.activate(publication, "ann", "")
        response = client.get(ADDRESS.format(1))
        assert (response.get_json()["publication"], response.get_json()["items"][0]["score"]) == (publication, score)
        tags.add(response.headers["ETag"])
    assert len(tags) == 2


def test_its_requests_are_counted_and_logged_as_flasks_are(client: FlaskClient) -> None:
    counted = 'marquee_http_requests_total{method="GET",route="/v1/users/<user>/recommendations",status="200"}'

    def count() -> float:
        lines = client.get("/metrics").text.splitlines()
        return float(next((line.rpartition(" ")[2] for line in lines if line.startswith(counted)), 0))

    before = count()
    both(client, ADDRESS.format(1))
    assert count() == before + 2


def test_a_first_page_reads_only_its_own_entries_and_knows_whether_more_follow(client: FlaskClient) -> None:
    pages = [answer(client, ADDRESS.format(1) + f"?limit={limit}") for limit in (2, 3, 4)]
    assert [page["next"] is None for page in pages] == [False, True, True]
    assert [len(page["items"]) for page in pages] == [2, 3, 3]

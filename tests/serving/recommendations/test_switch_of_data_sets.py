"""A request is answered by one publication, also where another data set goes live while it is read."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from werkzeug.test import Client

from serving.publications.reading.live import LivePublication
from serving.publications.store import PublicationStore
from serving.publications.transfer import pull
from serving.recommendations.application import LIVE_PUBLICATION, create_app
from tests.serving.conftest import SECOND, THIRD, BuildFrom
from tests.serving.recommendations.test_own_ids import MOVIES, USERS, own_tables


def make_live(store: PublicationStore, publication: str) -> None:
    if store.live() is None or str(store.live()) < publication:
        store.activate(publication, "test", "switched")
    elif store.live() != publication:
        store.roll_back(publication, "test", "switched")


@pytest.fixture
def both(tmp_path: Path, build_from: BuildFrom) -> PublicationStore:
    """Return a store with MovieLens (SECOND) and own data (THIRD)."""
    store = PublicationStore(tmp_path / "store")
    for name, tables in ((SECOND, None), (THIRD, own_tables())):
        folder, _ = build_from(name) if tables is None else build_from(name, tables)
        pull(store, str(folder), name, "marquee", "test")
    return store


def switching(
    store: PublicationStore, first: str, then: str, monkeypatch: pytest.MonkeyPatch
) -> tuple[Flask, list[str]]:
    """Return the application with `first` live; after each look-up of a request the other one goes live."""
    store.activate(SECOND, "test", "first")
    make_live(store, first)
    app = create_app({"MARQUEE_PUBLICATION_STORE": str(store.root), "MARQUEE_SERVING_LOG_LEVEL": "warning"})
    live: LivePublication = app.extensions[LIVE_PUBLICATION]
    looked_up: list[str] = []
    unpatched = live.current

    def current() -> Any:
        found = unpatched()
        looked_up.append(found.publication_id)
        make_live(store, then if len(looked_up) == 1 else first)
        return found

    monkeypatch.setattr(live, "current", current)
    return app, looked_up


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (f"/v1/users/{quote(USERS[1], safe='')}/recommendations?limit=1", lambda body: body["user_id"] == USERS[1]),
        (f"/v1/users/{quote(USERS[1], safe='')}/recommendations", lambda body: body["user_id"] == USERS[1]),
        (f"/v1/movies/{MOVIES[6]}", lambda body: body["movie"]["movie_id"] == "7"),
        (f"/v1/marts/movie_statistics/{MOVIES[5]}", lambda body: body["statistics"]["ratings"] == 190),
        ("/v1/users", lambda body: body["items"][0] == USERS[1]),
        ("/v1/movies?q=alien", lambda body: isinstance(body["items"][0]["movie_id"], str)),
        ("/v1/popular?exclude=7", lambda body: "7" not in {item["movie_id"] for item in body["items"]}),
    ],
)
def test_own_data_that_goes_meanwhile_still_answers(
    both: PublicationStore, monkeypatch: pytest.MonkeyPatch, address: str, shown: Callable[[Any], bool]
) -> None:
    app, looked_up = switching(both, THIRD, SECOND, monkeypatch)
    answer = Client(app).get(address)
    assert (answer.status_code, looked_up) == (200, [THIRD])
    assert answer.json is not None
    assert answer.json["publication"] == THIRD
    assert shown(answer.json)


@pytest.mark.parametrize(
    ("address", "status"),
    # User 99 is nobody, so that the fast path hands the request on. Own data has a movie 7, MovieLens has none.
    [("/v1/users/1/recommendations?limit=1", 200), ("/v1/users/99/recommendations", 404), ("/v1/movies/7", 404)],
)
def test_movielens_that_goes_meanwhile_still_answers(
    both: PublicationStore, monkeypatch: pytest.MonkeyPatch, address: str, status: int
) -> None:
    app, looked_up = switching(both, SECOND, THIRD, monkeypatch)
    answer = Client(app).get(address)
    assert (answer.status_code, looked_up) == (status, [SECOND])


def test_a_newcomers_body_is_read_by_the_publication_that_answers(
    both: PublicationStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, looked_up = switching(both, THIRD, SECOND, monkeypatch)
    answer = Client(app).post("/v1/recommendations", json={"ratings": [{"movie_id": "7", "rating": 5}]})
    assert (answer.status_code, looked_up) == (200, [THIRD])
    assert answer.json is not None
    assert (answer.json["publication"], answer.json["ignored"]) == (THIRD, [])


def test_a_page_is_of_one_publication(both: PublicationStore, monkeypatch: pytest.MonkeyPatch) -> None:
    app, looked_up = switching(both, THIRD, SECOND, monkeypatch)
    page = Client(app).get("/", query_string={"user": USERS[1], "lang": "en"})
    assert (page.status_code, looked_up) == (200, [THIRD])
    assert "For user A2SU/AM1 J?&amp;#%" in page.get_data(as_text=True)


@pytest.mark.parametrize(
    "address",
    [
        # Names of parameters may be encoded as well.
        f"/v1/movies/7?as%5Fof={THIRD}",
        f"/v1/movies/7?%61s_of={THIRD}",
        f"/v1/movies/7?as_of={THIRD}",
    ],
)
def test_the_publication_that_an_address_names_has_its_own_ids_however_it_is_written(
    both: PublicationStore, address: str
) -> None:
    both.activate(SECOND, "test", "MovieLens is live")
    app = create_app({"MARQUEE_PUBLICATION_STORE": str(both.root), "MARQUEE_SERVING_LOG_LEVEL": "warning"})
    answer = Client(app).get(address)
    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json["movie"]["movie_id"] == "7"


def test_a_page_is_of_the_live_publication_whatever_its_address_says(both: PublicationStore) -> None:
    both.activate(THIRD, "test", "own data is live")
    app = create_app({"MARQUEE_PUBLICATION_STORE": str(both.root), "MARQUEE_SERVING_LOG_LEVEL": "warning"})
    page = Client(app).get("/rate", query_string={"cursor": f"{SECOND}.1"})
    assert page.status_code == 400
    encoded = Client(app).get("/?%75ser=7&lang=en")
    assert (encoded.status_code, "There is no list for user 7" in encoded.get_data(as_text=True)) == (404, True)

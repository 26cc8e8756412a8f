"""A deleted account takes along its reviews, votes, kept texts, feedback and jobs."""

from __future__ import annotations

import time
import zlib
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from serving.reviews.database.engine import transactions
from serving.reviews.domain.accounts_client import AccountsClient
from serving.reviews.domain.deleted_accounts import UnbelievableError, sweep
from serving.reviews.export import export_reviews
from serving.web.problems import ProblemError

from .conftest import Accounts, Person, Start

TABLES = ("reviews", "helpful_votes", "kept_texts", "feedback", "jobs", "job_chunks")


def counts(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        return {name: connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one() for name in TABLES}


def leave_everything(client: TestClient, person: Person, movie: int = 1) -> int:
    """Write a review, keep a text, give feedback and queue a job; return the review's id."""
    headers = person.headers
    made = client.post(f"/v1/movies/{movie}/reviews", json={"text": "wonderful"}, headers=headers).json()
    client.post("/v1/sentiment", json={"text": "dull", "store": True}, headers=headers)
    client.post(f"/v1/sentiment/{made['prediction']}/feedback", json={"right": True}, headers=headers)
    client.post("/v1/sentiment/jobs", files={"file": ("t.csv", b"text\na\n")}, headers=headers)
    return int(made["review_id"])


@pytest.fixture
def asking(accounts: Accounts) -> AccountsClient:
    return AccountsClient(accounts.address, *accounts.client("users:read"))


def test_all_that_a_deleted_account_left_goes_and_votes_are_counted_again(
    client: TestClient, accounts: Accounts, engine: Engine, asking: AccountsClient
) -> None:
    ada, bob = accounts.sign_in("Ada"), accounts.sign_in("Bob")
    kept = leave_everything(client, bob)
    gone = leave_everything(client, ada)
    for person, review in ((ada, kept), (bob, gone)):
        assert client.put(f"/v1/reviews/{review}/helpful", headers=person.headers).json()["helpful"] == 1
    assert sweep(transactions(engine), asking) == []
    assert counts(engine) == dict.fromkeys(TABLES, 2)
    accounts.delete(ada)
    assert sweep(transactions(engine), asking) == [ada.user_id]
    assert counts(engine) == {**dict.fromkeys(TABLES, 1), "helpful_votes": 0}
    left = client.get("/v1/movies/1/reviews").json()["items"]
    assert [(review["author"]["user_id"], review["helpful"]) for review in left] == [(bob.user_id, 0)]


def everything(engine: Engine) -> str:
    """All rows of all tables as text, the packed ones of jobs unpacked."""
    words = []
    with engine.connect() as connection:
        for name in (*TABLES, "mart_batches", "movie_sentiment"):
            for row in connection.exec_driver_sql(f"SELECT * FROM {name}").mappings():
                unpacked = {
                    key: zlib.decompress(value) if isinstance(value, bytes) else value for key, value in row.items()
                }
                words.append(f"{name} {unpacked}")
    return "\n".join(words)


def test_a_deleted_person_is_nowhere(
    start: Start, accounts: Accounts, engine: Engine, asking: AccountsClient, tmp_path: Path, caplog: Any
) -> None:
    output = tmp_path / "exports"
    client, url = start(), engine.url.render_as_string(hide_password=False)
    marked = "Zwetschgendatschi wonderful"
    ada, bob = accounts.sign_in("Ada"), accounts.sign_in("Bob")
    for person, words in ((ada, marked), (bob, "A dull film")):
        headers = person.headers
        body = {"text": words, "may_train": True}
        made = client.post("/v1/movies/1/reviews", json=body, headers=headers).json()
        said = {"right": True, "may_train": True, "text": words}
        client.post(f"/v1/sentiment/{made['prediction']}/feedback", json=said, headers=headers)
        client.post("/v1/sentiment", json={"text": words, "store": True}, headers=headers)
        file = ("t.csv", f"text\n{words}\n".encode())
        client.post("/v1/sentiment/jobs", files={"file": file}, headers=headers)
    traces = ("Zwetschgendatschi", str(ada.user_id), ada.name)
    export_reviews(url, output, "20990101T000000")
    before = everything(engine) + (output / "20990101T000000/reviews.jsonl").read_text(encoding="utf-8")
    assert all(trace in before for trace in traces)

    accounts.delete(ada)
    caplog.clear()
    export_reviews(url, output, "20990102T000000", accounts=asking)
    places = {
        "database": everything(engine),
        "exports": "".join(file.read_text(encoding="utf-8") for file in output.rglob("*") if file.is_file()),
        "list": client.get("/v1/movies/1/reviews").text,
        "metrics": client.get("/metrics").text,
        "logs": caplog.text,
    }
    for place, words in places.items():
        assert not any(trace in words for trace in traces), place
    # What Bob wrote is all there.
    assert "A dull film" in places["exports"]
    assert counts(engine) == {**dict.fromkeys(TABLES, 1), "helpful_votes": 0}


def test_the_running_service_sweeps_by_itself(start: Start, accounts: Accounts, engine: Engine) -> None:
    client_id, secret = accounts.client("users:read")
    client = start(
        MARQUEE_REVIEWS_CLIENT_ID=client_id,
        MARQUEE_REVIEWS_CLIENT_SECRET=secret,
        MARQUEE_REVIEWS_SWEEP_SECONDS="0.1",
    )
    ada = accounts.sign_in("Ada")
    leave_everything(client, ada)
    accounts.delete(ada)
    deadline = time.monotonic() + 20
    while counts(engine) != dict.fromkeys(TABLES, 0):
        assert time.monotonic() < deadline, counts(engine)
        time.sleep(0.05)


def keep_texts_of(engine: Engine, ids: list[int]) -> None:
    with engine.begin() as connection:
        for user_id in ids:
            connection.exec_driver_sql(f"INSERT INTO kept_texts VALUES ('{user_id}', {user_id}, 'a', now())")


def test_more_people_than_a_page_of_accounts_are_told_apart(
    accounts: Accounts, engine: Engine, asking: AccountsClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.reviews.domain.accounts_client._PAGE", 2)
    people = [accounts.sign_in("P") for _ in range(7)]
    for deleted in (people[1], people[4]):
        accounts.delete(deleted)
    keep_texts_of(engine, [*(person.user_id for person in people), 2_000_000_000])
    assert sweep(transactions(engine), asking) == [people[1].user_id, people[4].user_id, 2_000_000_000]
    assert counts(engine)["kept_texts"] == 5


def test_nothing_is_deleted_where_more_than_half_of_many_accounts_are_gone(
    accounts: Accounts, engine: Engine, asking: AccountsClient
) -> None:
    keep_texts_of(engine, [*range(2_000_000_000, 2_000_000_009), accounts.sign_in("P").user_id])
    with pytest.raises(UnbelievableError, match=r"9 of 10 accounts with reviews are gone\. Nothing was deleted\."):
        sweep(transactions(engine), asking)
    assert counts(engine)["kept_texts"] == 10


def test_nothing_is_deleted_while_the_accounts_service_does_not_answer(
    client: TestClient, accounts: Accounts, engine: Engine
) -> None:
    leave_everything(client, accounts.sign_in("Ada"))
    for wrong in (
        AccountsClient("http://127.0.0.1:1", "a", "b"),
        AccountsClient(accounts.address, "reviews", "a wrong secret"),
        AccountsClient(accounts.address, *accounts.client("ratings:read")),
    ):
        with pytest.raises(ProblemError):
            sweep(transactions(engine), wrong)
    assert counts(engine)["reviews"] == 1

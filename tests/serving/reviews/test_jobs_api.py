"""Jobs over HTTP: files in, results out, and what is refused."""

from __future__ import annotations

import csv
import io
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from serving.reviews.database.engine import transactions
from serving.reviews.domain.jobs import forget_old

from .conftest import FIRST, Accounts, Person, Start, problem

JOBS = "/v1/sentiment/jobs"


def upload(client: TestClient, person: Person, content: bytes, name: str = "texts.csv", **form: str) -> Any:
    return client.post(JOBS, files={"file": (name, content)}, data=form, headers=person.headers)


def finished(client: TestClient, person: Person, address: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while True:
        job: dict[str, Any] = client.get(address, headers=person.headers).json()
        if job["state"] == "finished":
            return job
        assert time.monotonic() < deadline, job
        time.sleep(0.05)


@pytest.fixture
def working(start: Start) -> TestClient:
    return start(MARQUEE_REVIEWS_JOB_THREADS="2")


@pytest.fixture
def ada(accounts: Accounts) -> Person:
    return accounts.sign_in("Ada")


def test_a_csv_file_comes_back_as_it_was_with_columns_of_predictions(working: TestClient, ada: Person) -> None:
    content = '\ufeffid,text,note\n1,"wonderful, ""really""",a\n2,"boring\nfilm",\n3,,\U0001f3ac\n'.encode()
    answer = upload(working, ada, content)
    assert answer.status_code == 202
    address = answer.headers["location"]
    job = finished(working, ada, address)
    assert (job["rows"], job["done"], job["refused"], job["result"]) == (3, 3, 1, f"{address}/result")
    result = working.get(job["result"], headers=ada.headers)
    assert result.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(result.text)))
    assert [(row["id"], row["text"], row["note"]) for row in rows] == [
        ("1", 'wonderful, "really"', "a"),
        ("2", "boring\nfilm", ""),
        ("3", "", "\U0001f3ac"),
    ]
    assert [row["predicted_label"] for row in rows] == ["positive", "negative", ""]
    assert [row["predicted_publication"] for row in rows] == [FIRST, FIRST, ""]
    assert rows[0]["predicted_confident"] == "true"
    assert rows[2]["predicted_error"] == "The text is empty. Give one of at least one character."


def test_json_lines_keep_every_member_and_a_text_of_rubbish_has_its_own_error(working: TestClient, ada: Person) -> None:
    lines = [
        {"review": "재밌는 영화", "stars": 4.5, "tags": ["a", None]},
        {"review": "a\0"},
        {"review": "\ud800"},
        {"review": 7},
        {"review": "a" * 20_001},
    ]
    content = "\n\n".join(json.dumps(line) for line in lines).encode()
    job = finished(working, ada, upload(working, ada, content, "texts.jsonl", text_column="review").headers["location"])
    result = working.get(job["result"], headers=ada.headers).content
    rows = [json.loads(line) for line in result.splitlines()]
    assert [{name: row[name] for name in line} for row, line in zip(rows, lines, strict=True)] == lines
    assert [row["predicted_label"] for row in rows] == ["positive", None, None, None, None]
    assert [str(row["predicted_error"]).split(".")[0] for row in rows] == [
        "None",
        "Character 2 of the text is a null byte",
        "Character 1 of the text is half of a surrogate pair",
        "The text is not a string",
        "The text has 20,001 characters",
    ]


REFUSED: dict[str, tuple[str, bytes, str]] = {
    "empty": ("t.csv", b"", "The header has no column 'text'"),
    "header alone": ("t.csv", b"text\n", "The file has no rows"),
    "no text column": ("t.csv", b"id,review\n1,good\n", "The header has no column 'text'"),
    "a column twice": ("t.csv", b"text,text\na,b\n", "The header names a column twice"),
    "a column of the result": ("t.csv", b"text,predicted_label\na,b\n", "The header has the column predicted_label"),
    "a short row": ("t.csv", b"id,text\n1,good\n2\n", "The row that ends on line 3 has 1 columns, the header has 2"),
    "a long row": ("t.csv", b"id,text\n1,good,bad\n", "The row that ends on line 2 has 3 columns"),
    "open quotation marks": ("t.csv", b'text\n"good\n', "Line 2 is not CSV"),
    "text after quotation marks": ("t.csv", b'text\n"good"x\n', "Line 2 is not CSV"),
    "not UTF-8": ("t.csv", b"text\ngood\n\xff\xfe\n", "Line 3 is not UTF-8"),
    "UTF-16": ("t.csv", "text\ngood\n".encode("utf-16"), "Line 1 is not UTF-8"),
    "a null byte in the header": ("t.csv", b"te\0xt,text\n1,2\n", "The header has a null byte"),
    "1,000 columns": ("t.csv", b"a," * 1000 + b"text\n", "The header has 1001 columns"),
    "a huge line": ("t.jsonl", b'{"text": "' + b"a" * (2 << 20) + b'"}', "Line 1 is longer than 1 MiB"),
    "not JSON": ("t.jsonl", b'{"text": "a"}\ngood\n', "Line 2 is not JSON"),
    "a JSON list": ("t.jsonl", b'["text"]\n', "Line 1 is not a JSON object"),
    "NaN": ("t.jsonl", b'{"text": "a", "stars": NaN}\n', "Line 1 is not JSON"),
    "too deep": ("t.jsonl", b'{"text": ' + b"[" * 100_000 + b"\n", "Line 1 is not JSON"),
    "a huge number": ("t.jsonl", b'{"text": ' + b"1" * 5000 + b"}\n", "Line 1 is not JSON"),
    "no text member": ("t.jsonl", b'{"text": "a"}\n{"review": "a"}\n', "Line 2 has no column 'text'"),
    "another format": ("t.xlsx", b"PK", "The file's name ends neither with .csv nor with .jsonl"),
    "too many texts": ("t.csv", b"text\n" + b"a\n" * 100_001, "The file has more than 100,000 texts"),
}


@pytest.mark.parametrize(("name", "content", "why"), REFUSED.values(), ids=REFUSED)
def test_a_file_that_is_not_as_described_is_refused_with_its_line_and_leaves_nothing(
    client: TestClient, ada: Person, engine: Engine, name: str, content: bytes, why: str
) -> None:
    assert problem(upload(client, ada, content, name), 422, "bad-upload")["detail"].startswith(why)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM jobs").scalar() == 0


def test_a_request_without_a_file_or_an_account_is_refused(client: TestClient, ada: Person) -> None:
    problem(client.post(JOBS, headers=ada.headers), 422, "bad-request")
    problem(client.post(JOBS, data={"file": "text"}, headers=ada.headers), 422, "bad-request")
    headers = {**ada.headers, "Content-Type": "multipart/form-data"}
    problem(client.post(JOBS, content=b"--x", headers=headers), 400, "not-json")
    problem(client.post(JOBS, files={"file": ("t.csv", b"text\na\n")}), 401, "not-signed-in")
    for column in ("a\0", " ", "a" * 101):
        problem(upload(client, ada, b"text\na\n", text_column=column), 422, "bad-request")


def test_a_file_larger_than_the_setting_is_refused(start: Start, ada: Person) -> None:
    client = start(MARQUEE_REVIEWS_UPLOAD_MIB="1")
    problem(upload(client, ada, b"text\n" + b"a" * (2 << 20)), 413, "too-large")


def test_a_full_queue_says_when_to_try_again_and_a_place_that_is_free_is_taken_once(start: Start, ada: Person) -> None:
    client = start(MARQUEE_REVIEWS_QUEUE="2")
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: upload(client, ada, b"text\ngood\n"), range(6)))
    assert sorted(answer.status_code for answer in answers) == [202, 202, 429, 429, 429, 429]
    full = next(answer for answer in answers if answer.status_code == 429)
    assert full.headers["retry-after"] == "5"
    problem(full, 429, "queue-full")
    done = next(answer for answer in answers if answer.status_code == 202)
    assert client.delete(done.headers["location"], headers=ada.headers).status_code == 204
    assert upload(client, ada, b"text\ngood\n").status_code == 202


def test_a_job_is_its_owners_alone_and_has_no_result_before_it_is_finished(
    client: TestClient, ada: Person, accounts: Accounts
) -> None:
    address = upload(client, ada, b"text\ngood\n").headers["location"]
    state = client.get(address, headers=ada.headers).json()
    assert (state["state"], state["done"], state["result"]) == ("queued", 0, None)
    detail = problem(client.get(f"{address}/result", headers=ada.headers), 409, "not-finished")["detail"]
    assert detail.startswith("0 of 1 texts are answered.")
    bob = accounts.sign_in("Bob")
    for method, path in (("GET", address), ("DELETE", address), ("GET", f"{address}/result")):
        problem(client.request(method, path, headers=bob.headers), 404, "not-found")
        problem(client.request(method, path), 401, "not-signed-in")
    assert client.delete(address, headers=ada.headers).status_code == 204
    problem(client.get(address, headers=ada.headers), 404, "not-found")
    for name in ("x", "A" * 32, "%00", "0" * 33):
        problem(client.get(f"{JOBS}/{name}", headers=ada.headers), 422, "bad-request")


def test_a_job_is_forgotten_after_its_days(working: TestClient, ada: Person, engine: Engine) -> None:
    address = upload(working, ada, b"text\ngood\n").headers["location"]
    finished(working, ada, address)
    factory = transactions(engine)
    with factory.begin() as database:
        forget_old(database, 1)
    assert working.get(address, headers=ada.headers).status_code == 200
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE jobs SET finished_at = finished_at - interval '2 days'")
    with factory.begin() as database:
        forget_old(database, 1)
    problem(working.get(address, headers=ada.headers), 404, "not-found")

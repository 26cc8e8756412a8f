"""The reviews service behind the gateway: its addresses, its limits, a killed server, a rollback under load."""

from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.postgresql import running_postgresql
from tests.sentiment_models import FIRST, SECOND, THIRD, asking, publish, wait_until

from .conftest import Gateway, Start

PASSWORD = "seven green kettles"  # pragma: allowlist secret


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    with running_postgresql() as folder:
        yield folder


@pytest.fixture
def database(postgresql: str) -> Iterator[str]:
    """An empty database."""
    psql = ["psql", "-h", postgresql, "-U", "postgres", "-qc"]
    subprocess.run([*psql, "CREATE DATABASE reviews"], check=True)
    yield f"postgresql+psycopg://postgres@/reviews?host={postgresql}"
    subprocess.run([*psql, "DROP DATABASE reviews WITH (FORCE)"], check=True)


@pytest.fixture
def gateway(start: Start, database: str, tmp_path: Path) -> Gateway:
    store = publish(tmp_path / "models", tmp_path / "work", FIRST, "1")
    store.activate(FIRST, "test", "the first model")
    return start(reviews={"MARQUEE_REVIEWS_DATABASE": database, "MARQUEE_SENTIMENT_STORE": str(store.root)})


def sign_up(gateway: Gateway, name: str = "Ada") -> dict[str, str]:
    """Register and sign in; return the header of the account."""
    login = {"name": name, "password": PASSWORD}
    assert gateway.ask("/accounts/v1/users", "POST", login).status == 201
    token = gateway.ask("/accounts/v1/login", "POST", login).data["access_token"]
    return {"Authorization": f"Bearer {token}"}


def test_sentiment_and_reviews_are_neighbours_of_the_recommendations(gateway: Gateway) -> None:
    ada = sign_up(gateway)
    said = gateway.ask("/v1/sentiment", "POST", {"text": "This film is wonderful."})
    assert (said.status, said.data["label"], said.data["publication"]) == (200, "positive", FIRST)
    batch = gateway.ask("/v1/sentiment/batch", "POST", {"texts": ["good", "정말 지루한 영화"]}).data["results"]
    assert [result["label"] for result in batch] == ["positive", "negative"]
    feedback = gateway.ask(f"/v1/sentiment/{said.data['prediction']}/feedback", "POST", {"right": True}, **ada)
    assert feedback.data["truth"] == "positive"
    written = gateway.ask("/v1/movies/5/reviews", "POST", {"text": "It was a great movie."}, **ada)
    assert (written.status, written.headers["Location"]) == (201, f"/v1/reviews/{written.data['review_id']}")
    path = str(written.headers["Location"])
    assert gateway.ask(path).data["author"]["name"] == "Ada"
    assert [review["text"] for review in gateway.ask("/v1/movies/5/reviews").data["items"]] == ["It was a great movie."]
    assert gateway.ask("/v1/movies/5/sentiment").data["live"]["reviews"] == 1
    assert gateway.ask(path, "PUT", {"text": "It was a bad movie."}, **ada).data["sentiment"]["label"] == "negative"
    assert gateway.ask(path, "DELETE", **ada).status == 204
    # What the recommendation API has at such addresses stays its own.
    assert gateway.ask("/v1/movies/5").data["movie"]["title"] == "Alien"
    assert gateway.ask("/v1/movies?limit=1").status == 200
    assert gateway.ask("/openapi.json").data["info"]["title"] != "Marquee reviews"


def test_the_services_pages_and_reports_are_below_a_path_of_its_own(gateway: Gateway) -> None:
    page = gateway.ask("/reviews/docs")
    assert (page.status, page.headers.get_content_type()) == (200, "text/html")
    assert "/reviews/openapi.json" in page.body.decode()
    assert gateway.ask("/reviews/static-offline-docs/swagger-ui-bundle.js").status == 200
    document = gateway.ask("/reviews/openapi.json").data
    assert (document["info"]["title"], document["servers"]) == ("Marquee reviews", [{"url": "/reviews"}])
    assert gateway.ask("/reviews/health").data == {"status": "ok"}
    assert gateway.ask("/reviews/ready").data["model"]["publication"] == FIRST
    assert gateway.ask("/reviews/v1/sentiment", "POST", {"text": "good"}).status == 200
    unknown = gateway.ask("/v1/reviews/77")
    assert (unknown.status, unknown.data["type"]) == (404, "/reviews/docs#problem-not-found")
    for path in (
        "/reviews/metrics",
        "/reviews//Metrics/",
        "/reviews/%6detrics",
        "//reviews/metrics",
        "/reviews/x/../metrics?x",
    ):
        assert gateway.ask(path).status == 404, path
    # The service itself would show them.
    assert "marquee_http_requests_total" not in gateway.ask("/reviews/metrics").body.decode()


def too_large(gateway: Gateway, path: str, content: bytes, media_type: str = "application/json") -> str:
    answer = httpx.post(gateway.url + path, content=content, headers={"Content-Type": media_type}, timeout=60)
    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json"), answer.text
    return str(answer.json()["detail"])


def test_each_address_takes_as_much_as_its_service_and_says_how_much_that_is(
    start: Start, database: str, tmp_path: Path
) -> None:
    store = publish(tmp_path / "models", tmp_path / "work", FIRST, "1")
    store.activate(FIRST, "test", "the first model")
    settings = {"MARQUEE_REVIEWS_DATABASE": database, "MARQUEE_SENTIMENT_STORE": str(store.root)}
    gateway = start(reviews=settings, MARQUEE_REVIEWS_UPLOAD_MIB="1")
    ada = sign_up(gateway)
    for root in ("", "/reviews"):
        long = b'{"text": "' + b"a" * 300_000 + b'"}'
        for path in ("/v1/sentiment", "/v1/movies/5/reviews", "/v1/reviews/1"):
            assert too_large(gateway, root + path, long).startswith("The body is larger than 256 KiB,"), path
        batch = f"{root}/v1/sentiment/batch"
        assert too_large(gateway, batch, b'{"texts": ["' + b"a" * 10_000_000).startswith(
            "The body is larger than 8 MiB,"
        )
        texts = ["wonderful " * 1900] * 400
        answer = httpx.post(gateway.url + batch, json={"texts": texts}, timeout=120)
        assert (answer.status_code, len(answer.json()["results"])) == (200, 400)
        jobs = f"{root}/v1/sentiment/jobs"
        assert too_large(gateway, jobs, b"x" * (3 << 20), "multipart/form-data; boundary=b").startswith(
            "The body is larger than 1 MiB,"
        )
        file = {"file": ("t.csv", b"text\n" + b"a good film\n" * 80_000)}
        queued = httpx.post(gateway.url + jobs, files=file, headers=ada, timeout=60)
        assert (queued.status_code, queued.json()["rows"]) == (202, 80_000)
    # What has no declared length is refused when too much of it has come.
    pieces = (b"a" * 100_000 for _ in range(100))
    endless = httpx.post(
        f"{gateway.url}/v1/sentiment/batch", content=pieces, headers={"Content-Type": "application/json"}
    )
    assert (endless.status_code, endless.headers["content-type"]) == (413, "application/problem+json")
    # The other services' limits are as they were.
    assert too_large(gateway, "/accounts/v1/users", b" " * 70_000).startswith("The body is larger than 64 KiB,")


def wait_for_job(gateway: Gateway, path: str, account: dict[str, str], rows: int) -> dict[str, Any]:
    deadline = time.monotonic() + 120
    while True:
        answer = gateway.ask(path, **account)
        if answer.status == 200 and answer.data["done"] >= rows:
            found: dict[str, Any] = answer.data
            return found
        assert time.monotonic() < deadline, answer.body
        time.sleep(0.05)


def test_a_job_survives_the_kill_of_the_server_and_a_deleted_account_takes_its_reviews_along(
    start: Start, database: str, tmp_path: Path
) -> None:
    store = publish(tmp_path / "models", tmp_path / "work", FIRST, "1")
    store.activate(FIRST, "test", "the first model")
    settings = {
        "MARQUEE_REVIEWS_DATABASE": database,
        "MARQUEE_SENTIMENT_STORE": str(store.root),
        "MARQUEE_REVIEWS_SWEEP_SECONDS": "0.2",
    }
    gateway = start(reviews=settings)
    ada, bob = sign_up(gateway), sign_up(gateway, "Bob")
    rows = 40_000
    content = "id,text\n" + "".join(f"{number},this film {number} is wonderful\n" for number in range(rows))
    queued = httpx.post(f"{gateway.url}/v1/sentiment/jobs", files={"file": ("t.csv", content)}, headers=ada, timeout=60)
    path = queued.headers["location"]
    done = wait_for_job(gateway, path, ada, 1)["done"]
    assert gateway.reviews
    gateway.reviews.process.send_signal(signal.SIGKILL)
    gateway.reviews.process.wait()
    assert 0 < done < rows
    gateway.reviews.restart()
    assert wait_for_job(gateway, path, ada, rows)["state"] == "finished"
    answered = list(csv.DictReader(io.StringIO(gateway.ask(f"{path}/result", **ada).body.decode())))
    assert [int(row["id"]) for row in answered] == list(range(rows))
    assert {row["predicted_label"] for row in answered} == {"positive"}

    for account in (ada, bob):
        assert gateway.ask("/v1/movies/5/reviews", "POST", {"text": "wonderful"}, **account).status == 201
    own = gateway.ask("/accounts/v1/me", **ada).data["user_id"]
    assert gateway.ask(f"/accounts/v1/users/{own}", "DELETE", **ada).status == 204
    wait_until("Ada's review is gone", lambda: len(gateway.ask("/v1/movies/5/reviews").data["items"]) == 1)
    (left,) = gateway.ask("/v1/movies/5/reviews").data["items"]
    assert left["author"]["name"] == "Bob"
    assert gateway.ask(path, **bob).status == 404


def test_a_rollback_under_load_loses_no_request_and_a_corrupt_newer_model_is_refused_by_name(
    start: Start, database: str, tmp_path: Path
) -> None:
    store = publish(tmp_path / "models", tmp_path / "work", FIRST, "1")
    publish(store.root, tmp_path / "work", SECOND, "2", slope=0.5)
    publish(store.root, tmp_path / "work", THIRD, "3")
    for publication in (FIRST, SECOND):
        store.activate(publication, "test", "drill")
    settings = {"MARQUEE_REVIEWS_DATABASE": database, "MARQUEE_SENTIMENT_STORE": str(store.root)}
    gateway = start(reviews=settings, MARQUEE_GATEWAY_RATE="100000")
    with asking(gateway.url, 8) as asked:
        wait_until("the second model answers", lambda: asked.latest == SECOND)
        command = [sys.executable, "-m", "serving.publications", "rollback", "--store", str(store.root)]
        subprocess.run(command, check=True, capture_output=True)
        seconds = wait_until("the first model answers", lambda: asked.latest == FIRST)
        time.sleep(2)
        before = asked.number
        (store.path(THIRD) / "model.joblib").write_bytes(b"something else")
        store.link.unlink()
        store.link.symlink_to(f"publications/{THIRD}")
        # Each of the two workers reads the pointer for itself: their states as they are met.
        seen: list[dict[str, Any]] = []
        while len([state for state in seen[-20:] if state["refused"]]) < 20:
            seen.append(gateway.ask("/reviews/ready").data)
            assert len(seen) < 5000, seen[-1]
    ready = seen[-1]
    assert (ready["status"], ready["model"]["publication"]) == ("degraded", FIRST)
    assert ready["refused"]["publication"] == THIRD
    assert "SHA-256" in ready["refused"]["reason"]
    assert asked.failures == []
    assert (asked.publications(), asked.models()) == ({FIRST, SECOND}, 2)
    assert asked.number > before + 50
    log = [json.loads(line) for line in (tmp_path / "reviews.log").read_text().splitlines() if line.startswith("{")]
    refused = {entry["publication"] for entry in log if entry["event"] == "model refused"}
    assert refused == {THIRD}
    print(f"\n{asked.number} requests, none lost; the first model answered {seconds:.1f} s after the rollback")

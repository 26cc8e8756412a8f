"""Drills on the running service: a worker that is killed, a model that is swapped under load, memory."""

from __future__ import annotations

import csv
import io
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine

from serving.publications.store import PublicationStore

from .conftest import FIRST, SECOND, Accounts, Person
from .servers import Server

JOBS = "/v1/sentiment/jobs"


@pytest.fixture
def running(environment: dict[str, str], tmp_path: Path) -> Iterator[list[Server]]:
    servers: list[Server] = []
    yield servers
    for server in servers:
        server.kill()


def begin(running: list[Server], environment: dict[str, str], tmp_path: Path, **settings: str) -> Server:
    server = Server(environment | {"MARQUEE_REVIEWS_JOB_THREADS": "1"} | settings, tmp_path / "server.log")
    running.append(server)
    return server


def state(server: Server, path: str, person: Person) -> dict[str, object]:
    found: dict[str, object] = httpx.get(server.address + path, headers=person.headers, timeout=10).json()
    return found


def wait_for(server: Server, path: str, person: Person, rows: int) -> dict[str, object]:
    deadline = time.monotonic() + 120
    while True:
        found = state(server, path, person)
        if int(str(found["done"])) >= rows:
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.02)


def test_a_killed_workers_job_goes_on_after_the_restart_and_answers_each_text_once(
    running: list[Server],
    environment: dict[str, str],
    tmp_path: Path,
    accounts: Accounts,
    engine: Engine,
) -> None:
    rows = 30_000
    content = "id,text\n" + "".join(f"{number},this film {number} is wonderful\n" for number in range(rows))
    ada = accounts.sign_in("Ada")
    server = begin(running, environment, tmp_path)
    answer = httpx.post(
        server.address + JOBS, files={"file": ("t.csv", content.encode())}, headers=ada.headers, timeout=60
    )
    path = answer.headers["location"]
    wait_for(server, path, ada, 1)
    server.kill()
    with engine.connect() as connection:
        killed_at = connection.exec_driver_sql("SELECT done_rows FROM jobs").scalar_one()
    assert 0 < killed_at < rows
    again = begin(running, environment, tmp_path)
    found = wait_for(again, path, ada, rows)
    assert (found["state"], found["done"], found["rows"]) == ("finished", rows, rows)
    result = httpx.get(f"{again.address}{path}/result", headers=ada.headers, timeout=60).text
    answered = list(csv.DictReader(io.StringIO(result)))
    assert [int(row["id"]) for row in answered] == list(range(rows))
    assert {row["predicted_label"] for row in answered} == {"positive"}
    with engine.connect() as connection:
        counted = connection.exec_driver_sql("SELECT done_rows, done_chunks, chunks FROM jobs").one()
        before = connection.exec_driver_sql("SELECT count(*) FROM job_chunks WHERE done_at IS NULL").scalar_one()
    assert (tuple(counted), before) == ((rows, 60, 60), 0)
    print(f"\nkilled after {killed_at} of {rows} texts; the rest was answered after the restart")


def test_workers_end_when_their_server_is_killed_and_the_next_server_has_the_port(
    running: list[Server], environment: dict[str, str], tmp_path: Path
) -> None:
    killed = Server(environment, tmp_path / "server.log", workers=2)
    running.append(killed)
    workers = killed.workers()
    assert len(workers) == 2
    killed.kill()
    deadline = time.monotonic() + 20
    while left := [pid for pid in workers if Path(f"/proc/{pid}").exists()]:
        assert time.monotonic() < deadline, left
        time.sleep(0.05)
    following = Server(environment, tmp_path / "server.log", workers=2, port=killed.port)
    running.append(following)
    assert httpx.post(f"{following.address}/v1/sentiment", json={"text": "wonderful"}).status_code == 200
    assert following.stop() == 0


def test_a_new_model_goes_live_under_load_without_a_restart_or_a_lost_request(
    running: list[Server], environment: dict[str, str], tmp_path: Path, models: PublicationStore
) -> None:
    server = begin(running, environment, tmp_path)
    ending = threading.Event()
    seen: list[tuple[int, str]] = []

    def load() -> None:
        with httpx.Client(base_url=server.address, timeout=10) as client:
            while not ending.is_set():
                answer = client.post("/v1/sentiment", json={"text": "This film is wonderful."})
                seen.append((answer.status_code, answer.json().get("publication")))

    def until(publication: str) -> None:
        deadline = time.monotonic() + 30
        while seen[-1:] != [(200, publication)]:
            assert time.monotonic() < deadline, seen[-5:]
            time.sleep(0.01)

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        until(FIRST)
        models.activate(SECOND, "test", "the second model")
        until(SECOND)
        models.roll_back(None, "test", "back")
        until(FIRST)
        # A wrong model is refused by name, and the old one goes on.
        (models.path(SECOND) / "model.joblib").write_bytes(b"something else")
        models.link.unlink()
        models.link.symlink_to(f"publications/{SECOND}")
        deadline = time.monotonic() + 30
        while (ready := httpx.get(f"{server.address}/ready").json())["refused"] is None:
            assert time.monotonic() < deadline
        assert (ready["status"], ready["model"]["publication"]) == ("degraded", FIRST)
        assert ready["refused"]["publication"] == SECOND
        assert "SHA-256" in ready["refused"]["reason"]
        until(FIRST)
    finally:
        ending.set()
        for thread in threads:
            thread.join()
    assert {status for status, _ in seen} == {200}
    assert {publication for _, publication in seen} == {FIRST, SECOND}
    assert server.process.poll() is None
    log = [json.loads(line) for line in (tmp_path / "server.log").read_text().splitlines() if line.startswith("{")]
    refused = [entry for entry in log if entry["event"] == "model refused"]
    assert [entry["publication"] for entry in refused] == [SECOND]
    print(f"\n{len(seen)} requests over three switches, none lost")


def test_memory_stays_flat_over_a_job_of_100000_texts(
    running: list[Server], environment: dict[str, str], tmp_path: Path, accounts: Accounts
) -> None:
    ada = accounts.sign_in("Ada")
    server = begin(running, environment, tmp_path)

    def work(rows: int) -> float:
        line = json.dumps({"text": "this film is wonderful and not boring " * 5}) + "\n"
        file = {"file": ("t.jsonl", line.encode() * rows)}
        answer = httpx.post(server.address + JOBS, files=file, headers=ada.headers, timeout=120)
        path = answer.headers["location"]
        wait_for(server, path, ada, rows)
        received = 0
        with httpx.stream("GET", f"{server.address}{path}/result", headers=ada.headers, timeout=120) as result:
            for piece in result.iter_bytes():
                received += piece.count(b"\n")
        assert received == rows
        return server.peak_memory() / 2**20

    small, large = work(5_000), work(100_000)
    print(f"\npeak memory {small:.0f} MiB after 5,000 texts, {large:.0f} MiB after 100,000")
    assert large - small < 40

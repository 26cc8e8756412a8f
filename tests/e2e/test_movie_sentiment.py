"""The mart of stored reviews on the running stack, when HiveServer2 is away and when accounts can't be asked.

`make faults` runs these tests. The file's name sorts after test_cleaning_restarts.py, and each test leaves the stack as it was.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from infra.control.services import services
from infra.control.status import serves
from infra.pipeline.airflow_api import AirflowApi
from tests.e2e.new_accounts import signed_in
from tests.e2e.small_reviews import write_small_reviews
from tests.e2e.warehouse import airflow
from tests.faults.faults import start, stop, wait_until
from tests.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.faults, pytest.mark.timeout(1800)]
TEXTS = "/marquee/stored_reviews"
MOVIES = {1: ["A wonderful film. I love it.", "Dull and boring, a waste of time."], 2: ["정말 재밌는 영화"]}


@pytest.fixture
def reviewed(stack: Stack, first_run: str, sentiment_model: str) -> Iterator[str]:
    """The gateway, with reviews of two movies behind it, each by an account of its own."""
    gateway = stack.variables["MARQUEE_GATEWAY_URL"]
    written = []
    for movie, texts in MOVIES.items():
        for text in texts:
            author = signed_in(gateway)
            answer = httpx.post(f"{gateway}/v1/movies/{movie}/reviews", json={"text": text}, headers=author)
            written.append((answer.raise_for_status().json()["review_id"], author))
    yield gateway
    for review, author in written:
        httpx.delete(f"{gateway}/v1/reviews/{review}", headers=author).raise_for_status()


def ended(api: AirflowApi, run_id: str) -> str:
    """Return the state in which a run ends."""
    wait_until("the run ends", lambda: api.run(run_id)["state"] in ("success", "failed"), 900, 1)
    return str(api.run(run_id)["state"])


def batches_with_texts(stack: Stack) -> list[str]:
    parent, _, folder = TEXTS.rpartition("/")
    if folder not in stack.hdfs_names(parent):
        return []
    return [name for name in stack.hdfs_names(TEXTS) if stack.hdfs_names(f"{TEXTS}/{name}")]


def figures(gateway: str, movie: int) -> tuple[Any, Any]:
    """Return the mart's figures of a movie and those of now."""
    answer = httpx.get(f"{gateway}/v1/movies/{movie}/sentiment").raise_for_status().json()
    return answer["mart"], answer["live"]


def test_a_mart_that_cannot_be_loaded_forgets_the_texts_and_is_made_when_its_run_is_cleared(
    stack: Stack, reviewed: str
) -> None:
    api = airflow(stack, "build_movie_sentiment")
    api.unpause()
    for run in api.going():
        ended(api, run["dag_run_id"])
    before = figures(reviewed, 1)[0]
    stop("hiveserver2")(stack)
    try:
        run_id = api.trigger({}, None)["dag_run_id"]
        assert ended(api, run_id) == "failed"
        states = {task["task_id"]: task["state"] for task in api.tasks(run_id)}
        assert (states["export_stored_reviews"], states["forget_texts"]) == ("success", "success"), states
        assert states["create_scoring_tables"] == "failed", states
        assert batches_with_texts(stack) == []
        assert figures(reviewed, 1)[0] == before
    finally:
        start("hiveserver2")(stack)
    (row,) = [row for row in services(stack.settings) if row.name == "hiveserver2"]
    wait_until("HiveServer2 serves", lambda: serves(stack.settings, row), 300, 1)
    api.run_again(run_id)
    assert ended(api, run_id) == "success"
    for movie, texts in MOVIES.items():
        mart, live = figures(reviewed, movie)
        assert (mart["reviews"], live["reviews"]) == (len(texts), len(texts))
        assert mart["mean_probability"] == pytest.approx(live["mean_probability"], abs=1e-9)
        assert mart["share_positive"] == live["share_positive"]
    assert batches_with_texts(stack) == []


def test_a_training_waits_for_the_accounts_service_and_exports_nothing_without_it(
    stack: Stack, first_run: str, sentiment_model: str, tmp_path: Any
) -> None:
    corpus = tmp_path / "small.csv"
    write_small_reviews(corpus)
    api = airflow(stack, "train_sentiment")
    api.unpause()
    conf = {"corpus": str(corpus), "text": "comment", "label": "stars", "embedded": False}
    stop("accounts")(stack)
    try:
        run_id = api.trigger(conf, None)["dag_run_id"]

        def ingest() -> dict[str, Any]:
            return next(task for task in api.tasks(run_id) if task["task_id"] == "ingest_reviews")

        wait_until("a try has failed", lambda: (ingest()["try_number"] or 0) >= 2, 300, 1)
        log = "\n".join(api.log_lines(run_id, "ingest_reviews", 1))
    finally:
        start("accounts")(stack)
    assert "Nobody tells which accounts are gone: " in log
    assert "Nothing was exported. Run the export again." in log
    began = time.monotonic()
    wait_until("ingest ends", lambda: ingest()["state"] in ("success", "failed"), 300, 1)
    print(f"ingest_reviews ended {time.monotonic() - began:.0f} s after accounts came back: {ingest()['state']}")
    if ingest()["state"] == "failed":
        api.run_again(run_id)
        wait_until("ingest succeeds", lambda: ingest()["state"] == "success", 300, 1)
    api.end(run_id)

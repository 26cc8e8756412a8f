"""The reviews service on the running stack: predictions, a job over a kill, a review, and a deleted account.

The file's name sorts after the tests of the training, whose model is then the live one.
"""

from __future__ import annotations

import csv
import io
import os
import signal
import time
from typing import Any

import httpx
import pytest

from infra.control.services import services
from infra.control.status import serves
from infra.control.supervisor import Supervisor
from tests.e2e.new_accounts import signed_in
from tests.sentiment_models import wait_until
from tests.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1800)]


@pytest.fixture
def gateway(stack: Stack, sentiment_model: str) -> str:
    """The gateway's address, with a sentiment model live behind it."""
    return stack.variables["MARQUEE_GATEWAY_URL"]


@pytest.fixture
def account(gateway: str) -> dict[str, str]:
    """The header of a new account."""
    return signed_in(gateway)


def test_texts_and_batches_are_predicted_by_the_live_model(gateway: str) -> None:
    live = httpx.get(f"{gateway}/reviews/ready").json()["model"]["publication"]
    said = httpx.post(f"{gateway}/v1/sentiment", json={"text": "A wonderful film. I love it."}).json()
    assert (said["label"], said["language"], said["publication"]) == ("positive", "en", live)
    texts = ["A dull and boring film.", "정말 최고의 영화", ""]
    results = httpx.post(f"{gateway}/v1/sentiment/batch", json={"texts": texts}).json()["results"]
    assert [result.get("label") for result in results] == ["negative", "positive", None]


def job_state(gateway: str, path: str, account: dict[str, str]) -> dict[str, Any]:
    """A job's state; nothing is done while the service is away."""
    try:
        answer = httpx.get(gateway + path, headers=account)
    except httpx.TransportError:
        return {"done": 0}
    found: dict[str, Any] = answer.json() if answer.status_code == 200 else {"done": 0}
    return found


def test_a_job_survives_the_kill_of_the_service_and_answers_each_text_once(
    stack: Stack, gateway: str, account: dict[str, str]
) -> None:
    rows = 60_000
    content = "id,text\n" + "".join(f"{number},this film {number} is wonderful\n" for number in range(rows))
    queued = httpx.post(
        f"{gateway}/v1/sentiment/jobs", files={"file": ("t.csv", content)}, headers=account, timeout=120
    )
    assert (queued.status_code, queued.json()["rows"]) == (202, rows)
    path = queued.headers["location"]
    wait_until("some texts are answered", lambda: job_state(gateway, path, account)["done"] > 0, 120)
    killed = Supervisor(stack.settings).processes()["reviews"]["pid"]
    os.kill(killed, signal.SIGKILL)
    began = time.monotonic()
    (row,) = [row for row in services(stack.settings) if row.name == "reviews"]
    wait_until(
        "the service is started again",
        lambda: (
            Supervisor(stack.settings).processes()["reviews"]["pid"] not in (0, killed) and serves(stack.settings, row)
        ),
    )
    away = time.monotonic() - began
    wait_until("every text is answered", lambda: job_state(gateway, path, account)["done"] == rows, 300)
    result = httpx.get(f"{gateway}{path}/result", headers=account, timeout=120).text
    answered = list(csv.DictReader(io.StringIO(result)))
    assert [int(row["id"]) for row in answered] == list(range(rows))
    # The live model is that of a small corpus: what matters is that each row has its own text's answer.
    for row in answered[:: rows // 10]:
        said = httpx.post(f"{gateway}/v1/sentiment", json={"text": row["text"]}).json()
        assert (row["predicted_label"], float(row["predicted_probability"])) == (said["label"], said["probability"])
    assert httpx.delete(gateway + path, headers=account).status_code == 204
    print(f"\nthe killed service answered again after {away:.1f} s")


def test_a_deleted_account_takes_its_review_along(
    stack: Stack, first_run: str, gateway: str, account: dict[str, str]
) -> None:
    movie = httpx.get(f"{gateway}/v1/movies?limit=1").json()["items"][0]["movie_id"]
    text = {"text": "A wonderful film."}
    written = httpx.post(f"{gateway}/v1/movies/{movie}/reviews", json=text, headers=account)
    label = httpx.post(f"{gateway}/v1/sentiment", json=text).json()["label"]
    assert (written.status_code, written.json()["sentiment"]["label"]) == (201, label)
    address = gateway + written.headers["location"]
    assert httpx.get(address).status_code == 200
    user = httpx.get(f"{gateway}/accounts/v1/me", headers=account).json()["user_id"]
    assert httpx.delete(f"{gateway}/accounts/v1/users/{user}", headers=account).status_code == 204
    # The service looks once a minute which accounts are gone.
    seconds = wait_until("the review is gone", lambda: httpx.get(address).status_code == 404, 120)
    print(f"\nthe review was gone {seconds:.0f} s after its account")

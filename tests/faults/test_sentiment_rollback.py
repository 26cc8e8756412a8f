"""The drill of the sentiment model: go back to the one before under load, then meet a corrupt one."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from serving.publications.store import PublicationStore
from tests.faults.checker import Outcome
from tests.sentiment_models import asking, publish, wait_until
from tests.stack import INSTANCE, REPOSITORY, Stack

pytestmark = [pytest.mark.stack, pytest.mark.faults, pytest.mark.timeout(1800)]
# Newer than what a training of the tests published.
OLDER, NEWER, CORRUPT = "20990101T000000", "20990102T000000", "20990103T000000"
CLIENTS = 8


def test_a_rollback_under_load_loses_no_request_and_a_corrupt_model_is_refused_by_name(
    stack: Stack, tmp_path: Path, judge: Callable[[Outcome], None]
) -> None:
    # The gateway would refuse most of what eight clients ask from one address.
    service = stack.variables["MARQUEE_REVIEWS_URL"]
    store = PublicationStore(Path(stack.variables["MARQUEE_SENTIMENT_STORE"]))
    before = store.live()
    for publication, version, slope in ((OLDER, "1", 1.5), (NEWER, "2", 0.5), (CORRUPT, "3", 1.0)):
        publish(store.root, tmp_path, publication, version, slope)
    for publication in (OLDER, NEWER):
        store.activate(publication, "drill", "drill")

    def ready() -> dict[str, object]:
        found: dict[str, object] = httpx.get(f"{service}/ready", timeout=30).json()
        return found

    def answering() -> object:
        # A platform that was never trained has no model until this one is loaded.
        model: Any = ready()["model"]
        return model and model["publication"]

    wait_until("the newer model answers", lambda: [answering() for _ in range(10)] == [NEWER] * 10)
    with asking(service, CLIENTS) as asked:
        wait_until("requests come", lambda: asked.number > 200)
        began = time.monotonic()
        subprocess.run(
            ["make", "sentiment-rollback", "REASON=drill"], cwd=REPOSITORY, env=os.environ | INSTANCE, check=True
        )
        wait_until("the older model answers", lambda: asked.latest == OLDER)
        seconds = time.monotonic() - began
        time.sleep(5)
        (store.path(CORRUPT) / "model.joblib").write_bytes(b"something else")
        # As a damage after the store's own checks would: they refuse to make it live.
        store.link.unlink()
        store.link.symlink_to(f"publications/{CORRUPT}")
        states = []
        while len([state for state in states[-20:] if state["refused"]]) < 20:
            states.append(ready())
            assert len(states) < 3000, states[-1]
        time.sleep(5)
    after_damage = states[-1]
    store.link.unlink()
    store.link.symlink_to(f"publications/{OLDER}")
    if before is not None:
        store.roll_back(before, "drill", "the drill is over")
    outcome = Outcome("sentiment rollback", f"`make sentiment-rollback` and a corrupt model under {CLIENTS} clients")
    outcome.seconds = seconds
    mixed = asked.publications() != {OLDER, NEWER} or asked.models() != 2
    outcome.wrong[1] = "; ".join([*asked.failures[:3], *([f"answers of {asked.answers}"] if mixed else [])])
    outcome.wrong[5] = "" if asked.latest == OLDER else f"{asked.latest} answers at the end"
    refused, model = after_damage["refused"], after_damage["model"]
    named = refused["publication"] == CORRUPT and "SHA-256" in refused["reason"] and model["publication"] == OLDER  # type: ignore[index]
    outcome.wrong[6] = "" if named else str(after_damage)
    outcome.note = f"{asked.number} requests, {len(asked.failures)} lost"
    judge(outcome)

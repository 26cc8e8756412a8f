"""Small sentiment models in a store, and clients that keep asking for predictions while something happens."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx

from serving.publications.building.build_model import build_model_publication
from serving.publications.store import PublicationStore
from serving.publications.transfer import pull
from serving.reviews.model.files import save_model
from tests.serving.reviews.model.small_model import small_model

FIRST, SECOND, THIRD = "20200101T000000", "20200102T000000", "20200103T000000"
TEXT = "This film is wonderful."


def publish(root: Path, work: Path, publication: str, version: str, slope: float = 1.5) -> PublicationStore:
    """Put a small model into a store and return the store; another slope gives other probabilities."""
    work.mkdir(parents=True, exist_ok=True)
    file = work / f"{version}.joblib"
    model = small_model(version)
    languages = {name: replace(language, slope=slope) for name, language in model.languages.items()}
    save_model(replace(model, languages=languages), file)
    lineage = {"model": {"name": "marquee-sentiment", "version": version}}
    build_model_publication(file, lineage, publication, work / "built" / publication)
    store = PublicationStore(root)
    pull(store, str(work / "built"), publication, "marquee", "test")
    return store


@dataclass
class Asked:
    """What clients got: failures, and how often each publication answered with which version and probability."""

    failures: list[str] = field(default_factory=list)
    answers: dict[tuple[str, str, float], int] = field(default_factory=dict)
    latest: str = ""
    number: int = 0
    changing: threading.Lock = field(default_factory=threading.Lock)

    def note(self, answer: httpx.Response) -> None:
        """Count an answer; one of a batch must come from one publication."""
        with self.changing:
            self.number += 1
            if answer.status_code != 200:
                self.failures.append(f"{answer.status_code}: {answer.text[:200]}")
                return
            document = answer.json()
            found = {
                (one["publication"], one["model_version"], round(one["probability"], 9))
                for one in document.get("results", [document])
            }
            if len(found) != 1:
                self.failures.append(f"one answer of several publications: {sorted(found)}")
            for key in found:
                self.answers[key] = self.answers.get(key, 0) + 1
                self.latest = key[0]

    def publications(self) -> set[str]:
        """The publications that answered."""
        return {publication for publication, _, _ in self.answers}

    def models(self) -> int:
        """How many different models answered: as many as publications, unless an answer mixed two."""
        return len(self.answers)


@contextmanager
def asking(address: str, clients: int, requests: Sequence[tuple[str, Any]] = ()) -> Iterator[Asked]:
    """Have clients ask one after another: single texts, and a batch every tenth time."""
    ending, asked = threading.Event(), Asked()
    chosen = requests or [("/v1/sentiment", {"text": TEXT})] * 9 + [("/v1/sentiment/batch", {"texts": [TEXT] * 20})]

    def ask() -> None:
        with httpx.Client(base_url=address, timeout=30) as client:
            for path, body in itertools.cycle(chosen):
                if ending.is_set():
                    return
                try:
                    asked.note(client.post(path, json=body))
                except httpx.HTTPError as error:
                    asked.failures.append(f"{type(error).__name__}: {error}")

    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield asked
    finally:
        ending.set()
        for thread in threads:
            thread.join()


def wait_until(what: str, holds: Callable[[], bool], seconds: float = 60) -> float:
    """Wait until something holds and return the seconds that it took."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.02)
    return time.monotonic() - began

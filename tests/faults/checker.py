"""Checks of what must hold through every fault, as numbered rows.

Each check returns what is wrong, or an empty text if the row holds.
"""

from __future__ import annotations

import hashlib
import random
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from serving.publications.format import PublicationError
from serving.publications.reading.reader import Publication
from serving.publications.store import PublicationStore
from serving.recommendations.answers.lists import Page, personal_text

ROWS = {
    1: "no wrong answer: every body is what the file of the named, verified publication gives",
    2: "no row lost: rows in = clean + quarantined + superseded = the source's count, and Hive holds the clean ones",
    3: "the same bytes as the undisturbed run, file by file",
    4: "one publication for the run: pulled once, live, verified, nothing unfinished left",
    5: "recovery without help: the service serves again and the task that was hit succeeds",
    6: "the program reports the cause in one sentence",
}
SEED = 20261124


@dataclass
class Outcome:
    """A drill's fault and findings. `wrong` has a text, maybe empty, for each row."""

    drill: str
    done: str
    wrong: dict[int, str] = field(default_factory=dict)
    seconds: float | None = None
    note: str = ""

    def failed(self) -> dict[int, str]:
        """Return the rows that do not hold."""
        return {number: text for number, text in self.wrong.items() if text}

    def line(self) -> str:
        """Return the outcome as a line of a Markdown table."""
        rows = " ".join(f"{number}{':FAILED' if text else ''}" for number, text in sorted(self.wrong.items()))
        seconds = "-" if self.seconds is None else f"{self.seconds:.1f}"
        return f"| {self.drill} | {self.done} | {rows} | {seconds} | {self.note} |"


def table(outcomes: Iterable[Outcome]) -> list[str]:
    """Return the lines of the table of all drills, and of the failures."""
    lines = ["| drill | what was done | rows held | recovered in, s | seen |", "|---|---|---|---|---|"]
    outcomes = list(outcomes)
    lines += [outcome.line() for outcome in outcomes]
    lines += ["", *(f"{number} {meaning}" for number, meaning in ROWS.items())]
    for outcome in outcomes:
        lines += [f"FAILED {outcome.drill}, row {number}: {text}" for number, text in outcome.failed().items()]
    return lines


class Reader:
    """Requests users' lists until it is stopped, and counts answers and refusals."""

    def __init__(
        self, address: str, store: Path, users: Iterable[int], *, threads: int = 2, pause: float = 0.1
    ) -> None:
        self._address = address
        self._store = store
        self._users = list(users)
        self._pause = pause
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(threads)]
        self._lock = threading.Lock()
        # The number of answers by publication, user and SHA-256 of the body.
        self.answers: Counter[tuple[str, int, str]] = Counter()
        self.refusals: list[tuple[float, str]] = []

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, number: int) -> None:
        chosen = random.Random(SEED + number)
        while not self._stop.wait(self._pause):
            user = chosen.choice(self._users)
            try:
                with urllib.request.urlopen(f"{self._address}{path_of(user)}", timeout=30) as answer:
                    body = answer.read()
                    publication = answer.headers["ETag"].split('"')[1].partition("-")[0]
            except (OSError, urllib.error.HTTPError) as error:
                with self._lock:
                    self.refusals.append((time.monotonic(), f"{user}: {error!r}"))
            else:
                with self._lock:
                    self.answers[publication, user, hashlib.sha256(body).hexdigest()] += 1

    def wrong(self) -> str:
        """Return what is wrong with the answers.

        Each must be what the publication that it names gives, and that publication's file must match its manifest.
        """
        store = PublicationStore(self._store)
        if not self.answers:
            return f"no request was answered: {self.refusals[:3]}"
        found = []
        for name in sorted({publication for publication, _, _ in self.answers}):
            try:
                store.verify(name)
            except PublicationError as error:
                found.append(str(error))
                continue
            publication = Publication(store.path(name), name)
            for (named, user, digest), times in self.answers.items():
                if named == name and digest != body_sha256(publication, user):
                    found.append(f"{times} wrong answers for user {user} in the name of {name}")
        return "; ".join(found)

    def summary(self) -> str:
        """Return the numbers of answers, of their publications, and of refusals."""
        publications = {publication for publication, _, _ in self.answers}
        return f"{self.answers.total()} answers of {len(publications)} publications, {len(self.refusals)} unanswered"


def path_of(user: int) -> str:
    """Return the path of a user's list."""
    return f"/v1/users/{user}/recommendations"


def body_sha256(publication: Publication, user: int) -> str:
    """Return the SHA-256 of the answer that a publication's file gives."""
    text = personal_text(publication, user, Page(path_of(user)))
    assert text is not None, f"user {user} has no list"
    return hashlib.sha256(text.encode()).hexdigest()


def rows_lost(
    accounting: Iterable[tuple[str, int, int, int, int]], source: Mapping[str, int], clean: Mapping[str, int]
) -> str:
    """Return the differences between a batch's row accounting and its counts.

    The accounting has (file, in, clean, quarantined, superseded). The counts are the source's and Hive's clean rows.
    """
    found, seen = [], {}
    for file, rows_in, rows_clean, quarantined, superseded in accounting:
        seen[file] = rows_in
        if rows_in != rows_clean + quarantined + superseded:
            found.append(f"{file}: {rows_in} in, but {rows_clean} + {quarantined} + {superseded} out")
        if clean.get(file) != rows_clean:
            found.append(f"{file}: {rows_clean} clean, but Hive holds {clean.get(file)}")
    if seen != dict(source):
        found.append(f"the accounting has {seen}, the source has {dict(source)}")
    return "; ".join(found)


def bytes_differing(undisturbed: Mapping[str, str], disturbed: Mapping[str, str]) -> str:
    """Return the files whose SHA-256 differs, or that only one of the runs has."""
    names = sorted(undisturbed.keys() | disturbed.keys())
    return ", ".join(name for name in names if undisturbed.get(name) != disturbed.get(name))


def not_one_publication(store: PublicationStore, batch: str) -> str:
    """Return what is wrong with a batch's publication.

    It must be pulled once, activated once, live and verified, and no unfinished file may be left.
    """
    actions = Counter(entry.action for entry in store.ledger.entries() if entry.publication == batch)
    found = [f"{action} {actions[action]} times" for action in ("pulled", "activated") if actions[action] != 1] + [
        f"{path.name} is left" for path in sorted(store.folder.glob(".*"))
    ]
    if store.live() != batch:
        found.append(f"live is {store.live()}")
    try:
        store.verify(batch)
    except PublicationError as error:
        found.append(str(error))
    return "; ".join(found)

"""Inspect own data, run it, and look at what is served, on the real stack."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.shapes.tastes import OwnData
from tests.stack import INSTANCE, REPOSITORY, Stack

# The model's settings stay as they are: the gate compares with the champion's.
CONF = {"top_n": 20, "similar_n": 10}
READERS = 5


@contextmanager
def back_to_movielens(stack: Stack) -> Iterator[None]:
    """Go back to the lists that were live before, which other tests read."""
    before = stack.api("/v1/publication")["publication"]
    listed = stack.api("/v1/users/1/recommendations")
    yield
    rollback = ["make", "rollback", f"TO={before}", "REASON=the drill is over"]
    subprocess.run(rollback, cwd=REPOSITORY, env=os.environ | INSTANCE, check=True)
    assert stack.api("/v1/users/1/recommendations") == listed


def inspect(stack: Stack, mapping: Path, *given: str) -> str:
    """Write the proposed mapping as `make inspect` does, but to a path of the test's own; return what is printed."""
    program = 'PYTHONPATH=dags exec "$MARQUEE_PYTHON" -m marquee.ingest.own_data "$@"'
    return stack.control("exec", "--", "sh", "-c", program, "sh", *given, f"--output={mapping}")


def run(stack: Stack, dataset: str, *given: str) -> float:
    """Run the pipeline to its end; return the seconds that took."""
    started = time.monotonic()
    stack.pipeline("run", f"--dataset={dataset}", *given, "--conf", json.dumps(CONF))
    return time.monotonic() - started


def live(stack: Stack) -> tuple[str, dict[str, Any]]:
    """Return the live publication and its lineage."""
    publication = stack.api("/v1/publication")["publication"]
    return publication, stack.api(f"/v1/publications/{publication}")["lineage"]


def check_lists(stack: Stack, data: OwnData) -> None:
    """Lists by the person's own ids, without what the user saw, and with the titles that the data have."""
    known = set(stack.api("/v1/users?limit=100")["items"])
    assert len(known) == 100
    assert known <= set(data.seen)
    for reader in sorted(known)[:READERS]:
        answer = stack.api(f"/v1/users/{quote(reader, safe='')}/recommendations?limit=20")
        listed = {item["movie_id"]: item["title"] for item in answer["items"]}
        assert answer["user_id"] == reader
        assert (len(listed), listed.keys() & data.seen[reader]) == (20, set())
        assert {reason["movie_id"] for item in answer["items"] for reason in item["because"]} <= data.seen[reader]
        for item, title in listed.items():
            assert data.titles.get(item, item).startswith(title), (item, title)


def check_accounts(stack: Stack, dataset: str, data: OwnData) -> None:
    """Each row of the source is loaded, quarantined or superseded, and each id has a number."""
    publication, lineage = live(stack)
    assert lineage["split"] == ("time" if data.timed else "random")
    rows = lineage["snapshot"]["source"]["rows"]
    assert rows == {"kept": data.rows, "seen": data.marks, "rejected": 0}
    (counted,) = stack.hive(
        "SELECT rows_in, rows_clean, rows_quarantined, rows_superseded FROM marquee.row_accounting "
        f"WHERE batch_id = '{publication}' AND source_file = 'ratings.tsv'"
    )
    rows_in, clean, quarantined, superseded = counted
    assert (rows_in, quarantined) == (data.rows, 0)
    assert rows_in == clean + superseded
    pairs = sum(len(items) for items in data.seen.values())
    assert clean <= pairs
    kinds = dict(stack.hive(f"SELECT kind, COUNT(*) FROM marquee.ids WHERE dataset = '{dataset}' GROUP BY kind"))
    items = set().union(*data.seen.values())
    assert kinds["user"] == len(data.seen)
    assert kinds["item"] >= len(items)
    print(f"{dataset}: {len(data.seen)} users, {len(items)} items, {rows_in} rows, {clean} pairs", flush=True)

"""What the recommendation API's processes hold, with as many movies as 25 million ratings have.

    python tests/bench/serving_memory.py

Makes three publications of 61,583 movies with 64 factors each, and asks for lists, newcomers' lists and searches; then the
next publication goes live. Prints a table of the proportional set size, which counts shared pages once.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from serving_load import Server, make_store, served

MOVIES, RANK, USERS = 61_583, 64, 2_000
DAYS = ("20261101T030000", "20261102T030000", "20261103T030000")
LINEAGE = {
    "data_through": "2026-11-01T03:00:00Z",
    "top_n": {
        "fold_in": {"rank": RANK, "alpha": 4.0, "reg_param": 0.05, "profile_half_life_days": 300, "least_decay": 0.02}
    },
}


def ask(server: Server, path: str, body: object = None) -> None:
    """Ask often enough that every worker has answered."""
    data = None if body is None else json.dumps(body).encode()
    for _ in range(40):
        request = urllib.request.Request(server.address + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            answer.read()


def use(server: Server) -> dict[str, float]:
    """Return what the processes hold after lists, newcomers' lists and searches."""
    held = {}
    ask(server, "/v1/users/7/recommendations")
    held["lists"] = server.memory_mib()["pss"]
    ask(server, "/v1/recommendations", {"ratings": [{"movie_id": 7, "rating": 4.5}]})
    held["newcomers' lists"] = server.memory_mib()["pss"]
    ask(server, "/v1/movies?q=number")
    held["searches"] = server.memory_mib()["pss"]
    return held


def main() -> None:
    """Run the bench."""
    with tempfile.TemporaryDirectory(prefix="bench-memory-") as folder:
        store = make_store(Path(folder), USERS, 100, DAYS, LINEAGE, count=MOVIES, rank=RANK)
        variables = {"MARQUEE_PUBLICATION_STORE": str(store.root), "OPENBLAS_NUM_THREADS": "1"}
        with served([sys.executable, "-m", "serving.recommendations.server"], variables) as server:
            rows = [("at the start", server.memory_mib()["pss"]), *use(server).items()]
            for day in DAYS[1:]:
                store.pin(day, "bench", "")
                store.unpin("bench", "")
                ask(server, "/v1/users/7/recommendations")
                time.sleep(1)
                rows.append((f"all of it, {DAYS.index(day) + 1} publications open", use(server)["searches"]))
    workers = os.environ.get("MARQUEE_SERVING_WORKERS", "2")
    print(f"| {workers} workers and their parent, {MOVIES:,} movies, after | MiB |\n|---|---|")
    for name, held in rows:
        print(f"| {name} | {held:.0f} |")


if __name__ == "__main__":
    main()

"""Looking up a user's list in SQLite and in LMDB: microseconds, bytes and memory, over the same lists in the same run.

python tests/bench/publication_stores.py [--users 20000]        needs lmdb (pip install lmdb), which nothing else here uses
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import lmdb
from generated_publication import write_exports

from serving.publications.building.build import build_publication

LOOKUPS = 20_000
ROUNDS = 5


def microseconds(look_up: Callable[[int], object], users: list[int]) -> float:
    """Return the processor time of one lookup."""
    started = time.process_time()
    for user in users:
        look_up(user)
    return (time.process_time() - started) / len(users) * 1e6


def main() -> None:
    """Run the comparison and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=20_000, help="users with a list (default: %(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-stores-") as name:
        folder = Path(name)
        build_publication(write_exports(folder / "exports", options.users, 100), {}, "20261101T030000", folder / "out")
        compare(folder / "out" / "publication.sqlite", folder / "lists.mdb", options.users)


def compare(sqlite_path: Path, lmdb_path: Path, users: int) -> None:
    """Copy the lists into LMDB, look random ones up in both, and print the medians."""
    database = sqlite3.connect(f"{sqlite_path.as_uri()}?mode=ro&immutable=1", uri=True)
    rows = database.execute("SELECT user_id, items FROM recommendations ORDER BY user_id").fetchall()
    with (
        lmdb.open(str(lmdb_path), subdir=False, map_size=4 << 30) as writing,
        writing.begin(write=True) as transaction,
    ):
        for user, items in rows:
            transaction.put(user.to_bytes(4), items.encode(), append=True)
    environment = lmdb.open(str(lmdb_path), subdir=False, readonly=True, lock=False)
    query = "SELECT items FROM recommendations WHERE user_id = ?"

    def from_sqlite(user: int) -> str:
        return str(database.execute(query, (user,)).fetchone()[0])

    def from_lmdb(user: int) -> str:
        with environment.begin() as transaction:
            return str(transaction.get(user.to_bytes(4)), "utf-8")

    random.seed(20261123)
    wanted = [random.randint(1, users) for _ in range(LOOKUPS)]
    assert all(from_sqlite(user) == from_lmdb(user) for user in wanted[:100])
    times: dict[str, list[float]] = {"SQLite": [], "LMDB": []}
    for _ in range(ROUNDS):
        times["SQLite"].append(microseconds(from_sqlite, wanted))
        times["LMDB"].append(microseconds(from_lmdb, wanted))
    in_sqlite = database.execute("SELECT sum(pgsize) FROM dbstat WHERE name = 'recommendations'").fetchone()[0]
    print(f"{users} lists of 100 movies, {LOOKUPS} random lookups, medians of {ROUNDS}")
    print("| | us/lookup | lists, MiB |")
    print("|---|---|---|")
    print(f"| SQLite {sqlite3.sqlite_version} | {statistics.median(times['SQLite']):.1f} | {in_sqlite / 2**20:.1f} |")
    used = environment.info()["last_pgno"] * environment.stat()["psize"]
    print(
        f"| LMDB {'.'.join(map(str, lmdb.version()))} | {statistics.median(times['LMDB']):.1f} | {used / 2**20:.1f} |"
    )


if __name__ == "__main__":
    main()

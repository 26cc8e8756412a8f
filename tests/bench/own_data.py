"""Measure data of one's own: cleaning ids of text against integers, and inspect and ingest against gzip's own speed.

    python tests/bench/own_data.py --rows 250000 1000000
    python tests/bench/own_data.py --rows 2500000 25000000 --without-cleaning

It needs no service: the cleaning job runs in one process. Processor seconds count, so that other work on the machine matters
little. The program fails if cleaning text costs over 1.3 times cleaning integers, if ingest of own data or of MovieLens is slower
than half of gzip, if its memory grows with the file, or if inspect takes over 10 s.
"""

from __future__ import annotations

import argparse
import gzip
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

BENCH = Path(__file__).resolve().parent
REPOSITORY = BENCH.parents[1]
MOST_FOR_TEXT = 1.3
LEAST_OF_GZIP = 0.5
# What may be added to the memory of ingest from the smallest file to the largest one: more ids, not more rows.
MOST_GROWTH_MIB = 200
MOST_TO_INSPECT = 10.0
LATEST = ("--latest-timestamp", "1600000000")
GUNZIP = "import gzip, sys, shutil; shutil.copyfileobj(gzip.open(sys.argv[1]), open('/dev/null', 'wb'), 1 << 20)"


def ingested(archive: Path, folder: Path) -> None:
    """Write an archive's rows with numbers for ids, as ingest does."""
    sys.path.insert(0, str(REPOSITORY / "dags"))
    from marquee.ingest.own_data.inspection.propose import propose
    from marquee.ingest.own_data.snapshots.dictionary import ITEM, USER, Numbers
    from marquee.ingest.own_data.snapshots.writing import write_files
    from marquee.ingest.reading.containers.opening import open_members

    members = open_members(archive)
    numbers: Any = SimpleNamespace(users=Numbers(USER), items=Numbers(ITEM, 20_000_000))
    write_files(members, propose(members).mapping, numbers, folder)


class Nowhere:
    """Take the place of HDFS: it counts what is written and keeps nothing."""

    def __init__(self) -> None:
        self.sizes: dict[str, int] = {}

    def status(self, path: str, strict: bool = True) -> dict[str, int] | None:
        """Return the length of what was written."""
        return {"length": self.sizes[path]} if path in self.sizes else None

    def write(self, path: str, data: Any, permission: str) -> None:
        """Count the bytes."""
        self.sizes[path] = len(data) if isinstance(data, bytes) else sum(len(chunk) for chunk in data)

    def makedirs(self, path: str) -> None:
        """Make nothing."""

    def list(self, path: str) -> list[str]:
        """Return nothing."""
        return []

    def _rename(self, source: str, destination: str, renameoptions: str) -> None:
        """Rename nothing."""


def ingested_movielens(archive: Path) -> None:
    """Check and read an archive of MovieLens as ingest does; its bytes go nowhere."""
    sys.path.insert(0, str(REPOSITORY / "dags"))
    from marquee.ingest.pipeline import ingest

    client: Any = Nowhere()
    ingest(client, dataset="ml-latest", batch_id="20261123T190000", cache_dir=archive.parent, archive=archive)


def measured(*command: str | Path) -> tuple[float, float]:
    """Run a program; return its processor seconds and the MiB that it held at most."""
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY / "dags")}
    process = subprocess.Popen(
        [sys.executable, *map(str, command)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment
    )
    assert process.stderr is not None
    said = process.stderr.read().decode("utf-8", "replace")
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} ended with {process.returncode}: {said[-2000:]}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def with_text_ids(integers: Path, target: Path) -> None:
    """Write the rows again, with ids of text, in gzip."""
    with integers.open("rb") as rows, gzip.open(target, "wb", compresslevel=6) as packed:
        packed.write(next(rows))
        for row in rows:
            user, movie, rest = row.split(b",", 2)
            packed.write(b"reader-%b-%x,B%010d,%b" % (user, hash(user) & 0xFFFF, int(movie), rest))


def cleaned(source: Path, layout: str, output: Path) -> float:
    """Run the cleaning job over a file in one process; return its processor seconds."""
    job = REPOSITORY / "mr_jobs/mr_clean_ratings.py"
    seconds, _ = measured(job, "-r", "inline", source, "--layout", layout, "--output-dir", output, *LATEST)
    return seconds


def zipped(ratings: Path, target: Path) -> None:
    """Write ratings as an archive of MovieLens."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(ratings, "ml-latest/ratings.csv")
        archive.writestr("ml-latest/movies.csv", "movieId,title,genres\n1,A (1995),Drama\n")


def measure(rows: int, folder: Path, *, cleaning: bool) -> dict[str, float]:
    """Return the figures of one size; those of cleaning are NaN without it."""
    integers, text, snapshot = folder / "ratings.csv", folder / "text.csv.gz", folder / "snapshot"
    movielens = folder / "ml-latest.zip"
    snapshot.mkdir()
    measured(BENCH / "movielens_like.py", "--rows", str(rows), "--ratings-only", "--clean", "--output", integers)
    with_text_ids(integers, text)
    ingest, memory = measured(__file__, "--ingest", text, snapshot)
    nothing, _ = measured("-c", "import pyarrow, numpy")
    zipped(integers, movielens)
    of_movielens, memory_of_movielens = measured(__file__, "--ingest-movielens", movielens)
    inspect = ("-m", "marquee.ingest.own_data", "--output", folder / "mapping.toml", "--archive")
    return {
        "rows": rows,
        "integers_s": cleaned(integers, "csv", folder / "integers") if cleaning else float("nan"),
        "text_s": cleaned(snapshot / "ratings.tsv", "rows", folder / "text") if cleaning else float("nan"),
        "ingest_s": max(ingest - nothing, 1e-3),
        "movielens_s": max(of_movielens - nothing, 1e-3),
        "movielens_mib": memory_of_movielens,
        "inspect_s": measured(*inspect, integers)[0],
        "inspect_gz_s": measured(*inspect, text)[0],
        "gunzip_s": measured("-c", GUNZIP, text)[0],
        "gzip_s": measured(
            "-c",
            GUNZIP.replace("gzip.open(sys.argv[1])", "open(sys.argv[1], 'rb')").replace(
                "open('/dev/null', 'wb')", "gzip.open('/dev/null', 'wb', 6)"
            ),
            integers,
        )[0],
        "memory_mib": memory,
    }


def main() -> None:
    """Measure the sizes, print a table, and fail if a limit is broken."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[250_000, 1_000_000])
    parser.add_argument("--without-cleaning", action="store_true", help="measure inspect and ingest alone")
    parser.add_argument("--ingest-movielens", type=Path, metavar="ARCHIVE", help=argparse.SUPPRESS)
    parser.add_argument("--ingest", type=Path, nargs=2, metavar=("ARCHIVE", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.ingest:
        ingested(*options.ingest)
        return
    if options.ingest_movielens:
        ingested_movielens(options.ingest_movielens)
        return
    print(
        "| rows | cleaning integers | cleaning ids of text | times | ingest of a .gz | MovieLens's zip | gzip | gunzip "
        "| memory of the two | inspect of .csv, .gz |"
    )
    print(f"|{'---|' * 10}")
    found = []
    for rows in sorted(options.rows):
        with tempfile.TemporaryDirectory(prefix="marquee-bench-") as folder:
            figures = measure(rows, Path(folder), cleaning=not options.without_cleaning)
        found.append(figures)
        print(
            "| {rows:,} | {integers_s:.1f} s | {text_s:.1f} s | {ratio:.2f} | {ingest_s:.2f} s | {movielens_s:.2f} s "
            "| {gzip_s:.2f} s | {gunzip_s:.2f} s | {memory_mib:.0f}, {movielens_mib:.0f} MiB "
            "| {inspect_s:.1f} s, {inspect_gz_s:.1f} s |".format(
                **figures, ratio=figures["text_s"] / figures["integers_s"]
            ),
            flush=True,
        )
    sys.exit(refused(found))


def refused(found: list[dict[str, float]]) -> str | None:
    """Return which limit the largest size breaks, or None."""
    last = found[-1]
    if last["text_s"] > MOST_FOR_TEXT * last["integers_s"]:
        return f"bench: cleaning ids of text costs over {MOST_FOR_TEXT} times cleaning integers."
    # What more rows cost: a program's start is not gzip's.
    of_more = ("ingest_s", "movielens_s", "gzip_s")
    more = {name: last[name] - (found[0][name] if len(found) > 1 else 0) for name in of_more}
    if max(more["ingest_s"], more["movielens_s"]) * LEAST_OF_GZIP > more["gzip_s"]:
        return f"bench: ingest is slower than {LEAST_OF_GZIP} of gzip."
    if max(last[name] - found[0][name] for name in ("memory_mib", "movielens_mib")) > MOST_GROWTH_MIB:
        return f"bench: the memory of ingest grew by over {MOST_GROWTH_MIB} MiB."
    if max(last["inspect_s"], last["inspect_gz_s"]) > MOST_TO_INSPECT:
        return f"bench: inspect takes over {MOST_TO_INSPECT:.0f} s."
    return None


if __name__ == "__main__":
    main()

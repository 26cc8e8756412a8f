"""Measure data of one's own: cleaning ids of text against integers, and ingest against gzip's own speed.

    python tests/bench/own_data.py --rows 250000 1000000

It needs no service: the cleaning job runs in one process. Processor seconds count, so that other work on the machine matters
little. The program fails if cleaning text costs over 1.3 times cleaning integers, if ingest is slower than half of gzip, or if its
memory grows with the file.
"""

from __future__ import annotations

import argparse
import gzip
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

BENCH = Path(__file__).resolve().parent
REPOSITORY = BENCH.parents[1]
MOST_FOR_TEXT = 1.3
LEAST_OF_GZIP = 0.5
# What may be added to the memory of ingest from the smallest file to the largest one: more ids, not more rows.
MOST_GROWTH_MIB = 200
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


def measured(*command: str | Path) -> tuple[float, float]:
    """Run a program; return its processor seconds and the MiB that it held at most."""
    process = subprocess.Popen([sys.executable, *map(str, command)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
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


def measure(rows: int, folder: Path) -> dict[str, float]:
    """Return the figures of one size."""
    integers, text, snapshot = folder / "ratings.csv", folder / "text.csv.gz", folder / "snapshot"
    snapshot.mkdir()
    measured(BENCH / "movielens_like.py", "--rows", str(rows), "--ratings-only", "--clean", "--output", integers)
    with_text_ids(integers, text)
    ingest, memory = measured(__file__, "--ingest", text, snapshot)
    nothing, _ = measured("-c", "import pyarrow, numpy")
    return {
        "rows": rows,
        "integers_s": cleaned(integers, "csv", folder / "integers"),
        "text_s": cleaned(snapshot / "ratings.tsv", "rows", folder / "text"),
        "ingest_s": max(ingest - nothing, 1e-3),
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
    parser.add_argument("--ingest", type=Path, nargs=2, metavar=("ARCHIVE", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.ingest:
        ingested(*options.ingest)
        return
    print(
        "| rows | cleaning integers | cleaning ids of text | times | ingest of a .gz | gzip | gunzip | ingest's memory |"
    )
    print("|---|---|---|---|---|---|---|---|")
    found = []
    for rows in sorted(options.rows):
        with tempfile.TemporaryDirectory(prefix="marquee-bench-") as folder:
            figures = measure(rows, Path(folder))
        found.append(figures)
        print(
            "| {rows:,} | {integers_s:.1f} s | {text_s:.1f} s | {ratio:.2f} | {ingest_s:.2f} s | {gzip_s:.2f} s | {gunzip_s:.2f} s "
            "| {memory_mib:.0f} MiB |".format(**figures, ratio=figures["text_s"] / figures["integers_s"]),
            flush=True,
        )
    sys.exit(refused(found))


def refused(found: list[dict[str, float]]) -> str | None:
    """Return which limit the largest size breaks, or None."""
    last = found[-1]
    if last["text_s"] > MOST_FOR_TEXT * last["integers_s"]:
        return f"bench: cleaning ids of text costs over {MOST_FOR_TEXT} times cleaning integers."
    # What more rows cost: a program's start is not gzip's.
    more = {name: last[name] - (found[0][name] if len(found) > 1 else 0) for name in ("ingest_s", "gzip_s")}
    if more["ingest_s"] * LEAST_OF_GZIP > more["gzip_s"]:
        return f"bench: ingest is slower than {LEAST_OF_GZIP} of gzip."
    if last["memory_mib"] - found[0]["memory_mib"] > MOST_GROWTH_MIB:
        return f"bench: the memory of ingest grew by over {MOST_GROWTH_MIB} MiB."
    return None


if __name__ == "__main__":
    main()

"""Write one HTML page about a MovieLens data set.

The page shows counts, missing and repeated values, distributions, activity and the long tail.

    make explore DATASET=ml-latest-small ARCHIVE=ml-latest-small.zip

The program reads the source, not the warehouse, so that no service has to run. The page needs no other file.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from marquee.explore.measure import Measures, measure
from marquee.explore.own_data import measure_own_data
from marquee.explore.page import page
from marquee.explore.reviews import read_reviews, reviews_page
from marquee.ingest.datasets import DATASETS, EMBEDDED, dataset_named
from marquee.ingest.errors import IngestError
from marquee.ingest.inspection import inspect_files
from marquee.ingest.movielens import movielens_files, shipped_mapping
from marquee.ingest.pipeline import open_dataset
from marquee.ingest.reading.containers.opening import open_members
from marquee.ingest.reading.mapping.reading import read_mapping


def _path(given: str) -> Path:
    # Not every shell expands the ~ of `ARCHIVE=~/x.zip`.
    return Path(os.path.expanduser(given))  # noqa: PTH111 - it leaves an unknown user's ~ as it is


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(
        prog="python -m marquee.explore", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("--dataset", default=EMBEDDED.name, metavar="NAME", help=f"one of {', '.join(DATASETS)}")
    parser.add_argument("--archive", type=_path, metavar="PATH", help="zip or folder; without it: the official address")
    parser.add_argument("--reviews", type=_path, metavar="DIR", help="rows of labelled reviews, instead of a data set")
    parser.add_argument(
        "--mapping",
        type=_path,
        metavar="FILE",
        help="how to read an archive that is not MovieLens's; see docs/own-data.md",
    )
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="HTML file to write")
    parser.add_argument(
        "--cache-dir", type=Path, default=Path(".marquee/cache"), metavar="DIR", help="folder for downloaded archives"
    )
    return parser.parse_args(arguments)


def _own_data(archive: Path | None, mapping: Path) -> tuple[str, Measures]:
    if archive is None:
        raise IngestError("A mapping needs the archive that it describes. Give --archive too.")
    read = read_mapping(mapping)
    members = open_members(archive)
    print(f"explore: counting {archive} by {mapping}", file=sys.stderr)
    return str(archive), measure_own_data(members, read)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    options = parse_arguments(arguments)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(message)s")
    if options.reviews is not None:
        frame = read_reviews(options.reviews)
        return _write(options.output, reviews_page(", ".join(sorted(frame["corpus"].unique())), frame))
    try:
        with ExitStack() as stack:
            if options.mapping is not None:
                origin, measures = _own_data(options.archive, options.mapping)
            else:
                dataset = dataset_named(options.dataset)
                members, origin, _ = open_dataset(dataset, options.archive, options.cache_dir, stack)
                mapping, _ = shipped_mapping(dataset.mapping)
                # Ingest's own checks report wrong headers and damaged files here.
                files = movielens_files(members, mapping, dataset.name, origin)
                inspect_files(files, origin)
                print(f"explore: counting {origin}", file=sys.stderr)
                measures = measure(files, mapping)
    except IngestError as error:
        print(f"explore: {error}", file=sys.stderr)
        return 1
    print("explore: drawing", file=sys.stderr)
    return _write(options.output, page(options.dataset, Path(origin).name if options.archive else origin, measures))


def _write(output: Path, text: str) -> int:
    output.parent.mkdir(parents=True, exist_ok=True)
    fresh = output.with_name(output.name + ".part")
    # A text may hold what no UTF-8 has.
    fresh.write_text(text, encoding="utf-8", errors="replace")
    fresh.replace(output)
    print(output)
    return 0


if __name__ == "__main__":
    sys.exit(main())

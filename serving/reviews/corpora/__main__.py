"""Prepare labelled reviews for the pipeline: `python -m serving.reviews.corpora rows|split`.

`rows` reads corpora and writes their rows unchanged, a file of JSON Lines for each. `split` reads the rows that
mr_jobs/mr_clean_reviews.py has cleaned, and writes each row's part: training, calibration, validation or test. Rows that
nearly repeat a test text get the reason in its place. The last line of the output is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from serving.reviews.corpora.arguments import add_corpora, seed
from serving.reviews.corpora.reviews import CorpusError
from serving.reviews.corpora.snapshot_files import read_tagged, write_parts, write_rows
from serving.reviews.corpora.sources import EMBEDDED, read_rows

# A rerun with the same rows would fail too.
FAILED_FOR_GOOD = 3


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m serving.reviews.corpora",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    rows = commands.add_parser("rows", help="write the rows of corpora as JSON Lines")
    add_corpora(rows)
    rows.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder for a file a corpus")
    split = commands.add_parser("split", help="assign cleaned rows to training and test")
    split.add_argument("--rows", type=Path, required=True, metavar="DIR", help="output of the cleaning job")
    split.add_argument("--seed", type=seed, default=1, help="of the split (default: 1)")
    split.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder for the parts")
    return parser


def _run(options: argparse.Namespace) -> dict[str, Any]:
    if options.command == "rows":
        corpora = options.corpus or [EMBEDDED]
        return write_rows(read_rows(corpora, options.text, options.label, options.language), options.output)
    return write_parts(read_tagged(options.rows), options.seed, options.output)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command, print its result and return the exit status."""
    options = build_parser().parse_args(argv)
    try:
        result = _run(options)
    except CorpusError as error:
        print(f"{options.command}: {error}", file=sys.stderr)
        return FAILED_FOR_GOOD
    print(json.dumps(result, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Arguments that programs over corpora share."""

from __future__ import annotations

import argparse
import re

from serving.reviews.corpora.sources import EMBEDDED

# As for the DAGs' other seeds: dags/marquee/parameters.py.
_MOST_SEED = 2**32 - 1


def add_corpora(parser: argparse.ArgumentParser) -> None:
    """Add which corpora are read, and how their columns are named."""
    parser.add_argument(
        "--corpus",
        action="append",
        default=[],
        help=f"a CSV, TSV or JSON Lines file (.gz, .xz, .zip too), an embedded corpus, or {EMBEDDED} for all of them; repeatable",
    )
    parser.add_argument("--text", default="text", help="the column of the text (default: text)")
    parser.add_argument("--label", default="label", help="the column of the label (default: label)")
    parser.add_argument("--language", default="", help="en or ko, for files without a column language (default: found)")


def seed(text: str) -> int:
    """Return a seed; argparse refuses any other text."""
    if not re.fullmatch("[0-9]{1,10}", text) or int(text) > _MOST_SEED:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no whole number from 0 to {_MOST_SEED}.")
    return int(text)

"""Read the command line of validate.py."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from expectations.drift import Limits
from expectations.quarantine_limit import DEFAULT_LIMIT

MOST_DRIFT = 1_000_000


def limit(text: str) -> float:
    """Return a limit of drift; argparse refuses NaN, and what is not 0 or more."""
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value <= MOST_DRIFT:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no number from 0 to {MOST_DRIFT}.")
    return value


def share(text: str) -> float:
    """Return a share from 0 to 1."""
    value = limit(text)
    if value > 1:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no share from 0 to 1.")
    return value


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(
        description="Run the Great Expectations suites of tables on one batch and build their data docs.",
        epilog="Exit status 3 if a critical expectation fails, the drift exceeds an error limit or too many rows are "
        "quarantined. Exit status 1 if something cannot be read. The last line of standard output is one JSON object.",
    )
    parser.add_argument(
        "--tables", required=True, nargs="+", metavar="TABLE", help="each with its suite SUITES/TABLE.json"
    )
    parser.add_argument("--batch-id", required=True, metavar="STAMP", help="UTC stamp YYYYMMDDTHHMMSS")
    parser.add_argument("--dataset", required=True, metavar="NAME", help="drift is measured within one data set")
    parser.add_argument("--webhdfs", default="http://127.0.0.1:9870", metavar="URL", help="NameNode's HTTP address")
    parser.add_argument("--user", required=True, help="HDFS user")
    parser.add_argument(
        "--suites", type=Path, default=Path(__file__).parent, metavar="DIR", help="folder of the suites"
    )
    parser.add_argument(
        "--data-docs", type=Path, required=True, metavar="DIR", help="docs go to DIR/<batch id>/<table>/"
    )
    parser.add_argument(
        "--quarantine-limit",
        type=share,
        default=DEFAULT_LIMIT,
        metavar="SHARE",
        help="share of a file's rows, 0 to 1, of which more may not be quarantined (default: %(default)s)",
    )
    for name, meaning in (("rows", "relative change of the row count"), ("psi", "population stability index")):
        for severity in ("warning", "error"):
            parser.add_argument(
                f"--drift-{name}-{severity}",
                type=limit,
                default=getattr(Limits, f"{name}_{severity}"),
                metavar="X",
                help=f"{meaning} against the batch before that is a{'n' * (severity == 'error')} {severity} "
                "(default: %(default)s)",
            )
    return parser.parse_args(arguments)

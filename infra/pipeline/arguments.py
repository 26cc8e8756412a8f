"""The arguments of `python -m infra.pipeline`, and what a run gets from them."""

from __future__ import annotations

import argparse
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

DESCRIPTION = "Run the pipeline and watch it, or show what it has made."
EPILOG = """\
Exit status: 0 done, 1 failed, 2 wrong arguments, 3 the run succeeded but its model was refused, so that nothing new was
published. Where Airflow and the API are, and the login, come from the environment: MARQUEE_AIRFLOW_URL,
MARQUEE_AIRFLOW_USER, MARQUEE_AIRFLOW_PASSWORD, MARQUEE_API_URL."""


class UsageError(Exception):
    """An argument or a variable is missing or wrong.

    The message says which, and what it should be.
    """


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the commands."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="python -m infra.pipeline", description=DESCRIPTION, epilog=EPILOG, formatter_class=raw
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    running = argparse.ArgumentParser(add_help=False)
    running.add_argument("--dataset", metavar="NAME", help="data set (default: the installation's, see .env.example)")
    running.add_argument("--archive", type=Path, metavar="PATH", help="zip or folder of that data set")
    running.add_argument("--conf", default="{}", metavar="JSON", help="further parameters, e.g. '{\"rank\": 32}'")
    running.add_argument(
        "--batch-date",
        metavar="TIME",
        help="logical date, ISO 8601 (UTC if it names no zone); a date that has a run already is run again, "
        "with the parameters of that run",
    )
    run = commands.add_parser("run", parents=[running], help="start a run and watch it", description="Start a run.")
    run.add_argument(
        "--follow", action=argparse.BooleanOptionalAction, default=True, help="watch the run to its end (default)"
    )
    demo = commands.add_parser(
        "demo",
        parents=[running],
        help="run unless something is published, then show one user's recommendations and where to look further",
        description="Run the pipeline, unless a publication is live already; then show one user's list, where it comes "
        "from, and the addresses of the UIs.",
    )
    show = commands.add_parser(
        "show-user",
        help="print one user's recommendations and where they come from",
        description="Print one user's recommendations with titles, and where they come from.",
    )
    for command in (demo, show):
        command.add_argument("--user", type=int, metavar="N", help="user id (default: the first one who has a list)")
        command.add_argument("--limit", type=int, default=10, metavar="N", help="movies to show (default: %(default)s)")
    return parser


def environment(name: str) -> str:
    """Return a variable's value. Raises UsageError if it is not set."""
    value = os.environ.get(name, "")
    if not value:
        raise UsageError(
            f"{name} is not set. Start this program by `make run`, or by `python -m infra.control exec -- ...`."
        )
    return value


def conf_of(options: argparse.Namespace) -> dict[str, Any]:
    """Return the run's parameters.

    Raises UsageError for text that is not a JSON object and for a missing archive.
    """
    try:
        conf = json.loads(options.conf)
    except ValueError as error:
        raise UsageError(f"--conf is not JSON ({error}). Give an object like '{{\"rank\": 32}}'.") from None
    if not isinstance(conf, dict):
        raise UsageError("--conf is not a JSON object. Give one like '{\"rank\": 32}'.")
    if options.dataset:
        conf["dataset"] = options.dataset
    if options.archive is not None:
        if not options.archive.exists():
            raise UsageError(f"--archive {options.archive} does not exist. Give the path of a zip file or of a folder.")
        conf["archive"] = str(options.archive.resolve())
    return conf


def logical_date_of(text: str | None) -> str | None:
    """Return the logical date in ISO 8601 with its zone.

    Raises UsageError for text that is not a date.
    """
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"--batch-date {text!r} is not an ISO 8601 time. Give one like 2026-11-23T03:00:00Z."
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).isoformat()

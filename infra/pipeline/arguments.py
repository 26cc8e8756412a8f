"""The arguments of `python -m infra.pipeline`, and what a run gets from them."""

from __future__ import annotations

import argparse
import json
import math
import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra.pipeline.airflow_api import DAG_ID, DAG_IDS

DESCRIPTION = "Run the pipeline, watch it, stop it, or show what it has made."
EPILOG = """\
Exit status: 0 done, 1 failed, 2 wrong arguments, 3 the run succeeded but its model was refused, so that nothing new was
published. Where Airflow and the API are, and the login, come from the environment: MARQUEE_AIRFLOW_URL,
MARQUEE_AIRFLOW_USER, MARQUEE_AIRFLOW_PASSWORD, MARQUEE_API_URL."""


# Airflow's own rule of a run id (allowed_run_id_pattern).
RUN_NAME = re.compile(r"[A-Za-z0-9_.~:+-]{1,250}")
# What the recommendation API takes; a test compares the two.
MAX_LIMIT = 100
# What a run gets for a source that is no file: see docs/own-data.md.
SOURCE_NAMES = {
    "source": ("SOURCE", "connection of Airflow, s3://connection@bucket/folder or hdfs:///folder"),
    "query": ("SELECT", "rows to read, if the source is a database"),
    "since": ("COLUMN[:VALUE]", "read only newer rows of a database, or by `name` newer files"),
}
FIRST_YEAR, LAST_YEAR = 1970, 9998
# Beyond it, JSON's readers round a whole number.
MAX_WHOLE = 2**53 - 1


class UsageError(Exception):
    """An argument or a variable is missing or wrong.

    The message says which, and what it should be.
    """


def build_parser(*further: Callable[[Any], None]) -> argparse.ArgumentParser:
    """Return the parser of the commands; `further` add theirs."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="python -m infra.pipeline", description=DESCRIPTION, epilog=EPILOG, formatter_class=raw
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    running = argparse.ArgumentParser(add_help=False)
    running.add_argument(
        "--dataset", type=written, metavar="NAME", help="data set (default: the installation's, see .env.example)"
    )
    running.add_argument("--archive", metavar="PATH", help="file, archive or folder of that data set")
    running.add_argument("--mapping", metavar="FILE", help="how data of your own is read, as make inspect writes it")
    for name, (form, meaning) in SOURCE_NAMES.items():
        running.add_argument(f"--{name}", type=written, metavar=form, help=meaning)
    running.add_argument("--conf", default="{}", metavar="JSON", help="further parameters, e.g. '{\"rank\": 32}'")
    running.add_argument(
        "--batch-date",
        metavar="TIME",
        help="logical date, ISO 8601 (UTC if it names no zone); a date that has a run already is run again, "
        "with the parameters of that run",
    )
    run = commands.add_parser("run", parents=[running], help="start a run and watch it", description="Start a run.")
    run.add_argument(
        "--again",
        type=run_name,
        metavar="RUN",
        help="run this run again, all its tasks, with its own parameters: the same batch",
    )
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
    demo.set_defaults(again=None)
    for name, doing in (("watch", "show a run to its end"), ("stop", "end a run and its work on YARN")):
        command = commands.add_parser(name, help=doing, description=f"{doing.capitalize()}.")
        command.add_argument("--run", type=run_name, metavar="RUN", help="run id (default: the run that is going)")
        command.add_argument("--dag", choices=DAG_IDS, default=DAG_ID, help="default: %(default)s")
    show = commands.add_parser(
        "show-user",
        help="print one user's recommendations and where they come from",
        description="Print one user's recommendations with titles, and where they come from.",
    )
    for command in (demo, show):
        command.add_argument(
            "--user", type=written, metavar="ID", help="user id (default: the first one who has a list)"
        )
        command.add_argument(
            "--limit", type=whole(1, MAX_LIMIT), default=10, metavar="N", help="movies to show (default: %(default)s)"
        )
    for add in further:
        add(commands)
    return parser


def run_name(text: str) -> str:
    """Return a run id; argparse refuses any other text."""
    if RUN_NAME.fullmatch(text) is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no run id. Give one as Airflow shows it, e.g. manual__2026-11-23T19:00:00+00:00."
        )
    return text


def written(text: str) -> str:
    """Return text that JSON and Airflow's database can hold; argparse refuses other."""
    if "\0" in text or not text.isprintable():
        raise argparse.ArgumentTypeError(f"{text!r} has characters that can't be printed. Check how it is encoded.")
    return text


def whole(least: int, most: int) -> Callable[[str], int]:
    """Return what reads a whole number between two bounds for argparse."""

    def read(text: str) -> int:
        # int() alone reads 1_000 too, and refuses 5,000 digits with words of its own.
        if re.fullmatch(r"-?[0-9]{1,20}", text) is None or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is no whole number from {least} to {most}.")
        return int(text)

    return read


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
        conf = json.loads(options.conf, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"--conf is not JSON ({error}). Give an object like '{{\"rank\": 32}}'.") from None
    if not isinstance(conf, dict):
        raise UsageError("--conf is not a JSON object. Give one like '{\"rank\": 32}'.")
    _check_values(conf, "--conf")
    if options.dataset:
        conf["dataset"] = options.dataset
    if options.archive is not None:
        conf["archive"] = str(
            given_path("--archive", options.archive, "Give the path of a file, an archive or a folder.")
        )
        _check_values(conf["archive"], "--archive")
    if options.mapping is not None:
        advice = "Write a mapping by `make inspect ARCHIVE=path`."
        conf["mapping"] = str(given_path("--mapping", options.mapping, advice))
        _check_values(conf["mapping"], "--mapping")
    conf |= {name: getattr(options, name) for name in SOURCE_NAMES if getattr(options, name)}
    # A run has one source: what is given replaces what .env says.
    others = tuple(SOURCE_NAMES) if options.archive is not None else ("archive",) if options.source else ()
    conf |= {name: None for name in others if name not in conf and os.environ.get(f"MARQUEE_{name.upper()}")}
    if options.dataset and options.dataset != os.environ.get("MARQUEE_DATASET"):
        # The archive, the mapping and the source of .env are those of the nightly run's data set.
        for name in ("archive", "mapping", *SOURCE_NAMES):
            if os.environ.get(f"MARQUEE_{name.upper()}"):
                conf.setdefault(name, None)
    return conf


def given_path(option: str, given: str, advice: str) -> Path:
    """Return the absolute path of a file or folder that an option names.

    `~` is expanded here, since not every shell does that in `ARCHIVE=~/x.zip`. Raises UsageError.
    """
    path = Path(os.path.expanduser(given))  # noqa: PTH111 - it leaves an unknown user's ~ as it is
    try:
        if not given or not path.exists():
            raise UsageError(f"{option} {given!r} does not exist. {advice}")
        return path.resolve()
    except (OSError, ValueError, RuntimeError) as error:
        raise UsageError(f"{option} {given[:80]!r} can't be read ({error}). {advice}") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _check_values(value: Any, name: str) -> None:
    """Refuse what Airflow's database can't hold; Airflow itself checks the bounds.

    Raises UsageError that names the value.
    """
    if isinstance(value, dict):
        for key, item in value.items():
            _check_values(key, name)
            _check_values(item, f"{key} in {name}")
    elif isinstance(value, list):
        for item in value:
            _check_values(item, name)
    elif isinstance(value, float) and not math.isfinite(value):
        raise UsageError(f"A number of {name} is too large. Give one below 1e308.")
    elif isinstance(value, int) and abs(value) > MAX_WHOLE:
        raise UsageError(f"{name} is {str(value)[:40]}. Give a whole number from -{MAX_WHOLE} to {MAX_WHOLE}.")
    elif isinstance(value, str) and not value.isprintable():
        raise UsageError(f"{name} has characters that can't be printed: {value!r}. Leave them out.")


def logical_date_of(text: str | None) -> str | None:
    """Return the logical date in ISO 8601 with its zone.

    Raises UsageError for text that is not a date.
    """
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        utc = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError(
            f"--batch-date {text!r} is not an ISO 8601 time. Give one like 2026-11-23T03:00:00Z."
        ) from None
    if not FIRST_YEAR <= utc.year <= LAST_YEAR:
        raise UsageError(f"--batch-date {text!r} is not between the years {FIRST_YEAR} and {LAST_YEAR}.")
    return utc.isoformat()

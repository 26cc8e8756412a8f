"""Arguments that several commands share."""

from __future__ import annotations

import argparse
import getpass
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

from serving.publications.format import KINDS, Kind

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

EXIT_FAILED: Final = 1
# Where a change of the live publication is announced, unless the command says so.
ANNOUNCE_VARIABLE: Final = "MARQUEE_ANNOUNCE_TO"
_FALLBACK_ACTOR = "unknown"


# Longer texts are mistakes, and the ledger keeps them for ever.
_MAX_TEXT: Final = 1000


def line(text: str) -> str:
    """Return a text that an argument may be: one line of letters that files can hold.

    Raises argparse.ArgumentTypeError for any other.
    """
    if len(text) > _MAX_TEXT:
        raise argparse.ArgumentTypeError(f"it has {len(text)} characters. Give {_MAX_TEXT} at most.")
    if not text.isprintable():
        raise argparse.ArgumentTypeError(f"{ascii(text)[:40]} has characters that cannot be printed. Leave them out.")
    return text


def path(text: str) -> Path:
    """Return a path. Raises argparse.ArgumentTypeError for what no path can be."""
    return Path(line(text))


def kind(text: str) -> Kind:
    """Return a kind of publications by its name.

    Raises argparse.ArgumentTypeError for another name.
    """
    if text not in KINDS:
        raise argparse.ArgumentTypeError(f"{ascii(text)[:40]} is no kind. Give {' or '.join(KINDS)}.")
    return KINDS[text]


def whole_number(low: int, high: int) -> Callable[[str], int]:
    """Return the reader of a whole number in a range, written in the digits 0 to 9."""

    def number(text: str) -> int:
        if not re.fullmatch("[0-9]{1,10}", text) or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{ascii(text)[:40]} is not a whole number from {low} to {high}.")
        return int(text)

    return number


def system_user() -> str:
    """Return HADOOP_USER_NAME, or else the name of the system user."""
    try:
        return os.environ.get("HADOOP_USER_NAME") or getpass.getuser()
    except (KeyError, OSError):
        return _FALLBACK_ACTOR


def store_option() -> argparse.ArgumentParser:
    """Return the parent parser of the commands that work on a store."""
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument("--store", type=path, required=True, metavar="DIR", help="publication store")
    return parent


def add_publication(parser: argparse.ArgumentParser) -> None:
    """Add the publication that the command is about."""
    parser.add_argument(
        "--publication", type=line, required=True, metavar="ID", help="publication id, e.g. 20261123T190000"
    )


def add_hdfs_user(parser: argparse.ArgumentParser) -> None:
    """Add the user that HDFS is read as."""
    parser.add_argument(
        "--user",
        type=line,
        default=system_user(),
        help="HDFS user name (default: HADOOP_USER_NAME, else the system user)",
    )


def add_actor(parser: argparse.ArgumentParser) -> None:
    """Add the name that the ledger records."""
    parser.add_argument(
        "--actor", type=line, default=system_user(), help="name of the user, for the ledger (default: the system user)"
    )


def add_who_and_why(parser: argparse.ArgumentParser, reason: str) -> None:
    """Add the name and the reason that the ledger records."""
    add_actor(parser)
    parser.add_argument("--reason", type=line, default=reason, help=f"reason, for the ledger (default: {reason!r})")

"""Arguments that several commands share."""

from __future__ import annotations

import argparse
import getpass
import os
from pathlib import Path
from typing import Final, TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

EXIT_FAILED: Final = 1
_FALLBACK_ACTOR = "unknown"


def system_user() -> str:
    """Return HADOOP_USER_NAME, or else the name of the system user."""
    try:
        return os.environ.get("HADOOP_USER_NAME") or getpass.getuser()
    except (KeyError, OSError):
        return _FALLBACK_ACTOR


def store_option() -> argparse.ArgumentParser:
    """Return the parent parser of the commands that work on a store."""
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument("--store", type=Path, required=True, metavar="DIR", help="publication store")
    return parent


def add_publication(parser: argparse.ArgumentParser) -> None:
    """Add the publication that the command is about."""
    parser.add_argument("--publication", required=True, metavar="ID", help="publication id, e.g. 20261123T190000")


def add_hdfs_user(parser: argparse.ArgumentParser) -> None:
    """Add the user that HDFS is read as."""
    parser.add_argument(
        "--user", default=system_user(), help="HDFS user name (default: HADOOP_USER_NAME, else the system user)"
    )


def add_actor(parser: argparse.ArgumentParser) -> None:
    """Add the name that the ledger records."""
    parser.add_argument(
        "--actor", default=system_user(), help="name of the user, for the ledger (default: the system user)"
    )


def add_who_and_why(parser: argparse.ArgumentParser, reason: str) -> None:
    """Add the name and the reason that the ledger records."""
    add_actor(parser)
    parser.add_argument("--reason", default=reason, help=f"reason, for the ledger (default: {reason!r})")

"""How a backup starts other programs, which tests replace."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from infra.control.settings import REPOSITORY


class BackupError(Exception):
    """A backup can't be written or restored; the message says why and what to do."""


def run_program(command: list[str], variables: dict[str, str]) -> str:
    """Run a program with these variables alone and return its output.

    Raises BackupError if it fails.
    """
    ended = subprocess.run(command, env=variables, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise BackupError(f"{Path(command[0]).name} failed (exit {ended.returncode}): {ended.stderr.strip()[-800:]}")
    return ended.stdout


def start_program(command: list[str], variables: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    """Start a program with these variables alone; a log file gets its output."""
    with log.open("wb") as output:
        return subprocess.Popen(command, env=variables, cwd=REPOSITORY, stdout=output, stderr=subprocess.STDOUT)


@dataclass(frozen=True)
class Programs:
    """How programs are run, and the folder of PostgreSQL's programs by version."""

    run: Callable[[list[str], dict[str, str]], str] = run_program
    start: Callable[[list[str], dict[str, str], Path], subprocess.Popen[bytes]] = start_program
    postgresql: Path = Path("/usr/lib/postgresql")


PROGRAMS = Programs()

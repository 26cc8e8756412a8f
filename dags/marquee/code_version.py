"""Which commit the running code is; each task reads it, since a checkout can change while Airflow runs."""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
from pathlib import Path

_log = logging.getLogger(__name__)
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_SECONDS = 60
_LONGEST_CHAIN = 10


class NoCommitError(Exception):
    """The commit can't be known; the message says why."""


def git_commit(home: Path) -> str:
    """Return the commit of the code below a folder.

    It ends in '-dirty' if files differ from it. If git can't compare the files, the commit comes from the files of `.git`
    and ends in '-unchecked'. If there is none, the result is 'unknown' with the reason in brackets. The log names the cause
    of both. An image names its commit in MARQUEE_GIT_COMMIT.
    """
    named = os.environ.get("MARQUEE_GIT_COMMIT", "")
    if named and named != "unknown":
        return named
    try:
        if named or not (home / ".git").exists():
            raise NoCommitError(f"{home} is no checkout, and MARQUEE_GIT_COMMIT names no commit")
        return _described(home)
    except NoCommitError as error:
        _log.warning("The commit of the code is unknown: %s.", error)
        return f"unknown ({error})"


def _described(home: Path) -> str:
    """Return what git says of the checkout, else what its files say.

    Raises NoCommitError.
    """
    if not shutil.which("git"):
        return _unchecked(home, "git is not installed")
    # A hook that starts the platform sets GIT_DIR to another repository, and a locale translates the messages.
    variables = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | {"LC_ALL": "C"}
    # Where another user owns the checkout, git refuses to read it. This program already runs that user's code.
    trusted = ["-c", f"safe.directory={home.resolve()}", "-c", "core.fsmonitor=false"]
    command = ["git", *trusted, "-C", str(home), "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty"]
    try:
        ended = subprocess.run(
            command, env=variables, capture_output=True, text=True, errors="replace", timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return _unchecked(home, f"git can't be run: {error}")
    found = ended.stdout.strip()
    if ended.returncode == 0 and _COMMIT.fullmatch(found.removesuffix("-dirty")):
        return found
    return _unchecked(home, f"git fails: {' '.join(ended.stderr.split())[:200]}")


def _unchecked(home: Path, reason: str) -> str:
    try:
        commit = _commit_of_files(home)
    except OSError as error:
        raise NoCommitError(f"{reason}, and {error.filename} can't be read: {error.strerror}") from None
    except ValueError:
        raise NoCommitError(f"{reason}, and the files of .git are not text") from None
    if not commit:
        raise NoCommitError(f"{reason}, and the files of .git name no commit")
    _log.warning("Whether files differ from commit %s is not known: %s.", commit, reason)
    return f"{commit}-unchecked"


def _commit_of_files(home: Path) -> str:
    """Return the commit that the files of `.git` name, or nothing.

    Raises OSError and ValueError.
    """
    folder = home / ".git"
    if folder.is_file():  # a worktree or a submodule
        folder = home / folder.read_text(encoding="utf-8").removeprefix("gitdir:").strip()
    common = folder / "commondir"
    shared = folder / common.read_text(encoding="utf-8").strip() if common.is_file() else folder
    name = "HEAD"
    for _ in range(_LONGEST_CHAIN):
        text = _reference(folder, shared, name)
        if not text.startswith("ref:"):
            return text if _COMMIT.fullmatch(text) else ""
        name = text.removeprefix("ref:").strip()
    return ""


def _reference(folder: Path, shared: Path, name: str) -> str:
    for place in (folder, shared):
        if (place / name).is_file():
            return (place / name).read_text(encoding="utf-8").strip()
    packed = shared / "packed-refs"
    lines = packed.read_text(encoding="utf-8").splitlines() if packed.is_file() else []
    return next((line.partition(" ")[0] for line in lines if line.partition(" ")[2] == name), "")

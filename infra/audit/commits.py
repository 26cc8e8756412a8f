"""Commit messages: `python -m infra.audit.commits` checks those since the rule, and a file's with `--message FILE`.

A subject is `area: what`, 72 characters at most; a body says why. Exit status 1 where a message is otherwise.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from infra.control.settings import REPOSITORY

# The rule holds for what came after this commit.
BEFORE_THE_RULE = "1bfffbf0ba50"
SUBJECT = 72
_AREA = re.compile(r"[a-z][a-z0-9_./-]*(?:, [a-z0-9_./-]+)*: \S")


def faults(message: str) -> list[str]:
    """Return what is wrong with a message, one sentence each."""
    lines = [line for line in message.splitlines() if not line.startswith("#")]
    subject, body = (lines[0] if lines else ""), "\n".join(lines[1:]).strip()
    found = []
    if len(subject) > SUBJECT:
        found.append(f"The subject has {len(subject)} characters: {SUBJECT} at most.")
    if not _AREA.match(subject):
        found.append("The subject is not `area: what`, such as `serving: retry a busy store`.")
    if subject.endswith("."):
        found.append("The subject ends with a full stop: leave it out.")
    if len(lines) > 1 and lines[1].strip():
        found.append("The second line is not empty: it separates the subject from the body.")
    if not body:
        found.append("There is no body: say why the change is made.")
    return found


def messages(repository: Path) -> list[tuple[str, str]]:
    """Return id and message of each commit since the rule, without merges.

    Where history is cut, only the last commit is looked at.
    """

    def git(*words: str) -> subprocess.CompletedProcess[str]:
        # Where another user owns the checkout, git refuses to read it.
        command = ["git", "-c", f"safe.directory={repository.resolve()}", *words]
        return subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)

    known = git("merge-base", "--is-ancestor", BEFORE_THE_RULE, "HEAD").returncode == 0
    chosen = f"{BEFORE_THE_RULE}..HEAD" if known else "-1"
    log = git("log", "--no-merges", "--format=%h%x00%B%x01", chosen)
    if log.returncode != 0:
        sys.exit(f"commits: git can't list them: {log.stderr.strip()}. Run the command in a checkout of git.")
    pairs = [entry.strip("\n").split("\0", 1) for entry in log.stdout.split("\1") if entry.strip("\n")]
    return [(name, text) for name, text in pairs]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what is wrong and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m infra.audit.commits", description=__doc__)
    parser.add_argument("--message", type=Path, metavar="FILE", help="look at this message alone, as git's hook does")
    options = parser.parse_args(arguments)
    file: Path | None = options.message
    looked_at = [(str(file), file.read_text(encoding="utf-8"))] if file else messages(REPOSITORY)
    found = [f"{name}: {fault}" for name, text in looked_at for fault in faults(text)]
    print("\n".join(found) if found else f"commits: {len(looked_at)} messages, nothing found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

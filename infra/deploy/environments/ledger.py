"""The ledger of an environment: one JSON line for each start and each end of a deployment, never changed."""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

STARTED, RAN, LIVE, UNDONE, FAILED = "started", "ran", "live", "undone", "failed"


def record(ledger: Path, result: str, **fields: str) -> None:
    """Append a line with the time and the user, and write it through to the disk."""
    who = os.environ.get("SUDO_USER") or getpass.getuser()
    line = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "who": who, **fields, "result": result}
    ledger.parent.mkdir(parents=True, exist_ok=True)
    with ledger.open("a", encoding="utf-8") as out:
        out.write(json.dumps(line, ensure_ascii=False) + "\n")
        out.flush()
        os.fsync(out.fileno())


def entries(ledger: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines, oldest first; the line of a writer that was killed is left out."""
    if ledger.is_file():
        for line in ledger.read_text(encoding="utf-8").splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                continue


def was_live(ledger: Path, commit: str) -> bool:
    """Return whether a commit passed all steps here."""
    return any(entry["commit"] == commit and entry["result"] == LIVE for entry in entries(ledger))


def ran(ledger: Path, commit: str) -> bool:
    """Return whether the whole DAG ran here with a commit, and let it pass."""
    return any(entry["commit"] == commit and entry["result"] == RAN for entry in entries(ledger))


def unfinished(ledger: Path) -> dict[str, Any] | None:
    """Return the last deployment, with what ran of it, if it has no end, else None."""
    going: dict[str, Any] | None = None
    for entry in entries(ledger):
        if entry["result"] == RAN and going is not None:
            going |= {"run": entry.get("run", "")}
        else:
            going = entry if entry["result"] == STARTED else None
    return going

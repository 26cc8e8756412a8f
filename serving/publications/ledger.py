"""The append-only ledger of a publication store: what was live when, who changed it and why.

One JSON object a line. A change of the live publication is two entries, `activating` or `rolling-back` before the
switch and `activated` or `rolled-back` after it, so that a switch which was killed in between is known for what it is.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from serving.publications.durable_files import fsync_folder, write_all
from serving.publications.format import PublicationError

# The entry that announces a switch, and the one that says it is done.
COMPLETED_BY: Final = {"activating": "activated", "rolling-back": "rolled-back"}
_MADE_LIVE: Final = frozenset({"activated", "rolled-back", "found-live"})


@dataclass(frozen=True)
class Entry:
    """One line. `since` is set where a switch took effect before its entry could be written."""

    at: str
    action: str
    publication: str | None
    actor: str
    reason: str
    since: str | None = None
    detail: dict[str, Any] | None = None

    @property
    def effective(self) -> datetime:
        """When the entry took effect."""
        return datetime.fromisoformat(self.since or self.at)

    def as_dict(self) -> dict[str, Any]:
        """Return the entry as it is written: unset optional fields are left out."""
        document: dict[str, Any] = {
            "at": self.at,
            "action": self.action,
            "publication": self.publication,
            "actor": self.actor,
            "reason": self.reason,
        }
        if self.since:
            document["since"] = self.since
        if self.detail:
            document["detail"] = self.detail
        return document


class Ledger:
    """Reads and appends the ledger file; whoever appends holds the store's lock."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def entries(self) -> list[Entry]:
        """Return all entries, oldest first. A last line that was cut off by a crash was never acknowledged: skipped.

        Raises PublicationError for any other line that is not an entry.
        """
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return []
        complete = content[: content.rfind(b"\n") + 1]
        entries = []
        for number, line in enumerate(complete.splitlines(), 1):
            try:
                entries.append(Entry(**json.loads(line)))
            except (ValueError, TypeError):
                raise PublicationError(f"{self.path} line {number} is not a ledger entry: restore the file.") from None
        return entries

    def append(
        self,
        action: str,
        publication: str | None,
        actor: str,
        reason: str,
        since: str | None = None,
        detail: dict[str, Any] | None = None,
    ) -> Entry:
        """Write one entry and flush it; it is on disk when this returns."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        entry = Entry(now, action, publication, actor, reason, since, detail)
        line = json.dumps(entry.as_dict(), ensure_ascii=False).encode() + b"\n"
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        try:
            self._drop_cut_off_line(descriptor)
            write_all(descriptor, line)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        fsync_folder(self.path.parent)
        return entry

    @staticmethod
    def _drop_cut_off_line(descriptor: int) -> None:
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            content = os.pread(descriptor, size, 0)
            os.ftruncate(descriptor, content.rfind(b"\n") + 1)


def live_history(entries: list[Entry]) -> list[str]:
    """Return the publications one can roll back through, the live one last.

    An activation adds to the history and a rollback takes off: two rollbacks in a row go back by two.
    """
    history: list[str] = []
    for entry in entries:
        publication = entry.publication
        if entry.action not in _MADE_LIVE or publication is None:
            continue
        if entry.action == "rolled-back" and publication in history:
            while history[-1] != publication:
                history.pop()
        elif history[-1:] != [publication]:
            history.append(publication)
    return history


def live_at(entries: list[Entry], moment: datetime) -> Entry | None:
    """Return the entry that made live what was live at `moment`, or None if nothing was."""
    before = [entry for entry in made_live(entries) if entry.effective <= moment]
    return before[-1] if before else None


def made_live(entries: list[Entry]) -> list[Entry]:
    """Return the entries that made a publication live, oldest first."""
    return [entry for entry in entries if entry.action in _MADE_LIVE]


def pinned(entries: list[Entry]) -> str | None:
    """Return the publication that is pinned, or None."""
    for entry in reversed(entries):
        if entry.action in ("pinned", "unpinned"):
            return entry.publication if entry.action == "pinned" else None
    return None


def unfinished_switch(entries: list[Entry]) -> Entry | None:
    """Return the entry of a switch that was announced and neither done nor abandoned, or None."""
    for entry in reversed(entries):
        if entry.action in COMPLETED_BY:
            return entry
        if entry.action in _MADE_LIVE or entry.action == "abandoned":
            return None
    return None

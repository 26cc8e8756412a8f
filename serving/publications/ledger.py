"""The append-only ledger of a publication store: what was live when, who changed it and why.

The file holds one JSON object a line. A change of the live publication is two entries: `activating` or `rolling-back`
before the switch, and `activated` or `rolled-back` after it. A first entry without the second shows that the switch was
killed in between.
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

# The entry that announces a switch, and the entry that confirms it.
COMPLETED_BY: Final = {"activating": "activated", "rolling-back": "rolled-back"}
_MADE_LIVE: Final = frozenset({"activated", "rolled-back", "found-live"})
_ARRIVED: Final = frozenset({"pulled", "lineage-updated", "repaired"})


@dataclass(frozen=True)
class Entry:
    """One line of the ledger.

    `since` is set where the switch took effect before the entry was written.
    """

    at: str
    action: str
    publication: str | None
    actor: str
    reason: str
    since: str | None = None
    detail: dict[str, Any] | None = None

    @property
    def effective(self) -> datetime:
        """Return when the entry took effect."""
        return datetime.fromisoformat(self.since or self.at)

    def as_dict(self) -> dict[str, Any]:
        """Return the entry as the file holds it, without unset optional fields."""
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
    """Reads and appends the ledger file; callers that append hold the store's lock."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def entries(self) -> list[Entry]:
        """Return all entries, oldest first.

        A last line that a crash cut off was never acknowledged and is skipped. Raises PublicationError for any other
        line that is not an entry.
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
                raise PublicationError(f"{self.path} line {number} is not a ledger entry. Restore the file.") from None
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
        """Return a new entry, which is on disk when this returns."""
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

    def settle(self, live: str | None) -> None:
        """Complete the ledger after a killed switch or a link that was moved by hand.

        `live` is the publication that the link names.
        """
        entries = self.entries()
        switch = unfinished_switch(entries)
        if switch is not None and switch.publication == live:
            done = COMPLETED_BY[switch.action]
            self.append(done, live, switch.actor, switch.reason, since=switch.at)
            return
        if switch is not None:
            why = "The switch was interrupted before it took effect."
            self.append("abandoned", switch.publication, switch.actor, why)
        if live is not None and live_history(entries)[-1:] != [live]:
            self.append("found-live", live, "unknown", "The live link was changed without this program.")

    @staticmethod
    def _drop_cut_off_line(descriptor: int) -> None:
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            content = os.pread(descriptor, size, 0)
            os.ftruncate(descriptor, content.rfind(b"\n") + 1)


def live_history(entries: list[Entry]) -> list[str]:
    """Return the publications that a rollback can go through, the live one last.

    An activation adds one to the history and a rollback removes one, so two rollbacks in a row go back by two.
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
    """Return the entry of the publication that was live at `moment`, or None."""
    before = [entry for entry in made_live(entries) if entry.effective <= moment]
    return before[-1] if before else None


def made_live(entries: list[Entry]) -> list[Entry]:
    """Return the entries that made a publication live, oldest first."""
    return [entry for entry in entries if entry.action in _MADE_LIVE]


def live_since(entries: list[Entry], publication: str) -> str | None:
    """Return when a publication last became the live one (ISO 8601, UTC), or None."""
    found = [entry for entry in made_live(entries) if entry.publication == publication]
    return (found[-1].since or found[-1].at) if found else None


def last_arrived(entries: list[Entry]) -> list[str]:
    """Return the publications that were ever pulled, the latest arrival first."""
    arrived = [entry.publication for entry in entries if entry.action in _ARRIVED and entry.publication is not None]
    return list(dict.fromkeys(reversed(arrived)))


def sha256_on_arrival(entries: list[Entry], publication: str) -> str | None:
    """Return the SHA-256 that a publication's last `pulled` entry records, or None."""
    pulled = [entry for entry in entries if (entry.action, entry.publication) == ("pulled", publication)]
    return str(pulled[-1].detail["sha256"]) if pulled and pulled[-1].detail else None


def pinned(entries: list[Entry]) -> str | None:
    """Return the id of the pinned publication, or None."""
    for entry in reversed(entries):
        if entry.action in ("pinned", "unpinned"):
            return entry.publication if entry.action == "pinned" else None
    return None


def unfinished_switch(entries: list[Entry]) -> Entry | None:
    """Return the entry of a switch that is neither done nor abandoned, or None."""
    for entry in reversed(entries):
        if entry.action in COMPLETED_BY:
            return entry
        if entry.action in _MADE_LIVE or entry.action == "abandoned":
            return None
    return None

"""Announce a store's live publication."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from serving.publications.announcements.announcement import Announcement
from serving.publications.announcements.places import Place
from serving.publications.durable_files import locked, write_file
from serving.publications.format import PublicationError
from serving.publications.store import Change, PublicationStore


def announce(store: PublicationStore, place: Place, actor: str, reason: str, *, take_over: bool = False) -> Change:
    """Announce the live publication, unless the latest announcement says the same.

    Raises PublicationError if nothing is live, if the place does not answer, or if another store announced last and
    `take_over` is not set.
    """
    with locked(store.root / ".announce.lock"):
        live, latest = store.live(), place.latest()
        if live is None:
            raise PublicationError("Nothing is live, so there is nothing to announce. Activate a publication first.")
        own = _store_id(store)
        if latest is not None and latest.store != own and not take_over:
            raise PublicationError(
                f"Another store announced {latest.publication} last, at {latest.at}, by {latest.actor}. Two stores that "
                "announce would undo each other's work. Change the publication there, or take over: announce --take-over."
            )
        pinned, sha256 = store.pinned() == live, store.manifest(live).sha256
        said = (live, sha256, pinned, own)
        if latest is not None and (latest.publication, latest.sha256, latest.pinned, latest.store) == said:
            return Change("announced", live, False, live)
        place.bring(store.path(live), store.manifest(live))
        number = latest.number + 1 if latest else 1
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        if not place.add(Announcement(number, live, sha256, pinned, own, now, actor, reason)):
            raise PublicationError(f"Another store announced number {number} meanwhile. Run the command again.")
        return Change("announced", live, True, live)


def _store_id(store: PublicationStore) -> str:
    """Return the store's own random id, which its first announcement makes."""
    file = store.root / "store-id"
    if not file.is_file():
        write_file(file, uuid.uuid4().hex.encode())
    return file.read_text(encoding="ascii")

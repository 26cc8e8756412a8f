"""Follow the announcements: pull what the latest one names, verify it, make it live here."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Final

from serving.publications.announcements.announcement import Announcement
from serving.publications.announcements.places import place_of
from serving.publications.format import RECOMMENDATIONS, Kind, PublicationError
from serving.publications.store import PublicationStore
from serving.publications.transfer import pull

ACTOR: Final = "follower"
# A publication that fails is tried again after this time, and each later time after twice as much.
_FIRST_RETRY_SECONDS: Final = 10.0
_LAST_RETRY_SECONDS: Final = 300.0


@dataclass
class Follower:
    """One store that follows the announcements of an address."""

    store: PublicationStore
    address: str
    user: str
    keep: int
    kind: Kind = RECOMMENDATIONS
    announced: int = 0
    followed: int = 0
    failures: int = 0
    # Sentences of what fails now, and Unix seconds of the last time when nothing did.
    failing: str = ""
    last_success: float = 0.0
    _retry: tuple[int, float, float] = field(default=(0, 0.0, 0.0), repr=False)

    def step(self) -> Announcement | None:
        """Read the latest announcement and make the store agree with it.

        Return the announcement if its publication became live in this step. A failure is noted, and what was live
        before stays live.
        """
        try:
            return self._follow()
        except (PublicationError, OSError) as error:
            self.failures += 1
            self.failing = str(error)
            return None

    def _follow(self) -> Announcement | None:
        latest = place_of(self.address, self.user, self.kind).latest()
        if latest is None:
            raise PublicationError("Nothing is announced yet. Activate a publication where it was built.")
        self.announced = latest.number
        number, not_before, pause = self._retry
        if number == latest.number and time.monotonic() < not_before:
            return None
        try:
            changed = self._make_live(latest)
        except (PublicationError, OSError):
            pause = min(pause * 2, _LAST_RETRY_SECONDS) if number == latest.number else _FIRST_RETRY_SECONDS
            self._retry = (latest.number, time.monotonic() + pause, pause)
            raise
        self._retry = (0, 0.0, 0.0)
        self.followed, self.failing, self.last_success = latest.number, "", time.time()
        return latest if changed else None

    def _make_live(self, latest: Announcement) -> bool:
        publication = latest.publication
        if self.store.live() == publication:
            return False
        if publication not in self.store.publications():
            pull(self.store, self.address, publication, self.user, ACTOR)
        if self.store.manifest(publication).sha256 != latest.sha256:
            raise PublicationError(
                f"{publication} has another SHA-256 than its announcement {latest.number}. "
                "Publish under a new batch id, and announce that."
            )
        reason = f"announcement {latest.number} by {latest.actor}: {latest.reason}"
        live = self.store.live()
        if live is not None and publication < live:
            self.store.roll_back(publication, ACTOR, reason)
        else:
            self.store.activate(publication, ACTOR, reason)
        self.store.prune(self.keep, ACTOR, "retention")
        return True

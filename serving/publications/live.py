"""Follow a store's live publication from a serving process, without restarts.

Each request asks for the publication to answer from: that costs one readlink and one stat. A request keeps the object
it was given, so that its answer never mixes two publications. A publication that fails verification is reported and
the last good one goes on serving.

Anybody may ask for any publication by its id, as often as he likes. So a file is read whole for its SHA-256 once, however
often it is opened again; one that failed is left alone for a while; and a switch waits for no such opening.
"""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from serving.publications.format import DATABASE_NAME, MANIFEST_NAME, PublicationError
from serving.publications.reader import Publication
from serving.publications.store import PublicationStore

# What a publication's files look like from outside: changes whenever either is written or replaced.
Fingerprint = tuple[str, int, int, int, int, int]

# Publications that stay open: the live one, and some for cursors, as_of and rollbacks.
_OPEN_PUBLICATIONS = 4
# A publication that failed is tried again after this time, in case a disk or mount came back.
_RETRY_SECONDS = 30.0


class NothingPublishedError(PublicationError):
    """The store has no live publication yet."""


class LivePublication:
    """The publications of one store as one process sees them; safe to share between its threads."""

    def __init__(
        self,
        root: Path,
        on_switch: Callable[[Publication], None] | None = None,
        on_failure: Callable[[str, str], None] | None = None,
    ) -> None:
        """Remember the store; nothing is opened before the first request, that is after the server forked.

        `on_switch` is called with each publication that starts to serve, `on_failure` with the id and the reason of
        each that was opened and is not sound.
        """
        self.store = PublicationStore(root)
        self._folder = str(self.store.folder)
        self.failure: str | None = None
        self._on_switch = on_switch
        self._on_failure = on_failure
        self._serving: tuple[Fingerprint, Publication] | None = None
        self._open: OrderedDict[Fingerprint, Publication] = OrderedDict()
        # By id, so that they grow no longer than the store: which file passed, and which failed, until when, and why.
        self._verified: dict[str, Fingerprint] = {}
        self._failed: dict[str, tuple[Fingerprint, float, str]] = {}
        self._switching = threading.Lock()
        self._opening_named = threading.Lock()
        # Guards the three above; nothing slow is done under it.
        self._books = threading.Lock()

    def current(self) -> Publication:
        """Return the publication to answer this request from.

        Raises NothingPublishedError before the first activation, and PublicationError if no sound one is left.
        """
        fingerprint = self._live_fingerprint()
        serving = self._serving
        if serving is not None and serving[0] == fingerprint:
            self.failure = None
            return serving[1]
        if fingerprint is None and serving is None:
            raise NothingPublishedError("No publication is live yet: activate one.")
        # The first request to notice a switch makes it; others in the process meanwhile answer from the old one.
        if self._switching.acquire(blocking=serving is None):
            try:
                return self._switch(fingerprint)
            finally:
                self._switching.release()
        assert serving is not None  # noqa: S101 - without one the lock was waited for
        return serving[1]

    def named(self, publication: str) -> Publication:
        """Return a publication in the store by its id, live or not. Raises PublicationError if it is not sound."""
        serving = self._serving
        if serving is not None and serving[1].publication_id == publication:
            return serving[1]
        fingerprint = self._fingerprint(publication)
        if fingerprint is None:
            raise PublicationError(f"Publication {publication} is not in the store: list them at /v1/publications.")
        found = self._known(fingerprint)
        if found is None:
            # One at a time: who asks for many at once must not have them all read at once.
            with self._opening_named:
                found = self._opened(fingerprint)
        return found

    def _live_fingerprint(self) -> Fingerprint | None:
        live = self.store.live()
        return None if live is None else self._fingerprint(live) or (live, 0, 0, 0, 0, 0)

    def _fingerprint(self, publication: str) -> Fingerprint | None:
        # On the path of each request: text and os.stat cost a fifth of what Path objects do.
        folder = f"{self._folder}/{publication}"
        try:
            database = os.stat(f"{folder}/{DATABASE_NAME}")  # noqa: PTH116
            manifest = os.stat(f"{folder}/{MANIFEST_NAME}")  # noqa: PTH116
        except OSError:
            return None
        return (
            publication,
            database.st_ino,
            database.st_mtime_ns,
            database.st_ctime_ns,
            manifest.st_ino,
            manifest.st_mtime_ns,
        )

    def _switch(self, fingerprint: Fingerprint | None) -> Publication:
        serving = self._serving
        if serving is not None and serving[0] == fingerprint:
            return serving[1]
        if fingerprint is None:
            return self._keep("The live link is gone.", None)
        try:
            publication = self._opened(fingerprint)
        except PublicationError as error:
            return self._keep(str(error), fingerprint)
        self._serve(fingerprint, publication)
        self.failure = None
        return publication

    def _keep(self, failure: str, fingerprint: Fingerprint | None) -> Publication:
        """Go on with the one that serves or, where it is damaged or none serves yet, the last sound one before it."""
        serving = self._serving
        self.failure = failure
        # A file that was damaged in place while it serves is not to be trusted, open or not; one that was merely
        # removed is whole as long as it is open.
        damaged = fingerprint is not None and fingerprint != (fingerprint[0], 0, 0, 0, 0, 0)
        if serving is not None and not (damaged and fingerprint and fingerprint[0] == serving[1].publication_id):
            return serving[1]
        for earlier in self.store.rollback_targets():
            before = self._fingerprint(earlier)
            try:
                publication = self._opened(before) if before else None
            except PublicationError:
                continue
            if before and publication:
                self._serve(before, publication)
                return publication
        raise PublicationError(f"No sound publication is left to serve. {failure}")

    def _serve(self, fingerprint: Fingerprint, publication: Publication) -> None:
        self._serving = (fingerprint, publication)
        if self._on_switch is not None:
            self._on_switch(publication)

    def _known(self, fingerprint: Fingerprint) -> Publication | None:
        """Return the publication if it is open. Raises PublicationError if it failed a short while ago."""
        with self._books:
            publication = self._open.get(fingerprint)
            if publication is not None:
                self._open.move_to_end(fingerprint)
                return publication
            failed = self._failed.get(fingerprint[0])
        if failed is not None and failed[0] == fingerprint and time.monotonic() < failed[1]:
            raise PublicationError(failed[2])
        return None

    def _opened(self, fingerprint: Fingerprint) -> Publication:
        publication = self._known(fingerprint)
        if publication is not None:
            return publication
        name = fingerprint[0]
        try:
            publication = Publication(self.store.path(name), name, self._verified.get(name) == fingerprint)
        except PublicationError as error:
            with self._books:
                self._failed[name] = (fingerprint, time.monotonic() + _RETRY_SECONDS, str(error))
            if self._on_failure is not None:
                self._on_failure(name, str(error))
            raise
        with self._books:
            self._failed.pop(name, None)
            self._verified[name] = fingerprint
            self._open[fingerprint] = publication
            self._open.move_to_end(fingerprint)
            while len(self._open) > _OPEN_PUBLICATIONS:
                self._open.popitem(last=False)
        return publication

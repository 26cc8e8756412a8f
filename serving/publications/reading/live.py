"""Follow a store's live publication from a serving process, without restarts.

Each request asks which publication to answer from, which costs one readlink and two stats. A request keeps the object
that it got, so that its answer never mixes two publications. A large publication is opened by a thread, while requests go on
with the one before. A publication that fails verification is reported, and the process continues to serve the last sound one.

Clients can request any publication by id, as often as they like. Each file is therefore hashed in full only the first
time it is opened. A file that failed verification is not retried for 30 seconds. Opening an old publication never delays
a switch of the live one.
"""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from serving.publications.format import DATABASE_NAME, MANIFEST_NAME, PUBLICATION_ID, PublicationError
from serving.publications.reading.freed_memory import hand_back
from serving.publications.reading.reader import Publication
from serving.publications.store import PublicationStore

# The id, and inode and times of both files. It changes whenever a file is written or replaced.
Fingerprint = tuple[str, int, int, int, int, int]

# Publications that stay open: the live one, and a few for cursors, as_of and rollbacks.
_OPEN_PUBLICATIONS = 4
# A publication that failed is retried after this time, in case a disk or mount came back.
_RETRY_SECONDS = 30.0
# To hash and open a larger file takes longer than a request may wait: 3 s for 1 GB.
_OPENED_IN_A_REQUEST = 64 << 20


class NothingPublishedError(PublicationError):
    """The store has no live publication yet."""


class LivePublication:
    """The publications of one store as one process sees them.

    Threads may share it.
    """

    def __init__(
        self,
        root: Path,
        on_switch: Callable[[Publication], None] | None = None,
        on_failure: Callable[[str, str], None] | None = None,
    ) -> None:
        """Remember the store; the first request opens a publication.

        Nothing is open when the server forks. `on_switch` is called with each publication that starts to serve.
        `on_failure` is called with the id and the reason of each publication that was opened and is not sound.
        """
        self.store = PublicationStore(root)
        self._folder = str(self.store.folder)
        self.failure: str | None = None
        self._on_switch = on_switch
        self._on_failure = on_failure
        self._serving: tuple[Fingerprint, Publication] | None = None
        self._open: OrderedDict[Fingerprint, Publication] = OrderedDict()
        # Both are keyed by id, so that they have no more entries than the store. They hold which file passed, and which
        # failed, when to retry it, and why.
        self._verified: dict[str, Fingerprint] = {}
        self._failed: dict[str, tuple[Fingerprint, float, str]] = {}
        self._switching = threading.Lock()
        self._opening_named = threading.Lock()
        # Guards the three mappings above; nothing slow is done while it is held.
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
            # The API answers with this sentence.
            raise NothingPublishedError("No publication is live yet: activate one.")
        # The first request that notices a switch makes it, or has a thread make it. Meanwhile the process's other requests
        # answer from the old one.
        if serving is not None and fingerprint is not None and self._takes_long(fingerprint, serving[1]):
            if self._switching.acquire(blocking=False):
                threading.Thread(target=self._switch_meanwhile, args=(fingerprint,), daemon=True).start()
            return serving[1]
        if self._switching.acquire(blocking=serving is None):
            try:
                return self._switch(fingerprint)
            finally:
                self._switching.release()
        assert serving is not None  # noqa: S101 - without one, acquire has waited
        return serving[1]

    def named(self, publication: str) -> Publication:
        """Return a publication in the store by its id, live or not.

        Raises PublicationError if it is missing or not sound.
        """
        serving = self._serving
        if serving is not None and serving[1].publication_id == publication:
            return serving[1]
        # The id is a part of a path, and a caller may ask before it has checked the id.
        fingerprint = self._fingerprint(publication) if PUBLICATION_ID.fullmatch(publication) else None
        if fingerprint is None:
            raise PublicationError(f"Publication {publication} is not in the store. List them at /v1/publications.")
        found = self._known(fingerprint)
        if found is None:
            # Open one at a time, so that a client that requests many at once does not have them all read at once.
            with self._opening_named:
                found = self._opened(fingerprint)
        return found

    def _live_fingerprint(self) -> Fingerprint | None:
        live = self.store.live()
        return None if live is None else self._fingerprint(live) or (live, 0, 0, 0, 0, 0)

    def _fingerprint(self, publication: str) -> Fingerprint | None:
        # Each request comes through here. Text and os.stat cost a fifth of what Path objects cost.
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

    def _takes_long(self, fingerprint: Fingerprint, serving: Publication) -> bool:
        """Return whether a request would wait for a large publication to open."""
        name = fingerprint[0]
        try:
            if self._known(fingerprint) is not None:
                return False
            size = (self.store.path(name) / DATABASE_NAME).stat().st_size
        except (PublicationError, OSError):
            return False  # it failed a moment ago, or is missing: the request learns that at once
        # One that was damaged in place may serve no further request.
        return size > _OPENED_IN_A_REQUEST and name != serving.publication_id

    def _switch_meanwhile(self, fingerprint: Fingerprint) -> None:
        try:
            self._switch(fingerprint)
        except PublicationError:
            pass  # `failure` says it, and so does each request that finds nothing to answer from
        finally:
            self._switching.release()

    def _keep(self, failure: str, fingerprint: Fingerprint | None) -> Publication:
        """Return the publication that serves on after a failed switch.

        It is the present one or, where that is damaged or missing, the last sound one before it. Raises PublicationError
        where there is none.
        """
        serving = self._serving
        self.failure = failure
        # A file that was damaged in place while it serves cannot be trusted, even though it is open. A file that was only
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
        before, self._serving = self._serving, (fingerprint, publication)
        if before is not None:
            before[1].rest()
            hand_back()
        if self._on_switch is not None:
            self._on_switch(publication)

    def _known(self, fingerprint: Fingerprint) -> Publication | None:
        """Return the publication if it is open.

        Raises PublicationError if it failed verification less than 30 seconds ago.
        """
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

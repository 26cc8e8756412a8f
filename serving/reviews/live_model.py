"""The live model of the publication store, followed without restarts.

One thread of each process reads the store's pointer. A new model is loaded next to the present one, and takes its place
by one assignment: a request keeps the model that it began with. A model is a pickle, which runs code when it is read. So it
is read only where nobody but the platform's user can write, and only after its SHA-256 is that of the manifest. A model
that fails is refused by name, and the present one goes on.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from serving.publications.format import MANIFEST_NAME, SENTIMENT, PublicationError
from serving.publications.lineage import value_at
from serving.publications.store import PublicationStore
from serving.publications.verification import check_kind, read_manifest
from serving.reviews.model.files import ModelFileError, load_model
from serving.reviews.model.sentiment import SentimentModel
from serving.web.logs import error_log

# A refused model is tried again after this time, in case a disk or a mount came back.
_RETRY_SECONDS: Final = 30.0
_WRITABLE_BY_OTHERS: Final = stat.S_IWGRP | stat.S_IWOTH

# The publication, and inode, change time and mode of all that decides whether it may be read.
Fingerprint = tuple[str, tuple[tuple[int, int, int, int] | None, ...]]


@dataclass(frozen=True)
class LoadedModel:
    """A model in memory, and the publication that it came from."""

    model: SentimentModel
    publication: str
    version: str
    sha256: str


@dataclass(frozen=True)
class Refusal:
    """A publication that is live in the store and not served, and why."""

    publication: str
    reason: str


class LiveModel:
    """The model of one store as one process serves it. Threads may share it."""

    def __init__(
        self,
        root: Path,
        on_switch: Callable[[LoadedModel], None] = lambda _: None,
        on_refusal: Callable[[Refusal | None, Refusal | None], None] = lambda _, __: None,
    ) -> None:
        """Remember the store; `follow` loads.

        `on_switch` is called with each model that begins to serve, `on_refusal` with each new refusal, or None where
        there is none any more, and the one before.
        """
        self.store = PublicationStore(root.resolve())
        self.current: LoadedModel | None = None
        self.refused: Refusal | None = None
        self._on_switch = on_switch
        self._on_refusal = on_refusal
        self._seen: Fingerprint | None = None
        self._retry_at = 0.0
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, seconds: float) -> None:
        """Load what is live, then look for a change every so many seconds."""
        self.follow()
        self._thread = threading.Thread(target=self._run, args=(seconds,), name="live-model", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self, seconds: float) -> None:
        while not self._ending.wait(seconds):
            try:
                self.follow()
            except Exception as error:  # noqa: BLE001 - the thread must outlive whatever the store holds
                error_log.error("the live model was not read", exc_info=error)

    def follow(self) -> None:
        """Serve what the store's pointer names, if it changed and may be served."""
        live = self.store.live()
        if live is None:
            # Nothing was ever published, or the pointer is being replaced: what serves goes on.
            return
        fingerprint = self._fingerprint(live)
        waiting = self.refused is not None and time.monotonic() >= self._retry_at
        if fingerprint == self._seen and not waiting:
            return
        repeated, self._seen = fingerprint == self._seen, fingerprint
        try:
            loaded = self._load(live)
        except (PublicationError, ModelFileError, OSError) as error:
            self._retry_at = time.monotonic() + _RETRY_SECONDS
            self._refuse(Refusal(live, str(error)), quiet=repeated)
        else:
            self._note_refusal(None)
            self._serve(loaded)

    def _note_refusal(self, refusal: Refusal | None) -> None:
        before, self.refused = self.refused, refusal
        if refusal != before:
            self._on_refusal(refusal, before)

    def _serve(self, loaded: LoadedModel) -> None:
        self.current = loaded
        self._on_switch(loaded)
        fields = {"publication": loaded.publication, "sha256": loaded.sha256}
        error_log.info("model serves", extra={"fields": fields})

    def _refuse(self, refusal: Refusal, *, quiet: bool) -> None:
        self._note_refusal(refusal)
        if not quiet:
            fields = {"publication": refusal.publication, "reason": refusal.reason}
            error_log.error("model refused", extra={"fields": fields})
        if self.current is not None:
            return
        # Right after a start there is no present model: the nearest earlier one that is sound serves.
        for earlier in self.store.rollback_targets():
            try:
                loaded = self._load(earlier)
            except (PublicationError, ModelFileError, OSError):
                continue
            self._serve(loaded)
            return

    def _load(self, publication: str) -> LoadedModel:
        folder = self.store.path(publication)
        for path in self._guarded(publication):
            _check_private(path)
        manifest = read_manifest(folder, publication)
        check_kind(manifest, SENTIMENT)
        data_file = folder / SENTIMENT.data_file
        try:
            model = load_model(data_file, manifest.sha256)
        except ModelFileError:
            raise
        except Exception as error:  # noqa: BLE001
            # Whatever a file of other content makes the loader raise.
            what = f"{type(error).__name__}: {error}"
            raise PublicationError(f"{data_file} holds no model ({what[:200]}). Train and publish one again.") from None
        version = value_at(manifest.lineage, "model", "version")
        return LoadedModel(model, publication, str(version or model.version), manifest.sha256)

    def _guarded(self, publication: str) -> list[Path]:
        """Return what decides the model's content, folders first."""
        folder = self.store.path(publication)
        return [self.store.root, self.store.folder, folder, folder / SENTIMENT.data_file, folder / MANIFEST_NAME]

    def _fingerprint(self, publication: str) -> Fingerprint:
        return publication, tuple(_state(path, position) for position, path in enumerate(self._guarded(publication)))


def _state(path: Path, position: int) -> tuple[int, int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    # The times of the two outer folders change with each other publication that arrives.
    changed = found.st_ctime_ns if position > 1 else 0
    return found.st_ino, changed, found.st_mode, found.st_uid


def _check_private(path: Path) -> None:
    """Raise PublicationError if others than the platform's user can write a path."""
    try:
        found = path.lstat()
    except OSError as error:
        raise PublicationError(f"{path} cannot be read: {error.strerror}. Pull the publication again.") from None
    if stat.S_ISLNK(found.st_mode):
        raise PublicationError(
            f"{path} is a link. Put the publication itself there: a model is read from its own folder."
        )
    if found.st_uid not in (os.geteuid(), 0):
        raise PublicationError(
            f"{path} belongs to user {found.st_uid}, not to the platform's user {os.geteuid()}. A model can run code: "
            "change the owner, then pull the publication again."
        )
    if found.st_mode & _WRITABLE_BY_OTHERS:
        raise PublicationError(
            f"{path} can be written by others (mode {stat.S_IMODE(found.st_mode):o}). A model can run code: take the "
            "right away with chmod go-w, then pull the publication again."
        )

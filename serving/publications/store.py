"""A serving node's publications: verified folders, the `live` link, the pin and the ledger.

Layout of a store::

    publications/<id>/publication.sqlite, manifest.json    one id, one database: a pull may repair it, never change it
    live -> publications/<id>                              switched by one rename
    ledger.jsonl                                           append-only

Every change holds the store's lock; readers need none. A change that is killed anywhere leaves the old or the new
state, whole, and the next change completes the ledger.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from serving.publications import ledger as ledger_module
from serving.publications.durable_files import fsync_folder, point_symlink, write_file
from serving.publications.format import (
    APPLICATION_ID,
    DATABASE_NAME,
    MANIFEST_NAME,
    PUBLICATION_ID,
    Manifest,
    PublicationError,
    check_publication_id,
    sha256_of,
)
from serving.publications.ledger import COMPLETED_BY, Entry, Ledger

# The entries of a publication's arrival.
_CAME = frozenset({"pulled", "lineage-updated", "repaired"})


class HeldBackError(PublicationError):
    """The publication is sound, but a pin, or a newer one being live, keeps it from going live."""


@dataclass(frozen=True)
class Change:
    """What a command did: `changed` is False where the store was as asked already."""

    action: str
    publication: str
    changed: bool
    live: str | None


def verify_folder(folder: Path, publication: str) -> Manifest:
    """Check a publication's files against its manifest, by size, SHA-256 and database header, and return the manifest.

    Raises PublicationError that names the file and what is wrong with it.
    """
    manifest = read_manifest(folder, publication)
    database = folder / DATABASE_NAME
    try:
        size = database.stat().st_size
        if size != manifest.size_bytes:
            raise PublicationError(f"{database} has {size} bytes instead of {manifest.size_bytes}: pull it again.")
        digest = sha256_of(database)
    except OSError as error:
        raise PublicationError(f"{database} cannot be read ({error.strerror}): pull the publication again.") from None
    if digest != manifest.sha256:
        raise PublicationError(f"{database} has SHA-256 {digest} instead of {manifest.sha256}: pull it again.")
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            application = connection.execute("PRAGMA application_id").fetchone()[0]
            schema = connection.execute("PRAGMA user_version").fetchone()[0]
    except sqlite3.Error as error:
        raise PublicationError(f"{database} is not a readable database ({error}): build it again.") from None
    version = manifest.schema_version
    if (application, schema) != (APPLICATION_ID, version):
        raise PublicationError(f"{database} is not a publication of schema version {version}: build it again.")
    return manifest


def read_manifest(folder: Path, publication: str) -> Manifest:
    """Read the manifest in `folder` and check that it belongs to `publication`. Raises PublicationError."""
    path = folder / MANIFEST_NAME
    try:
        manifest = Manifest.from_json(path.read_bytes(), str(path))
    except OSError as error:
        raise PublicationError(f"{path} cannot be read ({error.strerror}): pull {publication} first.") from None
    if manifest.batch_id != publication:
        raise PublicationError(f"{path} belongs to {manifest.batch_id}, not to {publication}: pull it again.")
    return manifest


class PublicationStore:
    """One store folder. Reading methods never change it and never wait."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "publications"
        self.link = root / "live"
        self._link = str(self.link)
        self.ledger = Ledger(root / "ledger.jsonl")

    # --- reading -------------------------------------------------------------------------------------------------

    def path(self, publication: str) -> Path:
        """Return the folder of a publication, there or not."""
        return self.folder / check_publication_id(publication)

    def publications(self) -> list[str]:
        """List the publications that are in the store, oldest batch first."""
        if not self.folder.is_dir():
            return []
        return sorted(path.name for path in self.folder.iterdir() if PUBLICATION_ID.fullmatch(path.name))

    def manifest(self, publication: str) -> Manifest:
        """Read the manifest of a publication in the store. Raises PublicationError."""
        return read_manifest(self.path(publication), publication)

    def live(self) -> str | None:
        """Return the id of the live publication: what the link says, whether or not the publication is sound."""
        try:
            return os.readlink(self._link).rpartition("/")[2]  # noqa: PTH115 - on the path of each request
        except FileNotFoundError:
            return None

    def pinned(self) -> str | None:
        """Return the id of the pinned publication, or None."""
        return ledger_module.pinned(self.ledger.entries())

    def rollback_targets(self) -> list[str]:
        """Return the publications that were live before the live one and are still here, the nearest first."""
        history = ledger_module.live_history(self.ledger.entries())
        live = self.live()
        earlier = history[:-1] if history[-1:] == [live] else history
        present = set(self.publications())
        return [name for name in dict.fromkeys(reversed(earlier)) if name != live and name in present]

    def live_at(self, moment: datetime) -> Entry | None:
        """Return the ledger entry that made live what was live at `moment` (aware), or None if nothing was."""
        return ledger_module.live_at(self.ledger.entries(), moment)

    def live_since(self, publication: str) -> str | None:
        """Return when a publication last became the live one (ISO 8601, UTC), or None if it never did."""
        made_live = [
            entry for entry in ledger_module.made_live(self.ledger.entries()) if entry.publication == publication
        ]
        return (made_live[-1].since or made_live[-1].at) if made_live else None

    def verify(self, publication: str) -> Manifest:
        """Check a publication's files; see verify_folder. Raises PublicationError."""
        return verify_folder(self.path(publication), publication)

    # --- changing ------------------------------------------------------------------------------------------------

    def activate(self, publication: str, actor: str, reason: str, detail: dict[str, Any] | None = None) -> Change:
        """Make a publication live; the ledger keeps `detail` with it.

        Raises HeldBackError if another one is pinned or a newer one is live, and PublicationError if the publication
        is missing or not sound; the ledger records either as `refused`.
        """
        with self._changing():
            live = self.live()
            pin = self.pinned()
            if pin not in (None, publication):
                self._refuse(publication, actor, f"{pin} is pinned: unpin it first.", HeldBackError)
            if live is not None and publication < live and pin != publication:
                why = f"the newer {live} is live: use rollback --to {publication} to go back to it."
                self._refuse(publication, actor, why, HeldBackError)
            self._verify_or_refuse(publication, actor)
            return self._switch("activating", publication, actor, reason, detail)

    def roll_back(self, to: str | None, actor: str, reason: str) -> Change:
        """Make an earlier publication live: `to`, or else the one that was live before.

        Raises HeldBackError if the live one is pinned, PublicationError if there is nothing sound to go back to.
        """
        with self._changing():
            pin = self.pinned()
            if pin not in (None, to):
                self._refuse(to, actor, f"{pin} is pinned: unpin it, or pin the one to serve.", HeldBackError)
            targets = self.rollback_targets()
            target = to or (targets[0] if targets else None)
            if target is None:
                raise PublicationError("Nothing was live before that is still in the store: give --to an id from list.")
            self._verify_or_refuse(target, actor)
            return self._switch("rolling-back", target, actor, reason)

    def pin(self, publication: str, actor: str, reason: str) -> Change:
        """Make a publication live, whichever is, and keep it live until it is unpinned. Raises PublicationError."""
        with self._changing():
            self._verify_or_refuse(publication, actor)
            changed = self._switch("activating", publication, actor, reason).changed
            if self.pinned() != publication:
                self.ledger.append("pinned", publication, actor, reason)
                changed = True
            return Change("pinned", publication, changed, self.live())

    def unpin(self, actor: str, reason: str) -> Change:
        """Take the pin off; what is live stays so. Raises PublicationError if nothing is pinned."""
        with self._changing():
            pin = self.pinned()
            if pin is None:
                raise PublicationError("Nothing is pinned: there is nothing to unpin.")
            self.ledger.append("unpinned", pin, actor, reason)
            return Change("unpinned", pin, True, self.live())

    def record_refusal(self, publication: str, actor: str, reason: str) -> Change:
        """Record that a gate outside the store refused a publication, in the store or not."""
        check_publication_id(publication)
        with self._changing():
            self.ledger.append("refused", publication, actor, reason)
            return Change("refused", publication, True, self.live())

    def add(self, arrived: Path, publication: str, actor: str, source: str) -> Change:
        """Move a verified, flushed publication folder into the store.

        The same bytes again repair what is damaged, file by file, and else change nothing, except that lineage which
        differs (the batch was run again) replaces the manifest; the ledger tells of either. Raises PublicationError if
        other bytes have the id already.
        """
        manifest = read_manifest(arrived, publication)
        target = self.path(publication)
        with self._changing():
            if not target.exists():
                os.rename(arrived, target)  # noqa: PTH104 - the fault tests stop it at each call of os
                fsync_folder(self.folder)
                self.ledger.append("pulled", publication, actor, f"from {source}", detail={"sha256": manifest.sha256})
                return Change("pulled", publication, True, self.live())
            present, damage = None, ""
            try:
                present = self.verify(publication)
            except PublicationError as error:
                damage = str(error)
            known = present.sha256 if present else self._sha256_before_damage(publication)
            if known is not None and known != manifest.sha256:
                why = (
                    f"The store holds {publication} with SHA-256 {known[:12]}, not {manifest.sha256[:12]}: "
                    "a publication never changes, so publish under a new batch id."
                )
                self.ledger.append("refused", publication, actor, why)
                raise PublicationError(why)
            if present is None:
                return self._repair(arrived, manifest, actor, source, damage)
            if present == manifest:
                return Change("pulled", publication, False, self.live())
            write_file(target / MANIFEST_NAME, manifest.to_json().encode())
            detail = {"lineage_before": present.lineage}
            self.ledger.append("lineage-updated", publication, actor, f"from {source}, same bytes", detail=detail)
            return Change("lineage-updated", publication, True, self.live())

    def _sha256_before_damage(self, publication: str) -> str | None:
        """Return the SHA-256 that a publication came with; None where neither the ledger nor its manifest tells."""
        came = [
            entry for entry in self.ledger.entries() if (entry.action, entry.publication) == ("pulled", publication)
        ]
        if came and came[-1].detail:
            return str(came[-1].detail["sha256"])
        try:
            return self.manifest(publication).sha256
        except PublicationError:
            return None

    def _repair(self, arrived: Path, manifest: Manifest, actor: str, source: str, damage: str) -> Change:
        """Replace a damaged publication's files by those that arrived, each by one rename."""
        publication = manifest.batch_id
        target = self.path(publication)
        # Before the files: the entry keeps what was damaged, and after a kill here the next pull repairs it.
        self.ledger.append("repaired", publication, actor, f"from {source}: {damage}")
        for name in (DATABASE_NAME, MANIFEST_NAME):
            os.replace(arrived / name, target / name)  # noqa: PTH105 - as above
        fsync_folder(target)
        return Change("repaired", publication, True, self.live())

    def prunable(self, keep: int) -> list[str]:
        """List what `prune` would delete, oldest first; see there."""
        live, pin = self.live(), self.pinned()
        kept = {live, pin, *self.rollback_targets()[:keep], *self._last_pulled()[:keep]}
        # What is newer than the live one waits to be activated, for instance behind a pin.
        return [name for name in self.publications() if name not in kept and live is not None and name < live]

    def _last_pulled(self) -> list[str]:
        """Return the publications that are here by when they last came, the latest first."""
        came = [entry.publication for entry in self.ledger.entries() if entry.action in _CAME]
        present = set(self.publications())
        return [name for name in dict.fromkeys(reversed(came)) if name in present]

    def prune(self, keep: int, actor: str, reason: str) -> list[str]:
        """Delete old publications and return their ids.

        The live one, the pinned one, the `keep` nearest rollback targets, the `keep` that came last (a backfill of a distant
        date is one) and all that are newer than the live one stay; `keep` is 1 or more, so that there is always one to roll
        back to. Raises PublicationError for less.
        """
        if keep < 1:
            raise PublicationError(f"Keeping {keep} rollback targets would leave none to go back to: keep 1 or more.")
        with self._changing():
            for left_over in self.folder.glob(".pruned-*"):
                shutil.rmtree(left_over)
            names = self.prunable(keep)
            for name in names:
                self.ledger.append("pruned", name, actor, reason)
                # A reader sees the whole folder or none of it.
                gone = self.folder / f".pruned-{name}"
                os.rename(self.path(name), gone)  # noqa: PTH104 - the fault tests stop it at each call of os
                shutil.rmtree(gone)
            fsync_folder(self.folder)
            return names

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Hold the store's lock, with the ledger brought up to what the link says."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with locked(self.root / ".lock"):
            self._settle()
            yield

    def _settle(self) -> None:
        """Complete the ledger where a switch was killed between its entry and the link, or the link moved by hand."""
        entries = self.ledger.entries()
        live = self.live()
        switch = ledger_module.unfinished_switch(entries)
        history = ledger_module.live_history(entries)
        if switch is not None and switch.publication == live:
            done = COMPLETED_BY[switch.action]
            self.ledger.append(done, live, switch.actor, switch.reason, since=switch.at)
            return
        if switch is not None:
            why = "The switch was interrupted before it took effect."
            self.ledger.append("abandoned", switch.publication, switch.actor, why)
        if live is not None and history[-1:] != [live]:
            self.ledger.append("found-live", live, "unknown", "The live link was changed without this program.")

    def _switch(
        self, announcement: str, publication: str, actor: str, reason: str, detail: dict[str, Any] | None = None
    ) -> Change:
        if self.live() == publication:
            return Change(COMPLETED_BY[announcement], publication, False, publication)
        self.ledger.append(announcement, publication, actor, reason)
        point_symlink(self.link, f"publications/{publication}")
        self.ledger.append(COMPLETED_BY[announcement], publication, actor, reason, detail=detail)
        return Change(COMPLETED_BY[announcement], publication, True, publication)

    def _verify_or_refuse(self, publication: str, actor: str) -> None:
        try:
            self.verify(publication)
        except PublicationError as error:
            self.ledger.append("refused", publication, actor, str(error))
            raise

    def _refuse(self, publication: str | None, actor: str, why: str, error: type[PublicationError]) -> None:
        self.ledger.append("refused", publication, actor, why)
        raise error(f"{publication or 'A rollback'} was refused: {why}")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file; the system releases it when the process ends, however it ends."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)

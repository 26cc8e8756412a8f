"""A serving node's publications: verified folders, the `live` link, the pin and the ledger.

Layout of a store::

    publications/<id>/    data file and manifest.json: one id, one content, which a pull may repair but never change
    live -> publications/<id>    switched by one rename
    ledger.jsonl                 append-only

All publications of a store are of one kind. Every change holds the store's lock; readers need none. A change that is
killed at any point leaves the whole old state or the whole new one. The next change completes the ledger.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from serving.publications import ledger as ledger_module
from serving.publications.durable_files import fsync_folder, locked, point_symlink, write_file
from serving.publications.format import MANIFEST_NAME, PUBLICATION_ID, Kind, PublicationError, check_publication_id
from serving.publications.ledger import COMPLETED_BY, Entry, Ledger
from serving.publications.manifest import Manifest
from serving.publications.verification import check_kind, read_manifest, verify_folder


class HeldBackError(PublicationError):
    """The publication is sound, but another one keeps it from going live.

    The other one is pinned, or is newer and live.
    """


@dataclass(frozen=True)
class Change:
    """What a command did; `changed` is False where there was nothing to do."""

    action: str
    publication: str
    changed: bool
    live: str | None


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
        """Return the folder of a publication, which may be absent."""
        return self.folder / check_publication_id(publication)

    def publications(self) -> list[str]:
        """Return the ids of the publications in the store, oldest batch first."""
        if not self.folder.is_dir():
            return []
        return sorted(path.name for path in self.folder.iterdir() if PUBLICATION_ID.fullmatch(path.name))

    def manifest(self, publication: str) -> Manifest:
        """Return the manifest of a publication in the store. Raises PublicationError."""
        return read_manifest(self.path(publication), publication)

    def kind(self) -> Kind | None:
        """Return the kind of the store's publications, or None for an empty store."""
        for publication in self.publications():
            with suppress(PublicationError):
                return self.manifest(publication).kind
        return None

    def live(self) -> str | None:
        """Return the id that the live link names, sound or not; None without a link."""
        try:
            return os.readlink(self._link).rpartition("/")[2]  # noqa: PTH115 - on the path of each request
        except FileNotFoundError:
            return None

    def pinned(self) -> str | None:
        """Return the id of the pinned publication, or None."""
        return ledger_module.pinned(self.ledger.entries())

    def rollback_targets(self) -> list[str]:
        """Return the earlier live publications still in the store, the nearest first."""
        history = ledger_module.live_history(self.ledger.entries())
        live = self.live()
        earlier = history[:-1] if history[-1:] == [live] else history
        present = set(self.publications())
        return [name for name in dict.fromkeys(reversed(earlier)) if name != live and name in present]

    def live_at(self, moment: datetime) -> Entry | None:
        """Return the ledger entry of the publication that was live at a moment, or None.

        The moment has a time zone.
        """
        return ledger_module.live_at(self.ledger.entries(), moment)

    def live_since(self, publication: str) -> str | None:
        """Return when a publication last became the live one (ISO 8601, UTC), or None."""
        return ledger_module.live_since(self.ledger.entries(), publication)

    def verify(self, publication: str) -> Manifest:
        """Return a publication's manifest after checking its files; see verify_folder."""
        return verify_folder(self.path(publication), publication)

    # --- changing ------------------------------------------------------------------------------------------------

    def activate(self, publication: str, actor: str, reason: str, detail: dict[str, Any] | None = None) -> Change:
        """Make a publication live; the ledger keeps `detail` with the entry.

        Raises HeldBackError if another one is pinned or a newer one is live, and PublicationError if the publication
        is missing or not sound. The ledger records both as `refused`.
        """
        with self._changing():
            live = self.live()
            pin = self.pinned()
            if pin not in (None, publication):
                self._refuse(publication, actor, f"{pin} is pinned. Unpin it first.", HeldBackError)
            if live is not None and publication < live and pin != publication:
                why = f"the newer {live} is live. Use rollback --to {publication} to go back to it."
                self._refuse(publication, actor, why, HeldBackError)
            self._verify_or_refuse(publication, actor)
            return self._switch("activating", publication, actor, reason, detail)

    def roll_back(self, to: str | None, actor: str, reason: str) -> Change:
        """Make an earlier publication live: `to`, or else the previous live one.

        Raises HeldBackError if the live one is pinned, and PublicationError if no sound publication is left to go back
        to.
        """
        with self._changing():
            pin = self.pinned()
            if pin not in (None, to):
                self._refuse(to, actor, f"{pin} is pinned. Unpin it, or pin the publication to serve.", HeldBackError)
            targets = self.rollback_targets()
            target = to or (targets[0] if targets else None)
            if target is None:
                raise PublicationError("No earlier live publication is still in the store. Give --to an id from list.")
            self._verify_or_refuse(target, actor)
            return self._switch("rolling-back", target, actor, reason)

    def pin(self, publication: str, actor: str, reason: str) -> Change:
        """Make a publication live and keep it live until it is unpinned.

        Raises PublicationError if it is missing or not sound.
        """
        with self._changing():
            self._verify_or_refuse(publication, actor)
            changed = self._switch("activating", publication, actor, reason).changed
            if self.pinned() != publication:
                self.ledger.append("pinned", publication, actor, reason)
                changed = True
            return Change("pinned", publication, changed, self.live())

    def unpin(self, actor: str, reason: str) -> Change:
        """Remove the pin without switching. Raises PublicationError if nothing is pinned."""
        with self._changing():
            pin = self.pinned()
            if pin is None:
                raise PublicationError("Nothing is pinned, so there is nothing to unpin.")
            self.ledger.append("unpinned", pin, actor, reason)
            return Change("unpinned", pin, True, self.live())

    def record_refusal(self, publication: str, actor: str, reason: str) -> Change:
        """Record that a gate outside the store refused a publication.

        The publication need not be in the store.
        """
        check_publication_id(publication)
        with self._changing():
            self.ledger.append("refused", publication, actor, reason)
            return Change("refused", publication, True, self.live())

    def add(self, arrived: Path, publication: str, actor: str, source: str) -> Change:
        """Move a verified, flushed publication folder into the store.

        If the store has the publication already, the same bytes replace damaged files one by one. Where no file is
        damaged, a manifest with another lineage (the batch was run again) replaces the present one. The ledger records
        both. Raises PublicationError if the store has other bytes under this id, or publications of another kind.
        """
        manifest = read_manifest(arrived, publication)
        if (kind := self.kind()) is not None:
            check_kind(manifest, kind)
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
                    f"The store holds {publication} with SHA-256 {known[:12]}, not {manifest.sha256[:12]}, and "
                    "a publication never changes. Publish under a new batch id."
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
        """Return the SHA-256 by the ledger, else by the manifest, or None."""
        if recorded := ledger_module.sha256_on_arrival(self.ledger.entries(), publication):
            return recorded
        try:
            return self.manifest(publication).sha256
        except PublicationError:
            return None

    def _repair(self, arrived: Path, manifest: Manifest, actor: str, source: str, damage: str) -> Change:
        """Replace a damaged publication's files with the arrived ones, one by one."""
        publication = manifest.batch_id
        target = self.path(publication)
        # The entry comes before the files, so that it keeps what was damaged. After a kill here the next pull repairs it.
        self.ledger.append("repaired", publication, actor, f"from {source}: {damage}")
        for name in (manifest.kind.data_file, MANIFEST_NAME):
            os.replace(arrived / name, target / name)  # noqa: PTH105 - as above
        fsync_folder(target)
        return Change("repaired", publication, True, self.live())

    def prunable(self, keep: int) -> list[str]:
        """Return the ids that `prune` would delete, oldest first."""
        live, pin, present = self.live(), self.pinned(), self.publications()
        arrived = [name for name in ledger_module.last_arrived(self.ledger.entries()) if name in present]
        kept = {live, pin, *self.rollback_targets()[:keep], *arrived[:keep]}
        # A publication newer than the live one is waiting to be activated, for instance behind a pin.
        return [name for name in present if name not in kept and live is not None and name < live]

    def prune(self, keep: int, actor: str, reason: str) -> list[str]:
        """Delete old publications and return their ids.

        These stay: the live one, the pinned one, the `keep` nearest rollback targets, the `keep` latest arrivals (such
        as a backfill of a distant date) and all that are newer than the live one. Raises PublicationError if `keep` is
        less than 1, since then there would be nothing to roll back to.
        """
        if keep < 1:
            raise PublicationError(f"Keeping {keep} rollback targets would leave none to go back to. Keep 1 or more.")
        with self._changing():
            for left_over in self.folder.glob(".pruned-*"):
                shutil.rmtree(left_over)
            names = self.prunable(keep)
            for name in names:
                self.ledger.append("pruned", name, actor, reason)
                # Readers see the whole folder or none of it.
                gone = self.folder / f".pruned-{name}"
                os.rename(self.path(name), gone)  # noqa: PTH104 - the fault tests stop it at each call of os
                shutil.rmtree(gone)
            fsync_folder(self.folder)
            return names

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Hold the store's lock, after bringing the ledger up to date with the link."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with locked(self.root / ".lock"):
            self.ledger.settle(self.live())
            yield

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

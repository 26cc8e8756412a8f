"""The version before on a copy of the databases that the new version has migrated.

The check of the migrations reads files. What it can't know, such as a rule that SQL puts together, shows here, before a table of
the environment is touched. The copy is the backup that was just made, in a PostgreSQL of its own.
"""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from infra.deploy.environments.environment import Environment
from infra.deploy.environments.parts import Part
from infra.release.errors import ReleaseError

SMOKE = ("exec", "--", "python3", "-m", "infra.deploy.environments.smoke")
# How far the copy's ports lie above the environment's. Its APIs lie 100 higher, as those of a slot.
PORTS = 300
# The services whose tables have migrations, and the password of their databases.
_COPIED = ("accounts.dump", "reviews.dump", "secrets.tar")


@dataclass(frozen=True)
class Trial:
    """An environment for some seconds: PostgreSQL with the copy, and one slot."""

    environment: Environment

    @property
    def folder(self) -> Path:
        """Return the folder of all that belongs to it."""
        return self.environment.folder / "trial"

    def _part(self, name: str) -> Part:
        whole = self.environment.part(name)
        return Part(self.folder, whole.environment, whole.offset, name, PORTS)

    def end(self) -> None:
        """Stop what runs of it, and delete the copy. Raises ReleaseError."""
        for name in ("blue", "data"):
            self._part(name).stop()
        if self.folder.exists():
            shutil.rmtree(self.folder)

    def run(self, before: Part, new: Part, backup: Path) -> str:
        """Return how long it took.

        Raises ReleaseError where the version before does not work on the copy.
        """
        self.end()
        started = time.monotonic()
        try:
            data, slot = self._part("data"), self._part("blue")
            self._copy(before, data, slot, backup)
            self._place(slot, new)
            slot.control("migrate")
            self._place(slot, before)
            try:
                self._small(slot, "up")
                self._small(slot, *SMOKE)
            except ReleaseError as error:
                raise ReleaseError(
                    f"The version before does not work on tables that this version has migrated: {error} Nothing was "
                    "migrated but a copy. Split the change into an expansion that it does not notice and a contract."
                ) from error
        finally:
            self.end()
        return f"{time.monotonic() - started:.0f} s"

    def _copy(self, before: Part, data: Part, slot: Part, backup: Path) -> None:
        """Start a PostgreSQL with the backup's databases."""
        self.folder.mkdir(parents=True)
        (self.folder / "releases").symlink_to(self.environment.folder / "releases")
        own = self.environment.folder / ".env"
        if own.is_file():
            (self.folder / ".env").symlink_to(own)
        self._place(data, before)
        data.control("restore", str(self._part_of(backup)), slot=slot)
        # The lists are only read, so they are the environment's own.
        shared = self.environment.part("data").instance / "data"
        for store in ("serving", "sentiment"):
            if (shared / store).is_dir():
                (data.instance / "data" / store).symlink_to(shared / store)
        self._small(data, "up", slot=slot)

    def _part_of(self, backup: Path) -> Path:
        """Return a backup of the copied databases alone, made of links to the whole one."""
        folder = self.folder / "backup"
        folder.mkdir()
        files = json.loads((backup / "manifest.json").read_text(encoding="utf-8"))["files"]
        kept = {name: digest for name, digest in files.items() if name in _COPIED}
        for name in kept:
            (folder / name).symlink_to(backup / name)
        (folder / "manifest.json").write_text(json.dumps({"files": kept}), encoding="utf-8")
        return folder

    @staticmethod
    def _small(part: Part, *command: str, slot: Part | None = None) -> None:
        # One worker each, and for nobody else: the copy holds what people wrote.
        part.control(
            *command,
            slot=slot,
            MARQUEE_API_WORKERS="1",
            MARQUEE_ACCOUNTS_WORKERS="1",
            MARQUEE_REVIEWS_WORKERS="1",
            MARQUEE_GATEWAY_HOST="127.0.0.1",
        )

    @staticmethod
    def _place(part: Part, version: Part) -> None:
        part.place(version.commit or "", (version.state / "software").readlink())

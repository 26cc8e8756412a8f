"""An environment's folders, and the commands of the version that runs there."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from infra.release.errors import ReleaseError

# Ports by default, far from each other's and from those of a platform that is worked on. The environment's .env may move them.
OFFSETS = {"staging": 3000, "production": 4000}


@dataclass(frozen=True)
class Environment:
    """`staging` or `production` below the state folder."""

    name: str
    state: Path

    @property
    def folder(self) -> Path:
        """Return the folder of all that belongs to the environment."""
        return self.state / "environments" / self.name

    @property
    def ledger(self) -> Path:
        """Return the ledger's file."""
        return self.folder / "ledger.jsonl"

    def release(self, commit: str) -> Path:
        """Return the folder of a version's files."""
        return self.folder / "releases" / commit

    @property
    def live(self) -> str | None:
        """Return the commit that is live, None before the first."""
        link = self.folder / "current"
        return link.readlink().name if link.is_symlink() else None

    def make_live(self, commit: str) -> None:
        """Let `current` name a commit, by one rename."""
        new = self.folder / "current.new"
        new.unlink(missing_ok=True)
        new.symlink_to(Path("releases") / commit)
        new.replace(self.folder / "current")

    def control(self, commit: str, *command: str) -> None:
        """Run a command of a version's own `infra.control`, its output shown.

        Raises ReleaseError where it fails.
        """
        own = self.folder / ".env"
        variables = {name: value for name, value in os.environ.items() if not name.startswith(("MARQUEE_", "MAKE"))}
        variables |= {"MARQUEE_STATE": str(self.folder / "state"), "MARQUEE_INSTANCE": self.name}
        variables["MARQUEE_GIT_COMMIT"] = commit
        if not own.is_file() or "MARQUEE_PORT_OFFSET" not in own.read_text(encoding="utf-8"):
            variables["MARQUEE_PORT_OFFSET"] = str(OFFSETS[self.name])
        folder = self.release(commit)
        if own.is_file() and not (folder / ".env").exists():
            (folder / ".env").symlink_to(own)
        ended = subprocess.run(
            [sys.executable, "-X", "utf8", "-Es", "-m", "infra.control", *command],
            cwd=folder,
            env=variables,
            check=False,
        )
        if ended.returncode != 0:
            raise ReleaseError(f"`{' '.join(command[:1])}` of {commit[:12]} ended with status {ended.returncode}.")

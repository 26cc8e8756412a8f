"""The parts of an environment: each is an instance of the platform, with a state folder and a version of its own.

`data` is PostgreSQL and the gateway, which no deployment stops. Two slots hold the APIs: a version starts in the free one.
`batch` is Hadoop, Hive, MLflow and Airflow. All share the data and the secrets of the first.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from infra.control.settings import Settings
from infra.release.errors import ReleaseError

# How far above the settings' ports the APIs of a slot lie.
SLOTS = {"blue": 100, "green": 200}
_APIS = ("API", "ACCOUNTS", "REVIEWS")
# A part needs far less than the whole platform, for which the defaults are. GiB.
_SMALL = {"MARQUEE_MINIMUM_MEMORY": "1", "MARQUEE_MINIMUM_DISK": "1"}

_CONTROL = (sys.executable, "-X", "utf8", "-Es", "-m", "infra.control")
_PR_SET_PDEATHSIG = 1


def _end_with_parent() -> None:
    # Else what a killed deployment was doing would go on next to the deployment that follows.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _inherited() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("MARQUEE_", "MAKE"))}


def _link(link: Path, target: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    new = link.with_name(f"{link.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(target)
    new.replace(link)


@dataclass(frozen=True)
class Part:
    """One part, in the environment's folder."""

    root: Path
    environment: str
    offset: int
    name: str
    # How far its ports lie above the environment's, for a copy next to it.
    shift: int = 0

    @property
    def state(self) -> Path:
        """Return the part's state folder."""
        return self.root / ("state" if self.name == "data" else self.name)

    @property
    def instance(self) -> Path:
        """Return the folder of its logs and, for `data`, of the data."""
        return self.state / "instances" / self.environment

    @property
    def commit(self) -> str | None:
        """Return the version that it has, None before the first."""
        link = self.state / "release"
        return link.readlink().name if link.is_symlink() else None

    @property
    def settings(self) -> Settings:
        """Return the environment's settings, without those that differ between its parts."""
        return Settings.load(self.root / ".env", {})

    def place(self, commit: str, software: Path) -> None:
        """Give the part a version and the software that it needs. Nothing of it may run."""
        shared = self.root / "state" / "instances" / self.environment
        for folder in ("data", "secrets"):
            (shared / folder).mkdir(parents=True, exist_ok=True, mode=0o700 if folder == "secrets" else 0o755)
            if self.name != "data":
                _link(self.instance / folder, shared / folder)
        _link(self.state / "software", software)
        _link(self.state / "release", self.root / "releases" / commit)

    def variables(self, slot: Part | None) -> dict[str, str]:
        """Return the settings that make the part one of its environment.

        `slot` is the one whose APIs the others use.
        """
        settings, own = self.settings, self.root / ".env"
        given = own.read_text(encoding="utf-8") if own.is_file() else ""
        values = {name: value for name, value in _SMALL.items() if self.name != "batch" and name not in given}
        values |= {
            "MARQUEE_STATE": str(self.state),
            "MARQUEE_INSTANCE": self.environment,
            "MARQUEE_PART": "serving" if self.name in SLOTS else self.name,
            "MARQUEE_GIT_COMMIT": self.commit or "unknown",
        }
        if self.name in SLOTS:
            values["MARQUEE_MIGRATIONS"] = "expand"
        if "MARQUEE_PORT_OFFSET" not in given:
            values["MARQUEE_PORT_OFFSET"] = str(self.offset + self.shift)
        elif self.shift:
            values["MARQUEE_PORT_OFFSET"] = str(settings.number("PORT_OFFSET") + self.shift)
        slot = self if self.name in SLOTS else slot
        if slot is not None:
            moved = (*_APIS, "GATEWAY") if self.name in SLOTS else _APIS
            ports = {f"MARQUEE_{name}_PORT": int(settings[f"MARQUEE_{name}_PORT"]) for name in moved}
            values |= {name: str(port + SLOTS[slot.name]) for name, port in ports.items()}
        return values

    def control(
        self, *command: str, slot: Part | None = None, code: Path | None = None, quiet: bool = False, **more: str
    ) -> None:
        """Run a command of a version's own `infra.control`.

        Its output is shown unless it is quiet. `code` is another version's folder. Raises ReleaseError where it fails.
        """
        folder, variables = self._version(code), self.variables(slot) | more
        ended = subprocess.run(
            [*_CONTROL, *command],
            cwd=folder,
            env=_inherited() | variables,
            stdout=subprocess.DEVNULL if quiet else None,
            stderr=subprocess.DEVNULL if quiet else None,
            preexec_fn=_end_with_parent,
            check=False,
        )
        if ended.returncode != 0:
            version = folder.name[:12]
            raise ReleaseError(f"`{command[0]}` of {version} ended with status {ended.returncode}.")

    def follow(
        self, *command: str, slot: Part | None, code: Path | None = None, seconds: float = 86400, **more: str
    ) -> tuple[int | None, list[str]]:
        """Run such a command, show its lines, and return its status and lines.

        The status is None where it was ended after `seconds`.
        """
        with subprocess.Popen(
            [*_CONTROL, *command],
            cwd=self._version(code),
            env=_inherited() | self.variables(slot) | more,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            preexec_fn=_end_with_parent,
        ) as going:
            late = threading.Event()

            def end() -> None:
                late.set()
                going.kill()

            limit = threading.Timer(seconds, end)
            limit.start()
            lines = []
            for line in going.stdout or ():
                print(line, end="", flush=True)
                lines.append(line.rstrip("\n"))
            status = going.wait()
            limit.cancel()
        return None if late.is_set() else status, lines

    def _version(self, code: Path | None) -> Path:
        """Return the folder of the version, in which the environment's .env lies."""
        folder, own = (code or self.state / "release").resolve(), self.root / ".env"
        if own.is_file() and not (folder / ".env").exists():
            (folder / ".env").symlink_to(own.resolve())
        return folder

    def serves(self, slot: Part | None = None) -> bool:
        """Return whether all of it runs and serves."""
        if self.commit is None:
            return False
        try:
            self.control("status", slot=slot, quiet=True)
        except ReleaseError:
            return False
        return True

    def stop(self) -> None:
        """Stop what runs of it. Raises ReleaseError."""
        if self.commit is not None:
            self.control("down")

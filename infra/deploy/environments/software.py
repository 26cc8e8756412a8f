"""The software of a version, by what its locks say: versions with the same locks share it, and a new lock changes none that runs."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
from collections.abc import Iterator
from pathlib import Path

# What `make install` installs by. A change of it makes a folder of its own.
_INPUTS = ("requirements/*.txt", "requirements/jars.sha256", "infra/**/pom.xml", "infra/control/install.py")


def software_of(state: Path, release: Path) -> Path:
    """Return the folder of a version's software, which both environments share."""
    files = sorted({file for pattern in _INPUTS for file in release.glob(pattern)})
    content = [f"{file.relative_to(release)}\0{hashlib.sha256(file.read_bytes()).hexdigest()}" for file in files]
    return state / "environments" / "software" / hashlib.sha256("\n".join(content).encode()).hexdigest()[:16]


@contextlib.contextmanager
def installing(software: Path) -> Iterator[None]:
    """Let one installation write to the folder at a time.

    A second one waits, and finds the work done.
    """
    software.mkdir(parents=True, exist_ok=True)
    with software.with_name(f"{software.name}.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield

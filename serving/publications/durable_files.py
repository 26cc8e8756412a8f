# ruff: noqa: PTH104, PTH105, PTH108, PTH211 - the module is about system calls
"""Make file changes that survive a crash, and hold the lock that keeps two of them apart.

Each step is flushed, and a reader sees the whole change at once, by one rename. The functions make their system calls
through `os`, one by one, so that the fault tests can stop them at each call.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

_NEW = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC


def fsync_folder(folder: Path) -> None:
    """Flush a folder: the names in it survive a crash from here on."""
    _fsync(folder, os.O_RDONLY | os.O_DIRECTORY)


def fsync_file(path: Path) -> None:
    """Flush a file that another program or library wrote."""
    _fsync(path, os.O_RDONLY)


def _fsync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_file(path: Path, content: bytes) -> None:
    """Write a whole file, or replace it: readers see the old content or the new one."""
    partial = path.with_name(f".{path.name}.partial")
    _write(partial, _NEW | os.O_TRUNC, [content])
    os.replace(partial, path)
    fsync_folder(path.parent)


def write_new_file(path: Path, pieces: Iterable[bytes]) -> str:
    """Write a new file piece by piece, flush it and return its SHA-256.

    The caller flushes the folder. Raises FileExistsError where the file exists already.
    """
    return _write(path, _NEW | os.O_EXCL, pieces)


def _write(path: Path, flags: int, pieces: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    descriptor = os.open(path, flags, 0o644)
    try:
        for piece in pieces:
            digest.update(piece)
            write_all(descriptor, piece)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return digest.hexdigest()


def write_all(descriptor: int, content: bytes) -> None:
    """Write all bytes to a descriptor, however few each system call takes."""
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


def point_symlink(link: Path, target: str) -> None:
    """Point `link` to `target` by one rename.

    Readers see the old target or the new one.
    """
    fresh = link.with_name(f".{link.name}.new")
    # A switch that was killed between its two steps leaves this link behind. The caller holds the lock, so no running
    # switch uses it.
    if os.path.lexists(fresh):
        os.unlink(fresh)
    os.symlink(target, fresh)
    os.rename(fresh, link)
    fsync_folder(link.parent)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file; the system releases it when the process ends."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)

# ruff: noqa: PTH104, PTH105, PTH108, PTH211 - the module is about system calls
"""File changes that survive a crash: every step is flushed, and what a reader can see changes by one rename.

Each function makes its system calls through `os`, one by one, so that the fault tests can stop it at every one.
"""

from __future__ import annotations

import os
from pathlib import Path


def fsync_folder(folder: Path) -> None:
    """Flush a folder: names that were made, renamed or removed in it survive a crash from here on."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_file(path: Path, content: bytes) -> None:
    """Write a whole file, or replace it: readers see the old content or the new, never a part of it."""
    partial = path.with_name(f".{path.name}.partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        write_all(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.replace(partial, path)
    fsync_folder(path.parent)


def write_all(descriptor: int, content: bytes) -> None:
    """Write all bytes to a descriptor, however few each system call takes."""
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


def point_symlink(link: Path, target: str) -> None:
    """Point `link` to `target` by one rename: readers see the old target or the new one, and never no link."""
    fresh = link.with_name(f".{link.name}.new")
    # Left over from a switch that was killed between its two steps; the caller's lock makes it ours.
    if os.path.lexists(fresh):
        os.unlink(fresh)
    os.symlink(target, fresh)
    os.rename(fresh, link)
    fsync_folder(link.parent)

"""Define a file in an archive: its name, and how to read it from the beginning."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from marquee.ingest.errors import IngestError


class ByteStream(Protocol):
    """Describe a stream that is read once, from its beginning to its end."""

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes, at most `size` of them, or nothing at the end."""

    def share_read(self) -> float:
        """Return which part of the packed bytes was read, 0 to 1."""


@dataclass(frozen=True)
class Member:
    """Describe one file of an archive.

    ``name`` is its path in the archive, without the suffix of a packed file. ``size`` is its length in bytes, or None
    if only reading tells. ``packing`` names what it is packed in, e.g. 'zip' or 'tar, gzip'. ``path`` is set if the
    bytes lie unpacked on this machine.
    """

    name: str
    size: int | None
    packing: str
    open: Callable[[], AbstractContextManager[ByteStream]]
    path: Path | None = None
    packed_size: int | None = None

    @property
    def base(self) -> str:
        """Return the name without folders."""
        return PurePosixPath(self.name).name


def is_ballast(name: str) -> bool:
    """Return whether macOS, Windows, git or Spark left the file next to the data."""
    parts = PurePosixPath(name).parts
    base = parts[-1] if parts else ""
    return (
        any(part in ("__MACOSX", ".git", "_temporary", "__pycache__") for part in parts)
        or base.startswith(("._", "."))
        or base in ("Thumbs.db", "desktop.ini", "_SUCCESS", "_metadata", "_common_metadata")
        or base.endswith(".crc")
    )


def refuse_unsafe_name(name: str, archive: Path | str) -> None:
    """Raise IngestError if the entry ``name`` would be unpacked outside its folder."""
    parts = name.replace("\\", "/").split("/")
    if ".." in parts or name.startswith(("/", "\\")) or ":" in parts[0] or "\0" in name:
        raise IngestError(f"{archive}: entry {name!r} points outside the archive. Ingest refuses the archive.")


def refuse_repeated_names(members: list[Member], archive: Path | str) -> None:
    """Raise IngestError if two files have one path."""
    seen: set[str] = set()
    for member in members:
        if member.name in seen:
            raise IngestError(f"{archive} holds two files named {member.name!r}. Remove one of them.")
        seen.add(member.name)

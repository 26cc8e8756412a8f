"""List and read the files of a zip archive after a check of all its entries."""

from __future__ import annotations

import lzma
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO

from marquee.ingest.errors import IngestError
from marquee.ingest.reading.containers.members import ByteStream, Member, is_ballast, refuse_unsafe_name
from marquee.ingest.reading.limits import MAX_ENTRIES, refuse_bomb

DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, NotImplementedError)
SAYS_UTF8 = 0x800


def zip_members(path: Path) -> list[Member]:
    """Return the files of a zip; raise IngestError for what no data set needs.

    That is an unsafe path, a link, encryption, too many entries, too many bytes or the ratio of a bomb.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
    except (*DAMAGE, ValueError) as error:
        raise IngestError(
            f"{path} cannot be read as a zip archive ({error}). It is truncated or not a zip file. Fetch it again."
        ) from error
    if len(infos) > MAX_ENTRIES:
        raise IngestError(f"{path} has {len(infos)} entries, over the limit of {MAX_ENTRIES}. Ingest refuses it.")
    members, total, packed = [], 0, 0
    for info in infos:
        refuse_unsafe_name(info.orig_filename, path)
        if stat.S_ISLNK(info.external_attr >> 16):
            raise IngestError(f"{path}: entry {info.filename!r} is a symbolic link. Ingest refuses it.")
        if info.is_dir() or info.filename.endswith("\\"):
            continue
        if info.flag_bits & 0x1:
            raise IngestError(f"{path}: entry {info.filename!r} is encrypted. Unpack it and give the folder.")
        refuse_bomb(f"{path}: entry {info.filename!r}", info.file_size, info.compress_size)
        total, packed = total + info.file_size, packed + info.compress_size
        refuse_bomb(f"{path}", total, packed)
        name = _name(info)
        if not is_ballast(name):
            members.append(Member(name, info.file_size, "zip", _opener(path, info), packed_size=info.compress_size))
    return members


def _name(info: zipfile.ZipInfo) -> str:
    """Return an entry's path as its author saw it.

    Windows writes names in the code page of its language, and some programs write backslashes.
    """
    name = info.filename.replace("\\", "/")
    if info.flag_bits & SAYS_UTF8 or name.isascii():
        return name
    written = name.encode("cp437", "replace")
    for encoding in ("utf-8", "cp949"):
        try:
            return written.decode(encoding)
        except UnicodeDecodeError:
            continue
    return name


class _Entry:
    """Read one entry and say what is damaged."""

    def __init__(self, file: IO[bytes], info: zipfile.ZipInfo, path: Path) -> None:
        self._file = file
        self._info = info
        self._path = path
        self._done = 0

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes of the entry."""
        try:
            chunk = self._file.read(size)
        except DAMAGE as error:
            raise IngestError(
                f"{self._path}: entry {self._info.filename!r} is damaged ({error}). The archive is truncated or "
                "corrupt. Fetch it again."
            ) from error
        self._done += len(chunk)
        refuse_bomb(f"{self._path}: entry {self._info.filename!r}", self._done, self._info.compress_size)
        return chunk

    def share_read(self) -> float:
        """Return which part of the entry was read."""
        return min(1.0, self._done / self._info.file_size) if self._info.file_size else 1.0


def _opener(path: Path, info: zipfile.ZipInfo) -> Callable[[], AbstractContextManager[ByteStream]]:
    @contextmanager
    def opened() -> Iterator[ByteStream]:
        try:
            with zipfile.ZipFile(path) as archive, archive.open(info) as file:
                yield _Entry(file, info, path)
        except DAMAGE as error:
            raise IngestError(
                f"{path}: entry {info.filename!r} cannot be read ({error}). Unpack it and give the folder."
            ) from error

    return opened

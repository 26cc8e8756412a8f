"""List and read the files of a tar archive, packed or not, as one stream."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import IO, BinaryIO, cast

from marquee.ingest.errors import IngestError
from marquee.ingest.reading.containers.members import ByteStream, Member, is_ballast, refuse_unsafe_name
from marquee.ingest.reading.limits import MAX_ENTRIES, MAX_TOTAL_BYTES

Opener = Callable[[], AbstractContextManager[ByteStream]]


def tar_members(open_stream: Opener, where: str, packing: str) -> list[Member]:
    """Return the files of a tar.

    Raise IngestError for links, devices, unsafe paths and damage.
    """
    members: list[Member] = []
    total = 0
    with open_stream() as stream:
        for count, info in enumerate(_entries(_opened(stream, where), where)):
            if count >= MAX_ENTRIES:
                raise IngestError(f"{where} has over {MAX_ENTRIES} entries, which is the limit. Ingest refuses it.")
            refuse_unsafe_name(info.name, where)
            if info.isdir():
                continue
            if not info.isreg():
                raise IngestError(f"{where}: entry {info.name!r} is a link or a device. Ingest refuses it.")
            total += info.size
            if total > MAX_TOTAL_BYTES:
                raise IngestError(f"{where} holds over {MAX_TOTAL_BYTES >> 30} GiB, which is the limit.")
            if not is_ballast(info.name):
                name = info.name.removeprefix("./")
                members.append(Member(name, info.size, packing, _opener(open_stream, info.name, where)))
    return members


def _opened(stream: ByteStream, where: str) -> tarfile.TarFile:
    try:
        return tarfile.open(fileobj=cast(BinaryIO, stream), mode="r|")
    except tarfile.TarError as error:
        raise IngestError(f"{where} cannot be read as a tar archive ({error}). Fetch it again.") from error


def _entries(archive: tarfile.TarFile, where: str) -> Iterator[tarfile.TarInfo]:
    try:
        while (info := archive.next()) is not None:
            archive.members = []  # type: ignore[attr-defined] # tarfile keeps each, and a long archive would fill memory
            yield info
    except (tarfile.TarError, EOFError, OverflowError, ValueError) as error:
        raise IngestError(f"{where} is damaged ({error}). It is truncated or corrupt. Fetch it again.") from error


class _TarFile:
    """Read one file of a tar."""

    def __init__(self, file: IO[bytes], size: int, where: str) -> None:
        self._file = file
        self._size = size
        self._where = where
        self._done = 0

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes of the file."""
        try:
            chunk = self._file.read(size)
        except (tarfile.TarError, EOFError) as error:
            raise IngestError(f"{self._where} is damaged ({error}). Fetch it again.") from error
        self._done += len(chunk)
        if not chunk and self._done < self._size:
            raise IngestError(f"{self._where} ends within a file. It is truncated. Fetch it again.")
        return chunk

    def share_read(self) -> float:
        """Return which part of the file was read."""
        return min(1.0, self._done / self._size) if self._size else 1.0


def _opener(open_stream: Opener, name: str, where: str) -> Opener:
    @contextmanager
    def opened() -> Iterator[ByteStream]:
        with open_stream() as stream:
            archive = _opened(stream, where)
            for info in _entries(archive, where):
                if info.name == name and info.isreg():
                    file = archive.extractfile(info)
                    if file is not None:
                        yield _TarFile(file, info.size, f"{where}: entry {name!r}")
                        return
        raise IngestError(f"{where} no longer holds {name!r}. Run again when no program writes to it.")

    return opened

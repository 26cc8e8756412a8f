"""Read gzip, xz, bzip2 and zstd as a stream, with a limit on what comes out of few bytes."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

from marquee.ingest.errors import IngestError
from marquee.ingest.reading.containers.members import ByteStream
from marquee.ingest.reading.limits import refuse_bomb

SUFFIXES = {".gz": "gzip", ".xz": "xz", ".bz2": "bzip2", ".zst": "zstd", ".tgz": "gzip", ".txz": "xz"}
MAGIC = {b"\x1f\x8b": "gzip", b"\xfd7zXZ\x00": "xz", b"BZh": "bzip2", b"\x28\xb5\x2f\xfd": "zstd"}
# A dictionary of xz may ask for 4 GiB of memory before a byte comes out.
XZ_MEMORY_BYTES = 256 << 20
DAMAGE = (gzip.BadGzipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError)


def packing_of(name: str, head: bytes) -> str | None:
    """Return how a file is packed by its first bytes, or None."""
    return next((packing for magic, packing in MAGIC.items() if head.startswith(magic)), None)


def without_suffix(name: str) -> str:
    """Return a packed file's name without its suffix; ``x.tgz`` becomes ``x.tar``."""
    for suffix in SUFFIXES:
        if name.lower().endswith(suffix):
            return name[: -len(suffix)] + (".tar" if suffix in (".tgz", ".txz") else "")
    return name


class CountedFile:
    """Count what is read of a file."""

    def __init__(self, file: BinaryIO, size: int | None) -> None:
        self._file = file
        self._size = size
        self.done = 0

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes."""
        chunk = self._file.read(size)
        self.done += len(chunk)
        return chunk

    def share_read(self) -> float:
        """Return which part of the file was read."""
        return min(1.0, self.done / self._size) if self._size else 0.0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return False: a stream is read once."""
        return False

    def close(self) -> None:
        """Do nothing: who opened the file closes it."""

    @property
    def closed(self) -> bool:
        """Return False: who opened the file closes it."""
        return False


class Unpacked:
    """Read what a packed stream unpacks to, and refuse a bomb as soon as it shows."""

    def __init__(self, packed: CountedFile, packing: str, where: str) -> None:
        self._packed = packed
        self._stream = _open(packed, packing)
        self._where = where
        self._done = 0

    def read(self, size: int = -1, /) -> bytes:
        """Return the next unpacked bytes; raise IngestError for damage or a bomb."""
        try:
            chunk: bytes = self._stream.read(size)
        except DAMAGE as error:
            raise IngestError(
                f"{self._where} is damaged ({error}). It is truncated or corrupt. Fetch it again."
            ) from error
        self._done += len(chunk)
        refuse_bomb(self._where, self._done, self._packed.done)
        return chunk

    def share_read(self) -> float:
        """Return which part of the packed bytes was read."""
        return self._packed.share_read()


def _open(packed: CountedFile, packing: str) -> Any:
    file = cast(BinaryIO, packed)
    if packing == "gzip":
        return gzip.GzipFile(fileobj=file)
    if packing == "bzip2":
        return bz2.BZ2File(file)
    if packing == "xz":
        return _Xz(packed)
    import pyarrow as pa

    return pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd")


class _Xz:
    """Read xz within a limit of memory, which lzma.LZMAFile cannot set."""

    def __init__(self, packed: CountedFile) -> None:
        self._packed = packed
        self._decoder = lzma.LZMADecompressor(lzma.FORMAT_AUTO, memlimit=XZ_MEMORY_BYTES)

    def read(self, size: int) -> bytes:
        while True:
            if self._decoder.eof:
                rest = self._decoder.unused_data.lstrip(b"\0") or self._packed.read(1 << 16).lstrip(b"\0")
                if not rest:
                    return b""
                self._decoder = lzma.LZMADecompressor(lzma.FORMAT_AUTO, memlimit=XZ_MEMORY_BYTES)
                chunk = self._decoder.decompress(rest, size)
            else:
                more = self._packed.read(1 << 16) if self._decoder.needs_input else b""
                if self._decoder.needs_input and not more:
                    raise EOFError("it ends before its end marker")
                chunk = self._decoder.decompress(more, size)
            if chunk:
                return chunk


@contextmanager
def unpacked(
    open_file: Callable[[], BinaryIO], size: int | None, packing: str | None, where: str
) -> Iterator[ByteStream]:
    """Open a file, packed or not, as a stream of what it holds."""
    with open_file() as file:
        counted = CountedFile(file, size)
        yield counted if packing is None else Unpacked(counted, packing, where)

"""Reading a source archive, a zip or a folder, without trusting it and without unpacking it to disk."""

from __future__ import annotations

import hashlib
import lzma
import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from marquee.ingest.errors import IngestError
from marquee.ingest.sources.source import Source

CHUNK_BYTES = 1 << 20
MAX_ENTRIES = 10_000
MAX_TOTAL_BYTES = 16 << 30
# MovieLens text packs to about a quarter or a fifth; DEFLATE itself ends at about 1030:1.
MAX_RATIO = 100
RATIO_MATTERS_FROM_BYTES = 1 << 20


@dataclass(frozen=True)
class Folder:
    """A folder of data files, not searched any deeper."""

    path: Path

    def __post_init__(self) -> None:
        for file in self.path.iterdir():
            if file.is_symlink() and not file.resolve().is_relative_to(self.path.resolve()):
                raise IngestError(f"{file} is a link that leads out of the folder {self.path}; it is refused.")

    def names(self) -> list[str]:
        """Return the base names of the regular files, sorted."""
        return sorted(file.name for file in self.path.iterdir() if file.is_file())

    def size(self, name: str) -> int:
        """Return the length of ``name`` in bytes."""
        return (self.path / name).stat().st_size

    def read(self, name: str) -> Iterator[bytes]:
        """Yield the file in chunks of one MiB."""
        with (self.path / name).open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk


class ZipArchive:
    """A zip file whose entries were checked before any is read.

    Raises IngestError naming the entry for absolute paths, ``..``, links, encryption, two entries of one name, more
    entries or bytes than any MovieLens archive has, and a compression ratio that only a bomb has.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with zipfile.ZipFile(path) as archive:
                infos = archive.infolist()
        except (zipfile.BadZipFile, OSError, ValueError) as error:
            raise IngestError(
                f"{path} cannot be read as a zip archive ({error}); it is truncated or no zip at all: fetch it again."
            ) from error
        self._entries = self._checked(infos)

    def _checked(self, infos: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
        if len(infos) > MAX_ENTRIES:
            raise IngestError(f"{self.path} has {len(infos)} entries, over the limit of {MAX_ENTRIES}; it is refused.")
        entries: dict[str, zipfile.ZipInfo] = {}
        total = 0
        for info in infos:
            refuse_unsafe_name(info.orig_filename, self.path)
            if stat.S_ISLNK(info.external_attr >> 16):
                raise IngestError(f"{self.path}: entry {info.filename!r} is a symbolic link; it is refused.")
            if info.is_dir():
                continue
            if info.flag_bits & 0x1:
                raise IngestError(f"{self.path}: entry {info.filename!r} is encrypted; unpack it and give the folder.")
            total += info.file_size
            ratio = info.file_size / max(info.compress_size, 1)
            if info.file_size >= RATIO_MATTERS_FROM_BYTES and ratio > MAX_RATIO:
                raise IngestError(
                    f"{self.path}: entry {info.filename!r} unpacks to {info.file_size} bytes, {ratio:.0f} times "
                    f"its packed size (limit {MAX_RATIO}); it looks like a zip bomb and is refused."
                )
            if total > MAX_TOTAL_BYTES:
                raise IngestError(
                    f"{self.path}: at entry {info.filename!r} it unpacks to over {MAX_TOTAL_BYTES} bytes; refused."
                )
            base = PurePosixPath(info.filename).name
            if info.filename.startswith("__MACOSX/"):
                continue
            if base in entries:
                raise IngestError(
                    f"{self.path} holds two files named {base!r} ({entries[base].filename}, {info.filename}); "
                    "leave one of them."
                )
            entries[base] = info
        return entries

    def names(self) -> list[str]:
        """Return the base names of the files in the archive, sorted."""
        return sorted(self._entries)

    def size(self, name: str) -> int:
        """Return the unpacked length of ``name`` in bytes, as the archive's directory says."""
        return self._entries[name].file_size

    def read(self, name: str) -> Iterator[bytes]:
        """Yield the unpacked file in chunks; a wrong CRC, a wrong length or broken packing raises IngestError."""
        info = self._entries[name]
        done = 0
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(info) as file:
                while chunk := file.read(CHUNK_BYTES):
                    done += len(chunk)
                    yield chunk
        except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, NotImplementedError) as error:
            raise IngestError(
                f"{self.path}: entry {info.filename!r} is damaged ({error}); the archive is truncated or corrupt, "
                "fetch it again."
            ) from error
        if done != info.file_size:
            raise IngestError(
                f"{self.path}: entry {info.filename!r} has {done} bytes where the archive promises {info.file_size}; "
                "fetch it again."
            )


def refuse_unsafe_name(name: str, archive: Path) -> None:
    """Raise IngestError where the entry ``name`` would leave the folder it is unpacked into."""
    parts = name.replace("\\", "/").split("/")
    if ".." in parts or name.startswith(("/", "\\")) or ":" in parts[0] or "\0" in name:
        raise IngestError(f"{archive}: entry {name!r} points outside the archive; the archive is refused.")


def open_source(path: Path) -> Source:
    """Open ``path``, a zip file or a folder; raises IngestError where it is neither."""
    if path.is_dir():
        return Folder(path)
    if not path.exists():
        raise IngestError(f"There is no archive at {path}; give a zip file or a folder.")
    return ZipArchive(path)


def file_checksum(path: Path, algorithm: str) -> str:
    """Return the hexadecimal ``algorithm`` ('sha256', 'md5') digest of the file, read in chunks."""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()

"""Read a zip file or a folder without trusting it or unpacking it to disk."""

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
# MovieLens text compresses to about a quarter or a fifth. DEFLATE's own limit is about 1030:1.
MAX_RATIO = 100
RATIO_MATTERS_FROM_BYTES = 1 << 20


@dataclass(frozen=True)
class Folder:
    """Read a folder of data files, without its subfolders."""

    path: Path

    def __post_init__(self) -> None:
        for file in self.path.iterdir():
            if file.is_symlink() and not file.resolve().is_relative_to(self.path.resolve()):
                raise IngestError(
                    f"{file} is a link that leads out of the folder {self.path}. Ingest refuses it. "
                    "Replace it by the file."
                )

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
    """Read a zip file after a check of all its entries.

    Raise IngestError with the entry's name for an absolute path, ``..``, a link, encryption, or a second entry of one
    name. The same holds for more entries or bytes than any MovieLens archive has, and for the compression ratio of a
    zip bomb.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with zipfile.ZipFile(path) as archive:
                infos = archive.infolist()
        except (zipfile.BadZipFile, OSError, ValueError) as error:
            raise IngestError(
                f"{path} cannot be read as a zip archive ({error}). It is truncated or not a zip file. Fetch it again."
            ) from error
        self._entries = self._checked(infos)

    def _checked(self, infos: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
        if len(infos) > MAX_ENTRIES:
            raise IngestError(
                f"{self.path} has {len(infos)} entries, over the limit of {MAX_ENTRIES}. Ingest refuses it."
            )
        entries: dict[str, zipfile.ZipInfo] = {}
        total = 0
        for info in infos:
            refuse_unsafe_name(info.orig_filename, self.path)
            if stat.S_ISLNK(info.external_attr >> 16):
                raise IngestError(f"{self.path}: entry {info.filename!r} is a symbolic link. Ingest refuses it.")
            if info.is_dir():
                continue
            if info.flag_bits & 0x1:
                raise IngestError(f"{self.path}: entry {info.filename!r} is encrypted. Unpack it and give the folder.")
            total += info.file_size
            ratio = info.file_size / max(info.compress_size, 1)
            if info.file_size >= RATIO_MATTERS_FROM_BYTES and ratio > MAX_RATIO:
                raise IngestError(
                    f"{self.path}: entry {info.filename!r} unpacks to {info.file_size} bytes, {ratio:.0f} times "
                    f"its packed size (limit {MAX_RATIO}). It looks like a zip bomb, and ingest refuses it."
                )
            if total > MAX_TOTAL_BYTES:
                raise IngestError(
                    f"{self.path}: at entry {info.filename!r} it unpacks to over {MAX_TOTAL_BYTES} bytes. "
                    "Ingest refuses it."
                )
            base = PurePosixPath(info.filename).name
            if info.filename.startswith("__MACOSX/"):
                continue
            if base in entries:
                raise IngestError(
                    f"{self.path} holds two files named {base!r} ({entries[base].filename}, {info.filename}). "
                    "Remove one of them."
                )
            entries[base] = info
        return entries

    def names(self) -> list[str]:
        """Return the base names of the files in the archive, sorted."""
        return sorted(self._entries)

    def size(self, name: str) -> int:
        """Return the unpacked length of ``name`` in bytes, from the archive's directory."""
        return self._entries[name].file_size

    def read(self, name: str) -> Iterator[bytes]:
        """Yield the unpacked file in chunks; raise IngestError if the entry is damaged.

        That is a wrong CRC, a wrong length or broken compression.
        """
        info = self._entries[name]
        done = 0
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(info) as file:
                while chunk := file.read(CHUNK_BYTES):
                    done += len(chunk)
                    yield chunk
        except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, NotImplementedError) as error:
            raise IngestError(
                f"{self.path}: entry {info.filename!r} is damaged ({error}). The archive is truncated or corrupt. "
                "Fetch it again."
            ) from error
        if done != info.file_size:
            raise IngestError(
                f"{self.path}: entry {info.filename!r} has {done} bytes where the archive declares {info.file_size}. "
                "Fetch it again."
            )


def refuse_unsafe_name(name: str, archive: Path) -> None:
    """Raise IngestError if the entry ``name`` would be unpacked outside its folder."""
    parts = name.replace("\\", "/").split("/")
    if ".." in parts or name.startswith(("/", "\\")) or ":" in parts[0] or "\0" in name:
        raise IngestError(f"{archive}: entry {name!r} points outside the archive. Ingest refuses the archive.")


def open_source(path: Path) -> Source:
    """Open ``path``, a zip file or a folder; raise IngestError if it is neither."""
    if path.is_dir():
        return Folder(path)
    if not path.exists():
        raise IngestError(f"There is no archive at {path}. Give a zip file or a folder.")
    if not path.is_file():
        # A device has no end where a zip file has its list of names.
        raise IngestError(f"{path} is neither a file nor a folder. Give a zip file or a folder.")
    return ZipArchive(path)


def file_checksum(path: Path, algorithm: str) -> str:
    """Return the file's hexadecimal digest by ``algorithm``, 'sha256' or 'md5'."""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()

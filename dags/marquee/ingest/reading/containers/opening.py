"""Open a path, whatever it is, as a list of files."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import BinaryIO

from marquee.ingest.errors import IngestError
from marquee.ingest.reading.containers.members import Member, is_ballast, refuse_repeated_names
from marquee.ingest.reading.containers.packed import packing_of, unpacked, without_suffix
from marquee.ingest.reading.containers.tars import tar_members
from marquee.ingest.reading.containers.zips import zip_members
from marquee.ingest.reading.limits import MAX_ENTRIES, MAX_NESTING

TAR_MAGIC = b"ustar"
TAR_MAGIC_AT = 257
ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")


def open_members(path: Path) -> list[Member]:
    """Return the files of an archive, a folder or one file, sorted by name.

    Files that operating systems leave are left out. Raise IngestError if there is nothing to read, or if the archive
    is damaged or hostile.
    """
    if not path.exists():
        raise IngestError(f"There is no archive at {path}. Give a file, an archive or a folder.")
    members = _folder_members(path) if path.is_dir() else members_of_file(path, path.name)
    refuse_repeated_names(members, path)
    members = [member for member in members if member.size != 0]
    if not members:
        raise IngestError(f"{path} holds no file with content. Give an archive or folder that holds the data.")
    return sorted(members, key=lambda member: member.name)


def _folder_members(folder: Path) -> list[Member]:
    root = folder.resolve()
    members: list[Member] = []
    count = 0
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not is_ballast(name))
        for name in sorted([*files, *(name for name in folders if (Path(place) / name).is_symlink())]):
            file = Path(place) / name
            if file.is_symlink() and not file.resolve().is_relative_to(root):
                raise IngestError(
                    f"{file} is a link that leads out of the folder {folder}. Ingest refuses it. Replace it by the file."
                )
            inside = file.relative_to(folder)
            if len(inside.parts) > MAX_NESTING + 1 or is_ballast(inside.as_posix()) or not file.is_file():
                continue
            count += 1
            if count > MAX_ENTRIES:
                raise IngestError(f"{folder} has over {MAX_ENTRIES} files, which is the limit. Give a smaller folder.")
            members += members_of_file(file, inside.as_posix())
    return members


def members_of_file(path: Path, name: str) -> list[Member]:
    """Return a file as a list of one, or the files of the archive that it is."""
    if not path.is_file():
        raise IngestError(f"{path} is neither a file nor a folder. Give a file, an archive or a folder.")
    try:
        with path.open("rb") as file:
            head = file.read(TAR_MAGIC_AT + len(TAR_MAGIC))
    except OSError as error:
        raise IngestError(f"{path} cannot be read ({error.strerror}). Change its permissions and run again.") from error
    size = path.stat().st_size
    if head.startswith(ZIP_MAGIC):
        return _with_packed_inside(zip_members(path), path)
    packing = packing_of(name, head)
    if packing is None:
        opener = partial(unpacked, partial(_open, path), size, None, str(path))
        if head[TAR_MAGIC_AT:] == TAR_MAGIC:
            return _with_packed_inside(tar_members(opener, str(path), "tar"), path)
        return [plain_file(path, name)]
    opener = partial(unpacked, partial(_open, path), size, packing, str(path))
    with opener() as stream:
        inner = _read_fully(stream, TAR_MAGIC_AT + len(TAR_MAGIC))
    if inner[TAR_MAGIC_AT:] == TAR_MAGIC:
        return _with_packed_inside(tar_members(opener, str(path), f"tar, {packing}"), path)
    if inner.startswith(ZIP_MAGIC) or packing_of(name, inner):
        raise IngestError(f"{path} is an archive packed a second time. Unpack it once and give what is in it.")
    return [Member(without_suffix(name), None if inner else 0, packing, opener, packed_size=size)]


def plain_file(path: Path, name: str) -> Member:
    """Return a file that is read as it is, whatever it looks like."""
    size = path.stat().st_size
    return Member(name, size, "", partial(unpacked, partial(_open, path), size, None, str(path)), path=path)


def _open(path: Path) -> BinaryIO:
    return path.open("rb")


def _with_packed_inside(members: list[Member], path: Path) -> list[Member]:
    """Return the files of an archive; what is packed inside once more is unpacked too."""
    return [_unpacked_inside(member, path) for member in members]


def _unpacked_inside(member: Member, path: Path) -> Member:
    if without_suffix(member.name) == member.name and not member.name.lower().endswith((".zip", ".tar")):
        return member
    with member.open() as stream:
        head = _read_fully(stream, TAR_MAGIC_AT + len(TAR_MAGIC))
    packing = packing_of(member.name, head)
    if head.startswith(ZIP_MAGIC) or head[TAR_MAGIC_AT:] == TAR_MAGIC or member.name.lower().endswith((".tgz", ".txz")):
        raise IngestError(
            f"{path} holds the archive {member.name!r}. Ingest does not read an archive in an archive. "
            "Unpack the outer one and give the folder."
        )
    if packing is None:
        return member
    opener = partial(unpacked, member.open, member.size, packing, f"{path}: entry {member.name!r}")  # type: ignore[arg-type]
    return Member(without_suffix(member.name), None, f"{member.packing}, {packing}", opener, packed_size=member.size)


def _read_fully(stream: object, size: int) -> bytes:
    parts = b""
    while len(parts) < size and (chunk := stream.read(size - len(parts))):  # type: ignore[attr-defined]
        parts += chunk
    return parts

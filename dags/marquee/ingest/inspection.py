"""Read the files of a snapshot once, before ingest writes a byte of them to HDFS.

Ingest counts their rows and computes their checksums, and holds them to these when it stores them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

from marquee.ingest.errors import IngestError
from marquee.ingest.progress import with_progress
from marquee.ingest.reading.containers.members import Member
from marquee.ingest.reading.limits import CHUNK_BYTES

DOCUMENTATION = "documentation"


@dataclass(frozen=True)
class DataFile:
    """Describe one file of a snapshot, which is stored byte for byte.

    ``name`` is its name in the snapshot, and ``role`` e.g. 'ratings'. ``layout`` and ``encoding`` are the cleaning jobs'
    arguments. ``delimiter`` is what lies between the fields. A file of documentation has none of the three. A ``required``
    file is refused without a row.
    """

    name: str
    role: str
    member: Member
    layout: str = ""
    encoding: str = "utf-8"
    delimiter: str = "\t"
    header: bool = False
    required: bool = False


@dataclass(frozen=True)
class FileFacts:
    """Describe one file after a full read.

    ``rows`` does not count the header. It is None for documentation.
    """

    name: str
    role: str
    bytes: int
    rows: int | None
    sha256: str

    def as_dict(self) -> dict[str, object]:
        """Return the facts in the form of the manifest."""
        return asdict(self)


class ContentCounter:
    """Count the bytes and lines of a stream and compute its digest."""

    def __init__(self) -> None:
        self.bytes = 0
        self._newlines = 0
        self._last = b"\n"
        self._digest = hashlib.sha256()

    def add(self, chunk: bytes) -> None:
        """Add the next chunk to the counts and the digest."""
        self.bytes += len(chunk)
        self._newlines += chunk.count(b"\n")
        if chunk:
            self._last = chunk[-1:]
        self._digest.update(chunk)

    @property
    def lines(self) -> int:
        """Return the lines so far; a last line without a newline counts too."""
        return self._newlines + (self._last != b"\n")

    @property
    def sha256(self) -> str:
        """Return the hexadecimal SHA-256 of all bytes."""
        return self._digest.hexdigest()


def inspect_files(files: Iterable[DataFile], origin: str) -> list[FileFacts]:
    """Read every file once; return their facts by name.

    Raise IngestError with the name of a file that is damaged, or that must have rows and has none.
    """
    return sorted((_inspected(file, origin) for file in files), key=lambda fact: fact.name)


def _inspected(file: DataFile, origin: str) -> FileFacts:
    counter = ContentCounter()
    for chunk in with_progress(_chunks(file.member), f"Checking {file.name} of {origin}", file.member.size):
        counter.add(chunk)
    rows = None if file.role == DOCUMENTATION else counter.lines - file.header
    if file.required and not rows:
        found = "has a header and no row" if counter.bytes else "is empty"
        raise IngestError(f"{file.name} in {origin} {found}. Fetch the archive again.")
    return FileFacts(file.name, file.role, counter.bytes, rows, counter.sha256)


def verified_stream(member: Member, facts: FileFacts) -> Iterator[bytes]:
    """Yield the file again; raise IngestError at its end if it changed."""
    counter = ContentCounter()
    for chunk in with_progress(_chunks(member), f"Storing {facts.name}", facts.bytes):
        counter.add(chunk)
        yield chunk
    if counter.sha256 != facts.sha256:
        raise IngestError(
            f"{facts.name} changed during the read. Run again when no program writes to the source.", may_pass=True
        )


def _chunks(member: Member) -> Iterator[bytes]:
    with member.open() as stream:
        while chunk := stream.read(CHUNK_BYTES):
            yield chunk

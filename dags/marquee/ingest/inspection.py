"""Check a source against its layout before ingest writes a byte of it to HDFS.

The checks read the files, headers, row counts and checksums.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from marquee.ingest.datasets import Dataset
from marquee.ingest.errors import IngestError
from marquee.ingest.layouts import DataFile
from marquee.ingest.progress import with_progress
from marquee.ingest.sources.source import Source

BOM = b"\xef\xbb\xbf"
LONGEST_FIRST_LINE = 64 << 10


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
        self.head = b""

    def add(self, chunk: bytes) -> None:
        """Add the next chunk to the counts and the digest."""
        if len(self.head) < LONGEST_FIRST_LINE:
            self.head += chunk[: LONGEST_FIRST_LINE - len(self.head)]
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


def inspect_source(source: Source, dataset: Dataset, origin: str) -> list[FileFacts]:
    """Read every file of ``dataset`` in ``source`` once; return their facts by name.

    Raise IngestError with the name of a file that is missing, empty or damaged, or has another first line than its
    layout.
    """
    present = set(source.names())
    missing = [file.name for file in dataset.layout.files if file.required and file.name not in present]
    if missing:
        raise IngestError(
            f"{origin} has no {' and no '.join(missing)}, which {dataset.name} must have. "
            f"It holds: {', '.join(sorted(present)[:12]) or 'nothing'}."
        )
    facts = [
        _inspect_data_file(source, data_file, dataset, origin)
        for data_file in dataset.layout.files
        if data_file.name in present
    ]
    facts += [
        _inspect_documentation(source, name, origin)
        for name in sorted(present)
        if name.upper() in {"README", "README.TXT", "README.HTML", "MAPPING.TOML"}
    ]
    return sorted(facts, key=lambda fact: fact.name)


def _inspect_data_file(source: Source, data_file: DataFile, dataset: Dataset, origin: str) -> FileFacts:
    counter = _count(source, data_file.name, origin)
    first = counter.head.removeprefix(BOM).split(b"\n", 1)[0].rstrip(b"\r")
    place = f"{data_file.name} in {origin}"
    if counter.bytes == 0:
        raise IngestError(f"{place} is empty. Fetch the archive again.")
    rows = counter.lines
    if data_file.header is not None:
        if first != data_file.header.encode("ascii"):
            raise IngestError(
                f"{place} begins with {_shown(first)} where {dataset.name} has the header {data_file.header!r}. "
                "Give the archive that belongs to the data set."
            )
        rows -= 1
    elif len(first.split(data_file.delimiter.encode("ascii"))) != data_file.fields:
        raise IngestError(
            f"{place} begins with {_shown(first)}. It has not the {data_file.fields} fields separated by "
            f"{data_file.delimiter!r} that {dataset.name} has. Give the archive that belongs to the data set."
        )
    if rows == 0 and data_file.required:
        raise IngestError(f"{place} has a header and no row. Fetch the archive again.")
    return FileFacts(data_file.name, data_file.role, counter.bytes, rows, counter.sha256)


def _inspect_documentation(source: Source, name: str, origin: str) -> FileFacts:
    counter = _count(source, name, origin)
    return FileFacts(name, "documentation", counter.bytes, None, counter.sha256)


def _count(source: Source, name: str, origin: str) -> ContentCounter:
    counter = ContentCounter()
    for chunk in with_progress(source.read(name), f"Checking {name} of {origin}", source.size(name)):
        counter.add(chunk)
    return counter


def verified_stream(source: Source, facts: FileFacts) -> Iterator[bytes]:
    """Yield the file again; raise IngestError at its end if it changed."""
    counter = ContentCounter()
    for chunk in with_progress(source.read(facts.name), f"Storing {facts.name}", facts.bytes):
        counter.add(chunk)
        yield chunk
    if counter.sha256 != facts.sha256:
        raise IngestError(
            f"{facts.name} changed during the read. Run again when no program writes to the source.", may_pass=True
        )


def _shown(line: bytes) -> str:
    text = line[:80].decode("utf-8", "backslashreplace")
    return repr(text + ("..." if len(line) > 80 else ""))

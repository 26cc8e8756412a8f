"""Define what ingest reads: named files, each a stream of bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol


class Source(Protocol):
    """Describe a set of named files, each of which can be read several times."""

    def names(self) -> list[str]:
        """Return the base names of the files, sorted."""

    def size(self, name: str) -> int:
        """Return the length of the file ``name`` in bytes, as the source declares it."""

    def read(self, name: str) -> Iterator[bytes]:
        """Yield the file ``name`` in chunks; raise IngestError if that fails."""

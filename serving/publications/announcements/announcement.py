"""One announcement: which publication is live from here on."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import Final

from serving.publications.format import PUBLICATION_ID, PublicationError

_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Announcement:
    """One entry of the series; `store` is the random id of the store that announces."""

    number: int
    publication: str
    sha256: str
    pinned: bool
    store: str
    at: str
    actor: str
    reason: str

    def to_json(self) -> bytes:
        """Return the announcement as the file holds it."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True).encode() + b"\n"

    @classmethod
    def from_json(cls, content: bytes, number: int) -> Announcement:
        """Return the announcement that a file holds.

        Raises PublicationError for any other content, and for that of another number.
        """
        try:
            found = cls(**json.loads(content))
        except (ValueError, TypeError):
            found = None
        if (
            found is None
            or found.number != number
            or not isinstance(found.publication, str)
            or not PUBLICATION_ID.fullmatch(found.publication)
            or not isinstance(found.sha256, str)
            or not _SHA256.fullmatch(found.sha256)
        ):
            raise PublicationError(
                f"Announcement {number} is not one that this program reads. Announce the live publication again."
            )
        return found

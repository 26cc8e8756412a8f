"""The manifest of a publication: what its data file is, and where it comes from."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Final

from serving.publications.format import KINDS, PUBLICATION_ID, RECOMMENDATIONS, SCHEMA_VERSION, Kind, PublicationError
from serving.publications.times import format_time, parse_time

_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Manifest:
    """Description of one publication.

    `rows` counts the rows of each export table (list entries, not lists). `data_through` is the time of the latest
    rating behind the lists, in Unix seconds UTC, or None where the lineage does not say. `figures` holds what the build
    measured of its lists, see building/list_checks.py; version 1 has none.
    """

    batch_id: str
    sha256: str
    size_bytes: int
    rows: dict[str, int]
    lineage: dict[str, Any]
    data_through: int | None = None
    figures: dict[str, float] = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION
    kind: Kind = RECOMMENDATIONS

    def to_json(self) -> str:
        """Return the manifest as JSON text.

        The key order is fixed, so that the same publication always has the same manifest bytes.
        """
        document = {
            "schema_version": self.schema_version,
            "batch_id": self.batch_id,
            "sha256": self.sha256,
            "bytes": self.size_bytes,
            "rows": self.rows,
            "data_through": format_time(self.data_through),
            "lineage": self.lineage,
        }
        if self.kind != RECOMMENDATIONS:
            document["kind"] = self.kind.name
        if self.schema_version > 1 or self.kind != RECOMMENDATIONS:
            document["figures"] = self.figures
        return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, where: str) -> Manifest:
        """Return the manifest that a text holds.

        Raises PublicationError for any other text. `where` names the place in the message.
        """
        try:
            document = json.loads(text)
        except ValueError as error:
            raise PublicationError(f"{where} is not JSON: {error}. Pull or build the publication again.") from None
        if not isinstance(document, dict):
            raise PublicationError(f"{where} is not a JSON object. Pull or build the publication again.")
        name = document.get("kind", RECOMMENDATIONS.name)
        kind = KINDS.get(name) if isinstance(name, str) else None
        if kind is None:
            raise PublicationError(
                f"{where} is of kind {name!r}, but this program reads {' and '.join(KINDS)}. "
                "Use the matching version of Marquee."
            )
        version = document.get("schema_version")
        if not isinstance(version, int) or version not in kind.readable:
            readable = " and ".join(", ".join(map(str, sorted(kind.readable))).rsplit(", ", 1))
            raise PublicationError(
                f"{where} has schema version {version!r}, but this program reads {readable}. "
                "Use the matching version of Marquee."
            )
        batch_id, sha256, size = document.get("batch_id"), document.get("sha256"), document.get("bytes")
        rows, lineage, figures = document.get("rows"), document.get("lineage"), document.get("figures", {})
        if not (
            isinstance(batch_id, str)
            and PUBLICATION_ID.fullmatch(batch_id)
            and isinstance(sha256, str)
            and _SHA256.fullmatch(sha256)
            and isinstance(size, int)
            and isinstance(rows, dict)
            and isinstance(lineage, dict)
            and isinstance(figures, dict)
        ):
            raise PublicationError(
                f"{where} lacks a valid batch_id, sha256, bytes, rows or lineage. Build the publication again."
            )
        data_through = parse_time(document.get("data_through"), f"data_through of {where}")
        return cls(batch_id, sha256, size, rows, lineage, data_through, figures, version, kind)

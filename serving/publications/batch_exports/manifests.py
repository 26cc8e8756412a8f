"""The batch and the manifest of an export."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from serving.publications.format import sha256_of

MANIFEST: Final = "manifest.json"
_BATCH_ID: Final = re.compile(r"[0-9]{8}T[0-9]{6}")


class BatchExportError(Exception):
    """The batch id or an export is wrong; the message says what to do."""


def moment_of(batch_id: str) -> datetime:
    """Return a batch's moment, in UTC.

    Raises BatchExportError if the text is not a batch id.
    """
    try:
        if _BATCH_ID.fullmatch(batch_id):
            return datetime.strptime(batch_id, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        pass  # 20261399T...: raised below
    raise BatchExportError(f"{batch_id!r} is not a batch id. Give a UTC stamp such as 20261123T190000.")


def checked_manifest(folder: Path, batch_id: str, names: Sequence[str]) -> dict[str, Any]:
    """Return the manifest of a finished export after checking its files.

    Raises BatchExportError if they have changed.
    """
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        sound = manifest["batch_id"] == batch_id and [file["name"] for file in manifest["files"]] == list(names)
        sound = sound and all(sha256_of(folder / file["name"]) == file["sha256"] for file in manifest["files"])
    except (OSError, ValueError, KeyError, TypeError):
        sound = False
    if not sound:
        raise BatchExportError(f"{folder} is not the export that its manifest describes. Remove it and run this again.")
    return manifest

"""Join the ratings of the accounts service to a snapshot, as a second source.

``python -m serving.accounts.export`` writes them: ratings.csv, movies.csv and a manifest. They join the data set's
files under their own names (``feedback-ratings.csv``) and in the data set's layout. The same jobs therefore clean
them, and the same tables account for them. A file without rows does not join: without new ratings, the snapshot does
not change.

An export has the ratings of one data set's movies, and joins no other.
"""

from __future__ import annotations

import csv
import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from marquee.ingest.errors import IngestError
from marquee.ingest.inspection import DataFile
from marquee.ingest.reading.containers.opening import plain_file

LOGGER = logging.getLogger(__name__)
# A row of own data and its number in the file, as the line that the snapshot has.
OwnLine = Callable[[int, list[str]], str]
PREFIX = "feedback-"
ROLES = ("ratings", "movies")


def join_feedback(
    files: list[DataFile], dataset: str, export: Path, folder: Path, own_line: OwnLine | None = None
) -> tuple[list[DataFile], dict[str, object]]:
    """Return the files with those of an export, and the export's origin.

    ``folder`` must be empty. The function writes the export's rows there as the data set writes its own. Movies that were
    added in the service join if the data set's file has a header: others cannot hold their titles. ``own_line`` writes a row
    of own data; without it the data set is MovieLens. Raise IngestError if the export does not match its manifest, or is of
    another data set.
    """
    manifest = checked_manifest(export)
    _refuse_other_data(manifest, dataset, export, own=own_line is not None)
    by_role = {file.role: file for file in files}
    joined = []
    for file in manifest["files"]:
        role = file["name"].removesuffix(".csv")
        described = by_role.get(role)
        if role not in ROLES or described is None or file["rows"] == 0:
            continue
        if role == "movies" and not described.header:
            LOGGER.info(
                "%s movies added in the accounts service do not join: the files of %s have no header",
                file["rows"],
                dataset,
            )
            continue
        target = folder / f"{PREFIX}{described.name}"
        _write_in_layout(export / file["name"], target, described, own_line)
        joined.append(replace(described, name=target.name, member=plain_file(target, target.name), required=False))
    provenance = {name: manifest[name] for name in ("batch_id", "watermark", "data_through", "later_ratings", "files")}
    return [*files, *joined], provenance


def _refuse_other_data(manifest: dict[str, Any], dataset: str, export: Path, *, own: bool) -> None:
    expected = dataset if own else None
    if manifest.get("own_data") != expected:
        raise IngestError(
            f"{export} has the ratings of {manifest.get('own_data') or 'MovieLens'}, and this is a run of {dataset}. "
            "Remove the export and start a run with a new batch id."
        )


def checked_manifest(export: Path) -> dict[str, Any]:
    """Return the manifest of an export; raise IngestError if its files differ."""
    try:
        manifest: dict[str, Any] = json.loads((export / "manifest.json").read_text(encoding="utf-8"))
        for file in manifest["files"]:
            with (export / file["name"]).open("rb") as content:
                if hashlib.file_digest(content, "sha256").hexdigest() != file["sha256"]:
                    raise IngestError(
                        f"{export / file['name']} is not what its manifest describes. Export it again.", may_pass=True
                    )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IngestError(
            f"{export} is not an export of the platform's services ({error}). Run the export again.", may_pass=True
        ) from error
    return manifest


def _write_in_layout(source: Path, target: Path, described: DataFile, own_line: OwnLine | None) -> None:
    """Copy a CSV file with a header into the data set's own layout, row by row."""
    with (
        source.open(encoding="utf-8", newline="") as rows,
        target.open("w", encoding="utf-8", newline="") as written,
    ):
        if described.header:
            written.writelines(rows)
            return
        reader = csv.reader(rows)
        next(reader)
        for number, row in enumerate(reader, 2):
            if own_line is not None:
                written.write(own_line(number, row))
                continue
            # The rows hold ids, stars and a time, and no text that could contain the delimiter.
            written.write(described.delimiter.join(row) + "\n")

"""Ratings that were given in the accounts service, as a second source of the same snapshot.

``python -m serving.accounts.export`` writes them: ratings.csv, movies.csv and a manifest. They join the data set's files
under names of their own (``feedback-ratings.csv``), in the data set's layout, so that the same jobs clean them and the same
tables account for them. A file without rows does not join: nothing given, nothing changed.
"""

from __future__ import annotations

import csv
import hashlib
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from marquee.ingest.datasets import Dataset
from marquee.ingest.errors import IngestError
from marquee.ingest.layouts import CSV, DataFile
from marquee.ingest.sources.archive import Folder
from marquee.ingest.sources.source import Source

LOGGER = logging.getLogger(__name__)
PREFIX = "feedback-"
ROLES = ("ratings", "movies")


@dataclass(frozen=True)
class Joined:
    """Two sources as one; their names differ."""

    first: Source
    second: Source

    def names(self) -> list[str]:
        """Return the base names of the files of both, sorted."""
        return sorted([*self.first.names(), *self.second.names()])

    def size(self, name: str) -> int:
        """Return the length of the file ``name`` in bytes."""
        return self._of(name).size(name)

    def read(self, name: str) -> Iterator[bytes]:
        """Yield the file ``name`` in chunks."""
        return self._of(name).read(name)

    def _of(self, name: str) -> Source:
        return self.second if name.startswith(PREFIX) else self.first


def join_feedback(
    source: Source, dataset: Dataset, export: Path, folder: Path
) -> tuple[Source, Dataset, dict[str, object]]:
    """Return the source with an export's files, the data set that describes both, and what the manifest says of the export.

    ``folder`` is an empty one for the files in the data set's layout; it must last as long as the source is read. Movies that
    were added in the service join where the layout is CSV; other layouts can't hold their titles. Raises IngestError where
    the export is not what its manifest describes.
    """
    manifest = _checked_manifest(export)
    joined = []
    for file in manifest["files"]:
        role = file["name"].removesuffix(".csv")
        described = dataset.layout.file_of_role(role)
        if role not in ROLES or described is None or file["rows"] == 0:
            continue
        if role == "movies" and dataset.layout is not CSV:
            LOGGER.info(
                "%s movies added in the accounts service stay out: %s is no CSV set", file["rows"], dataset.name
            )
            continue
        joined.append(replace(described, name=PREFIX + described.name, required=False))
        _write_in_layout(export / file["name"], folder / joined[-1].name, described)
    provenance = {name: manifest[name] for name in ("batch_id", "watermark", "data_through", "later_ratings", "files")}
    if not joined:
        return source, dataset, provenance
    layout = replace(dataset.layout, files=(*dataset.layout.files, *joined))
    return Joined(source, Folder(folder)), replace(dataset, layout=layout), provenance


def _checked_manifest(export: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((export / "manifest.json").read_text(encoding="utf-8"))
        for file in manifest["files"]:
            with (export / file["name"]).open("rb") as content:
                if hashlib.file_digest(content, "sha256").hexdigest() != file["sha256"]:
                    raise IngestError(f"{export / file['name']} is not what its manifest describes; export it again.")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IngestError(f"{export} is no export of the accounts service ({error}); run the export again.") from error
    return manifest


def _write_in_layout(source: Path, target: Path, described: DataFile) -> None:
    """Copy a CSV file with a header, row by row, to how the data set writes its rows."""
    with (
        source.open(encoding="utf-8", newline="") as rows,
        target.open("w", encoding="utf-8", newline="") as written,
    ):
        if described.header is not None:
            written.writelines(rows)
            return
        reader = csv.reader(rows)
        next(reader)
        for row in reader:
            # Ids, stars and a time: no text that could hold the delimiter.
            written.write(described.delimiter.join(row) + "\n")

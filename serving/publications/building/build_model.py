"""Make a publication of a trained model: a folder with the model's file and its manifest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from serving.publications.durable_files import fsync_folder, write_file
from serving.publications.format import MANIFEST_NAME, SENTIMENT, PublicationError, check_publication_id, sha256_of
from serving.publications.manifest import Manifest


def build_model_publication(model: Path, lineage: dict[str, Any], batch_id: str, output: Path) -> Manifest:
    """Return the manifest of a publication made from a model's file.

    The file is copied, not opened. Writes model.joblib and manifest.json to `output`, and replaces those of an earlier
    build. Raises PublicationError if the file cannot be read.
    """
    check_publication_id(batch_id)
    try:
        content = model.read_bytes()
    except OSError as error:
        raise PublicationError(f"{model} cannot be read: {error.strerror}. Train the model first.") from None
    output.mkdir(parents=True, exist_ok=True)
    data_file = output / SENTIMENT.data_file
    # As for lists: a killed build leaves no manifest next to another file.
    (output / MANIFEST_NAME).unlink(missing_ok=True)
    write_file(data_file, content)
    manifest = Manifest(
        batch_id,
        sha256_of(data_file),
        len(content),
        {},
        lineage,
        schema_version=SENTIMENT.schema_version,
        kind=SENTIMENT,
    )
    write_file(output / MANIFEST_NAME, manifest.to_json().encode())
    fsync_folder(output)
    return manifest

"""Store the rows of corpora of reviews as a batch's raw snapshot.

`python -m serving.reviews.corpora rows` has written them, and `python -m serving.reviews.export` the labelled texts of the
reviews service: JSON Lines, a file a corpus.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from hdfs import InsecureClient

from marquee.ingest.errors import IngestError
from marquee.ingest.inspection import DataFile, inspect_files
from marquee.ingest.reading.containers.opening import plain_file
from marquee.ingest.snapshot import snapshot_path, store_snapshot
from marquee.ingest.sources.feedback import PREFIX, checked_manifest

DATASET, ENDING = "reviews", ".jsonl"
LICENCE = "Each corpus has its own: see serving/reviews/corpora/embedded/LICENSES.md, or ask who gave it"


def ingest_reviews(client: InsecureClient, batch_id: str, rows: Path, feedback: Path | None) -> dict[str, Any]:
    """Store the files of a folder as the snapshot of a batch; return its description.

    It has the keys of marquee.ingest.pipeline.ingest, and `corpora`, the corpora's names without the service's texts.
    Labelled texts of an export join as `feedback-reviews.jsonl`. Raise IngestError.
    """
    provenance: dict[str, object] = {"kind": "corpora"}
    corpora = "+".join(sorted(file.stem for file in rows.glob(f"*{ENDING}")))
    if feedback is not None:
        manifest = checked_manifest(feedback)
        provenance["feedback"] = {name: manifest[name] for name in ("batch_id", "files")}
        for file in manifest["files"]:
            if file["rows"]:
                shutil.copyfile(feedback / file["name"], rows / f"{PREFIX}{file['name']}")
    names = sorted(file.name for file in rows.glob(f"*{ENDING}"))
    if not names:
        raise IngestError("There are no reviews to train on. Give a corpus, or take the embedded ones too.")
    files = [
        DataFile(name, name.removesuffix(ENDING), plain_file(rows / name, name), "json_lines", required=True)
        for name in names
    ]
    facts = inspect_files(files, "the corpora")
    stored = store_snapshot(client, DATASET, batch_id, files, facts, provenance, LICENCE)
    found = stored.manifest
    return {
        **{name: found[name] for name in ("dataset", "batch_id", "content_sha256", "layout", "files", "source")},
        "corpora": corpora or PREFIX + DATASET,
        "snapshot": found["stored_in"],
        "manifest": f"{snapshot_path(DATASET, batch_id)}/manifest.json",
        "manifest_sha256": stored.manifest_sha256,
    }

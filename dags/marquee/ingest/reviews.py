"""Store the rows of corpora of reviews as a batch's raw snapshot.

`python -m serving.reviews.corpora rows` has written them, and `python -m serving.reviews.export` the labelled texts of the
reviews service: JSON Lines, a file a corpus.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from hdfs import InsecureClient

from marquee.ingest.datasets import Dataset
from marquee.ingest.errors import IngestError
from marquee.ingest.inspection import inspect_source
from marquee.ingest.layouts import DataFile, Layout
from marquee.ingest.snapshot import snapshot_path, store_snapshot
from marquee.ingest.sources.archive import Folder
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
    source = Folder(rows)
    names = [name for name in source.names() if name.endswith(ENDING)]
    if not names:
        raise IngestError("There are no reviews to train on. Give a corpus, or take the embedded ones too.")
    # A line is one JSON object, whatever is in it.
    files = tuple(DataFile(name.removesuffix(ENDING), name, None, "\n", 1, required=True) for name in names)
    dataset = Dataset(DATASET, Layout("json_lines", "utf-8", files), archive=None, licence=LICENCE)
    facts = inspect_source(source, dataset, "the corpora")
    stored = store_snapshot(client, dataset, batch_id, source, facts, provenance)
    found = stored.manifest
    return {
        **{name: found[name] for name in ("dataset", "batch_id", "content_sha256", "layout", "files", "source")},
        "corpora": corpora or PREFIX + DATASET,
        "snapshot": found["stored_in"],
        "manifest": f"{snapshot_path(DATASET, batch_id)}/manifest.json",
        "manifest_sha256": stored.manifest_sha256,
    }

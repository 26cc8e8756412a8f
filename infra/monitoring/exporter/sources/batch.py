"""Samples of a batch's contents: rows, quarantine, failed expectations, drift."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from infra.monitoring.exporter.sources.samples import Sample


def batch_samples(batch: str, snapshot: dict[str, Any], quality: dict[str, dict[str, Any]]) -> Iterator[Sample]:
    """Yield the samples of one batch, `live` or `latest`.

    `snapshot` is the result of the ingest; its `files` have a role and rows each. `quality` holds the validations'
    results by table. A publication's lineage has both.
    """
    label = {"batch": batch}
    rows_in: dict[str, int] = {}
    for file in snapshot.get("files", []):
        if file.get("rows") is not None:
            rows_in[file["role"]] = rows_in.get(file["role"], 0) + file["rows"]
    for role, rows in rows_in.items():
        yield Sample("marquee_batch_input_rows", rows, label | {"role": role})
    total = sum(rows_in.values())
    if total and "quarantine" in quality:
        yield Sample("marquee_batch_quarantine_ratio", quality["quarantine"]["rows"] / total, label)
    for table, found in quality.items():
        labels = label | {"table": table}
        yield Sample("marquee_batch_table_rows", found["rows"], labels)
        yield Sample("marquee_batch_quality_failed", len(found.get("failed", [])), labels)
        yield Sample("marquee_batch_quality_warnings", len(found.get("warnings", [])), labels)
        drift = found.get("drift")
        if drift:
            yield Sample("marquee_batch_drift_rows_ratio", drift["rows"], labels)
            for column, psi in drift["psi"].items():
                yield Sample("marquee_batch_drift_psi", psi, labels | {"column": column})

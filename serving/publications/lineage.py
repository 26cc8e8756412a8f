"""The lineage of a publication: nested JSON that records which data, code and model it was made from."""

from __future__ import annotations

from typing import Any, Final

# The parts of a complete lineage, and the path of each.
LINEAGE_PARTS: Final = {
    "airflow_run": ("airflow", "run_id"),
    "git_commit": ("git_commit",),
    "snapshot": ("snapshot", "manifest_sha256"),
    "source_files": ("snapshot", "files"),
    "hive_partitions": ("hive",),
    "mlflow_run": ("model", "mlflow_run_id"),
    "model_version": ("model", "version"),
    "quality": ("quality",),
    "gate_decision": ("promotion", "promoted"),
}


def value_at(lineage: dict[str, Any], *path: str) -> Any:
    """Return the value at a path of names, or None where the lineage ends before it."""
    value: Any = lineage
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def dataset_of(lineage: dict[str, Any]) -> str | None:
    """Return the data set that a publication was made from, if its lineage says it."""
    name = value_at(lineage, "snapshot", "dataset")
    return name if isinstance(name, str) and name else None


def missing_from(lineage: dict[str, Any]) -> list[str]:
    """Return the parts of a complete lineage that are absent or empty."""
    return [part for part, path in LINEAGE_PARTS.items() if value_at(lineage, *path) in (None, "", [], {})]

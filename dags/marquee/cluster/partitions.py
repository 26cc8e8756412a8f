"""Name the folders of partitions, and those that Hive writes a load to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from marquee import settings


def partition(table: str, batch_id: str) -> str:
    """Return the folder of a table's partition."""
    return f"{settings.WAREHOUSE}/{table}/batch_id={batch_id}"


def loaded(table: str, batch_id: str, attempt: str) -> str:
    """Return the folder that Hive writes to when one try loads the table."""
    return f"{settings.ATTEMPTS}/{table}/batch_id={batch_id}-{attempt}"


def all_loaded(client: Any, batch_id: str, tables: Sequence[str]) -> list[str]:
    """Return the folders that Hive wrote to for any try of the batch's loads."""
    found = []
    for table in tables:
        folder = f"{settings.ATTEMPTS}/{table}"
        if client.status(folder, strict=False) is not None:
            names = client.list(folder)
            found += [f"{folder}/{name}" for name in names if name.startswith(f"batch_id={batch_id}")]
    return found

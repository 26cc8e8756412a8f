"""Find the batches of each DAG, and what keeps a batch."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from marquee import settings
from marquee.cluster import claims, hdfs

PARTITION = "batch_id="
# The ledger's actions that made a publication live. It can be rolled back to.
MADE_LIVE = {"activated", "rolled-back", "found-live"}


@dataclass(frozen=True)
class Family:
    """The batches of one DAG.

    The task `loading` loads the tables `loaded` through attempts. Spark writes the tables `scored`. The partitions of
    `staging` are the cleaning jobs' output. `raw` names the data set whose snapshots go with their batches, as they hold
    what persons wrote. A batch of such a data set counts even where its run ended before the load. `private` says
    that models and publications in HDFS go too.
    """

    dag_id: str
    loading: str
    loaded: tuple[str, ...]
    scored: tuple[str, ...] = ()
    staging: tuple[str, ...] = ()
    raw: str | None = None
    private: bool = False

    @property
    def tables(self) -> tuple[str, ...]:
        """Return the tables whose partitions make the batch."""
        return (*self.loaded, *self.scored)


FAMILIES = (
    Family(
        dag_id="build_recommendations",
        loading="load_warehouse",
        loaded=settings.WAREHOUSE_TABLES,
        scored=settings.TOP_N_TABLES,
        staging=tuple(f"staging_{part}" for part in settings.PARTS),
    ),
    Family(
        dag_id="train_sentiment",
        loading="load_reviews",
        loaded=settings.REVIEW_TABLES,
        staging=tuple(f"staging_{part}" for part in settings.REVIEW_STAGING),
        raw=settings.REVIEWS,
        private=True,
    ),
    Family(
        dag_id="build_movie_sentiment",
        loading="load_movie_sentiment",
        loaded=(settings.SENTIMENT_MART,),
        scored=(settings.SCORED_REVIEWS,),
        private=True,
    ),
)


def written_batches(client: Any, family: Family) -> dict[str, int]:
    """Return the family's batches and their last write, in ms since 1970."""
    found: dict[str, int] = {}
    for table in family.tables:
        for name, written in _children(client, f"{settings.WAREHOUSE}/{table}"):
            if name.startswith(PARTITION):
                batch_id = name.removeprefix(PARTITION)
                found[batch_id] = max(found.get(batch_id, 0), written)
    if family.raw is None:
        return found
    needed = set(snapshots_of_others(client, family.raw).values())
    for folder in (settings.CLEAN, settings.RAW):
        for name, written in _children(client, f"{folder}/{family.raw}"):
            # `.<batch>.<random>.partial` is what an ingest that was killed has left.
            batch_id = name.split(".")[1] if name.startswith(".") else name
            if batch_id in found or not (folder == settings.RAW and batch_id in needed):
                found[batch_id] = max(found.get(batch_id, 0), written)
    return found


def snapshots_of_others(client: Any, dataset: str) -> dict[str, str]:
    """Return whose files each snapshot of a data set has, where they are another's."""
    root = f"{settings.RAW}/{dataset}"
    owners = {}
    for batch_id, _ in _children(client, root):
        manifest = f"{root}/{batch_id}/manifest.json"
        if batch_id.startswith(".") or client.status(manifest, strict=False) is None:
            continue
        with client.read(manifest) as reader:
            owner = str(json.loads(reader.read())["stored_in"]).rpartition("/")[2]
        if owner != batch_id:
            owners[batch_id] = owner
    return owners


def cleaned(client: Any, family: Family, batch_id: str) -> list[str]:
    """Return the folders that can hold the cleaning jobs' output of a batch."""
    ratings = [name for name, _ in _children(client, settings.CLEAN) if name != settings.REVIEWS]
    return [f"{settings.CLEAN}/{name}/{batch_id}" for name in ([family.raw] if family.raw else ratings)]


def partial_snapshots(client: Any, dataset: str, batch_id: str) -> list[str]:
    """Return the folders that ingests of a batch have left unfinished."""
    root = f"{settings.RAW}/{dataset}"
    return [f"{root}/{name}" for name, _ in _children(client, root) if name.startswith(f".{batch_id}.")]


def batches_to_drop(written: Mapping[str, int], protected: Collection[str], keep: int) -> list[str]:
    """Return the batches to drop, the oldest first.

    They are all but the `keep` batches that were written last and the protected ones. The time of writing counts, not
    the batch id: a backfill of a distant date is a recent batch.
    """
    if keep < 1:
        raise ValueError(
            f"MARQUEE_BATCHES_KEPT is {keep}. The warehouse must keep at least one batch. Set it to 1 or more."
        )
    by_age = sorted(written, key=lambda batch_id: (written[batch_id], batch_id))
    return [batch_id for batch_id in by_age[:-keep] if batch_id not in protected]


def protected_batches(publications: Sequence[Mapping[str, Any]], ledger: Sequence[Mapping[str, Any]]) -> set[str]:
    """Return the store's publications that are or were live, or are pinned."""
    held = {row["publication"]: row for row in publications}
    once_live = {entry["publication"] for entry in ledger if entry["action"] in MADE_LIVE}
    return {name for name, row in held.items() if row["live"] or row["pinned"] or name in once_live}


def batches_of_latest_runs(client: Any, batches: Collection[str]) -> set[str]:
    """Return which batches belong to a run whose turn it is, or was last.

    A DAG's run takes its turn in the pool of the task that asks. So none begins while that task works.
    """
    holders = {family.dag_id: hdfs.text_of(client, f"{settings.RUNS}/{family.dag_id}") for family in FAMILIES}
    turns = {f"{dag_id} {run}" for dag_id, run in holders.items() if run}
    return {batch_id for batch_id in batches if claims.run_of(client, batch_id) in turns}


def _children(client: Any, folder: str) -> Iterator[tuple[str, int]]:
    """Yield the names in a folder and when each was changed; nothing without it."""
    if client.status(folder, strict=False) is not None:
        for name, status in client.list(folder, status=True):
            yield name, status["modificationTime"]

"""Drop old publications and old batches.

**Purpose.** After every publication, this DAG first drops old publications from the serving store. Then it drops old
batches from the warehouse: the partitions of all tables, the cleaning jobs' output, exports and data docs. Raw
snapshots, models and publications in HDFS stay.

**What stays.** Of publications, the live one and the pinned one stay. So do the `MARQUEE_PUBLICATIONS_KEPT` nearest
ones for a rollback, and as many of the newest. Of batches, the `MARQUEE_BATCHES_KEPT` that were written last stay. So
does every batch whose publication is live, pinned, or in the serving store for a rollback. A batch of a backfill
counts by the time when it was written, not by its date.

**Rerun rule.** Clear it at any time: it lists the batches again, and finishes an earlier attempt that was stopped.

**Triage.** A task fails if HDFS, HiveServer2 or the serving store does not answer. Read its log, fix the cause, clear
the task. No other DAG waits for it.
"""

from __future__ import annotations

from airflow.sdk import DAG
from marquee import tasks

with DAG(
    dag_id="drop_old_batches",
    description="Drops publications and warehouse batches that are neither recent, live, pinned nor a rollback target",
    doc_md=__doc__,
    schedule=[tasks.LIVE_RECOMMENDATIONS],
    catchup=False,
    max_active_runs=1,
    # It runs only after a publication, so that it need not wait for a user to switch it on.
    is_paused_upon_creation=False,
    tags=["marquee", "retention"],
    default_args=tasks.DEFAULT_ARGS,
) as dag:
    tasks.prune_publications_task() >> tasks.drop_old_batches_task()

"""Drop old publications from the serving store and old batches from the warehouse.

**Purpose.** After every publication, drop what is no longer needed: first publications of the serving store, then from the
warehouse, of a batch, the partitions of all tables, the cleaning jobs' output, exports and data docs. Raw snapshots, models
and publications in HDFS stay.

**What stays.** Of publications, the live one, the pinned one, the `MARQUEE_PUBLICATIONS_KEPT` nearest ones to roll back to and
as many of those that came last. Of batches, the `MARQUEE_BATCHES_KEPT` that were written last, and every batch whose
publication is live, pinned, or in the serving store as one that can be rolled back to. A backfilled batch came last, too.

**Rerun rule.** Clear it at any time: it looks at what there is, and finishes what an earlier attempt left half done.

**Triage.** A task fails where HDFS, HiveServer2 or the serving store does not answer: see its log, mend that,
clear it. Nothing else waits for it.
"""

from __future__ import annotations

from airflow.sdk import DAG
from shared import tasks

with DAG(
    dag_id="drop_old_batches",
    description="Drops publications and warehouse batches that are neither recent, live, pinned nor a rollback target",
    doc_md=__doc__,
    schedule=[tasks.LIVE_RECOMMENDATIONS],
    catchup=False,
    max_active_runs=1,
    # It follows what is published: a fresh installation needs nobody to switch it on.
    is_paused_upon_creation=False,
    tags=["marquee", "retention"],
    default_args=tasks.DEFAULT_ARGS,
) as dag:
    tasks.prune_publications_task() >> tasks.drop_old_batches_task()

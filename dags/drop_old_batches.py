"""Drop old batches from the warehouse.

**Purpose.** After every publication, drop from the warehouse what is no longer needed: partitions of all tables, the
cleaning jobs' output, exports and data docs of a batch. Raw snapshots, models and publications stay.

**What stays.** The `MARQUEE_BATCHES_KEPT` batches that were written last (a backfilled batch is a recent one), and
every batch whose publication is live, pinned, or in the serving store as one that can be rolled back to.

**Rerun rule.** Clear it at any time: it looks at what there is, and finishes what an earlier attempt left half done.

**Triage.** `drop_old_batches` fails where HDFS, HiveServer2 or the serving store does not answer: see its log, mend that,
clear it. Nothing else waits for it.
"""

from __future__ import annotations

from airflow.sdk import DAG
from shared import settings, tasks
from shared.failures import explain_failure

with DAG(
    dag_id="drop_old_batches",
    description="Drops warehouse batches that are neither recent, live, pinned nor a rollback target",
    doc_md=__doc__,
    schedule=[tasks.LIVE_RECOMMENDATIONS],
    catchup=False,
    max_active_runs=1,
    # It follows what is published: a fresh installation needs nobody to switch it on.
    is_paused_upon_creation=False,
    tags=["marquee", "retention"],
    default_args={
        "owner": "marquee",
        "retries": settings.RETRIES,
        "retry_delay": settings.RETRY_DELAY,
        "on_failure_callback": explain_failure,
    },
) as dag:
    tasks.drop_old_batches_task()

"""Drop old publications and old batches.

**Purpose.** After every publication, this DAG first drops old publications of lists and of sentiment models from their
stores. Then it drops old batches of `build_recommendations`, `train_sentiment` and `build_movie_sentiment`: the partitions
of all tables, the cleaning jobs' output, exports and data docs. Of ratings, raw snapshots, models and publications in HDFS
stay. Of reviews they go too, and so does the local export of texts that users gave.

**What stays.** Of publications, the live one and the pinned one stay. So do the `MARQUEE_PUBLICATIONS_KEPT` nearest
ones for a rollback, and as many of the newest. Of each DAG's batches, the `MARQUEE_BATCHES_KEPT` that were written last
stay. So does every batch whose publication is live, pinned, or in its store for a rollback, and the batch of a run that is
going. A batch of a backfill counts by the time when it was written, not by its date. A snapshot of reviews stays as long as
a later batch has the same rows, since those are stored once.

**Rerun rule.** Clear it at any time: it lists the batches again, and finishes an earlier attempt that was stopped.

**Triage.** A task fails if HDFS, HiveServer2 or a store does not answer. Read its log, fix the cause, clear the task. No
other DAG waits for it.
"""

from __future__ import annotations

from airflow.sdk import DAG
from marquee import settings, tasks
from marquee.scoring_tasks import LOADED_MART
from marquee.sentiment_tasks import LIVE_SENTIMENT

with DAG(
    dag_id="drop_old_batches",
    description="Drops publications and warehouse batches that are neither recent, live, pinned nor a rollback target",
    doc_md=__doc__,
    schedule=(tasks.LIVE_RECOMMENDATIONS | LIVE_SENTIMENT | LOADED_MART),
    catchup=False,
    max_active_runs=1,
    # It runs only after a publication, so that it need not wait for a user to switch it on.
    is_paused_upon_creation=False,
    tags=["marquee", "retention"],
    default_args=tasks.DEFAULT_ARGS,
) as dag:
    [
        tasks.prune_task("prune_publications", settings.PUBLICATION_STORE),
        tasks.prune_task("prune_models", settings.SENTIMENT_STORE),
    ] >> tasks.drop_old_batches_task()

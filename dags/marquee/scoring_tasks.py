"""Create the tasks of `build_movie_sentiment`, over the functions of marquee.tasks."""

from __future__ import annotations

import logging

from airflow.sdk import Asset, task
from airflow.sdk.exceptions import AirflowSkipException

from marquee import settings, tasks
from marquee.cluster import hdfs
from marquee.operators.hive import ExportOperator, HiveOperator, LoadOperator
from marquee.operators.local_files import LocalFilesOperator, live_model, remove_left_behind
from marquee.operators.spark import SparkJobOperator
from marquee.operators.validation import ValidateOperator
from marquee.tasks import HIVE, statement

LOADED_MART = Asset(name="movie_sentiment", uri=f"{settings.HDFS_URI}{settings.EXPORTS}/movie_sentiment")
SCORED, MART = settings.SCORED_REVIEWS, settings.SENTIMENT_MART
WAREHOUSE_CLI = (settings.REVIEWS_PYTHON, "-m", "serving.reviews.warehouse")
TEXTS = f"{settings.STORED_REVIEWS}/{settings.BATCH_ID}"
MODEL = "ti.xcom_pull(task_ids='find_live_model')"
EXPORT = "ti.xcom_pull(task_ids='export_stored_reviews')"


@task(execution_timeout=settings.SHORT_TASK)
def find_live_model() -> dict[str, str]:
    """Return file, SHA-256 and publication of the live sentiment model.

    Without the reviews service or a live model there is nothing to score, and the run is skipped.
    """
    if not (settings.REVIEWS_PYTHON and settings.REVIEWS_DATABASE_IS_SET):
        raise AirflowSkipException("The reviews service is not part of this installation. Nothing is scored.")
    live = live_model(settings.SENTIMENT_STORE)
    if live is None:
        raise AirflowSkipException("No sentiment model is live. Run train_sentiment first, which publishes one.")
    logging.getLogger("airflow.task").info("The model of %s scores.", live.publication)
    return {"publication": live.publication, "sha256": live.sha256, "file": str(live.file)}


def export_stored_reviews_task() -> LocalFilesOperator:
    """Export the reviews that are not hidden from the reviews database to HDFS."""
    return LocalFilesOperator(
        task_id="export_stored_reviews",
        argv=[*WAREHOUSE_CLI, "export-reviews", "--output", "WORK/reviews"],
        inputs={},
        outputs={"reviews": TEXTS},
        # forget_texts deletes what a try left here too.
        attempts=f"{settings.STORED_REVIEWS}/_attempts/{settings.BATCH_ID}",
        execution_timeout=settings.LONG_TASK,
    )


def create_scoring_tables_task() -> HiveOperator:
    """Create both databases and the tables of scores that do not exist yet."""
    return tasks.hive_task(
        "create_scoring_tables",
        [
            *(statement("create_database"), statement("create_attempt_database")),
            *(statement(f"create_{table}") for table in (SCORED, MART)),
            statement("create_attempt_table", table=f"'{MART}'"),
        ],
    )


def score_reviews_task() -> SparkJobOperator:
    """Score each review by the live model, on Spark."""
    partition = f"batch_id={settings.BATCH_ID}"
    return tasks.spark_task(
        "score_reviews",
        [
            *("--reviews", f"{settings.HDFS_URI}{TEXTS}/reviews.jsonl", "--rows", f"{{{{ {EXPORT}['rows'] }}}}"),
            *("--model", f"{{{{ {MODEL}['file'] }}}}", "--sha256", f"{{{{ {MODEL}['sha256'] }}}}"),
            *("--publication", f"{{{{ {MODEL}['publication'] }}}}", "--warehouse", settings.WORK),
        ],
        [(f"{SCORED}/{partition}", f"{settings.WAREHOUSE}/{SCORED}/{partition}")],
    )


def load_movie_sentiment_task() -> LoadOperator:
    """Make the scores readable, and add them up by movie and month."""
    return LoadOperator(
        task_id="load_movie_sentiment",
        tables=[MART],
        sql=[
            statement("add_partition", table=f"'{SCORED}'"),
            statement("drop_attempts", table=f"'{MART}'"),
            statement(f"load_{MART}"),
        ],
        add_partitions=[statement("add_partition", table=f"'{MART}'")],
        **HIVE,
    )


def validate_scores_task() -> ValidateOperator:
    """Run the suites of the scores and of the mart."""
    return tasks.validate_task("validate_scores", (SCORED, MART), "stored-reviews")


def export_movie_sentiment_task() -> ExportOperator:
    """Export the mart as files for the reviews database."""
    return ExportOperator(task_id="export_movie_sentiment", tables=[MART], sql=[statement(f"export_{MART}")], **HIVE)


def publish_movie_sentiment_task() -> LocalFilesOperator:
    """Replace the mart in the reviews database, in one transaction."""
    return LocalFilesOperator(
        task_id="publish_movie_sentiment",
        argv=[
            *(*WAREHOUSE_CLI, "load-mart", "--rows", f"WORK/{MART}", "--batch-id", settings.BATCH_ID),
            *("--publication", f"{{{{ {MODEL}['publication'] }}}}"),
        ],
        inputs={MART: f"{settings.EXPORTS}/{settings.BATCH_ID}/{MART}"},
        outputs={},
        outlets=[LOADED_MART],
        execution_timeout=settings.SHORT_TASK,
    )


@task(execution_timeout=settings.SHORT_TASK)
def forget_texts() -> None:
    """Delete the exported texts of this run, and what stopped runs have left of them.

    A deleted account takes its reviews along, so that no copy of a text may stay. It runs after a failed task too.
    """
    hdfs.client().delete(settings.STORED_REVIEWS, recursive=True)
    remove_left_behind("export_stored_reviews", 0)

"""Create the tasks of `train_sentiment`, over the functions of marquee.tasks."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import Any

from airflow.sdk import Asset, task
from airflow.sdk.exceptions import AirflowFailException

from marquee import settings, tasks
from marquee.cluster import hdfs
from marquee.cluster.programs import RunningProgram
from marquee.operators.hive import ExportOperator, HiveOperator, LoadOperator
from marquee.operators.lineage import lineage_of_sentiment
from marquee.operators.local_files import LocalFilesOperator, TrainSentimentOperator, remove_left_behind
from marquee.operators.mapreduce import MrJobOperator
from marquee.operators.program import ProgramOperator, not_retried
from marquee.operators.publication import PublishOperator
from marquee.operators.retention import drop_local_export
from marquee.tasks import HIVE, SERVING_CLI, statement

LIVE_SENTIMENT = Asset(name="live_sentiment", uri=f"{settings.HDFS_URI}{settings.PUBLICATIONS}/sentiment")
STORE = ("--store", str(settings.SENTIMENT_STORE))
PUBLICATION = (*STORE, "--publication", settings.BATCH_ID, "--actor", "airflow")
CORPORA_CLI = (settings.SENTIMENT_PYTHON, "-m", "serving.reviews.corpora")
TRAINING_CLI = (settings.SENTIMENT_PYTHON, "-m", "serving.reviews.training")
# More threads of the numeric libraries do not make the training faster.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
INGEST_RESULT = "ti.xcom_pull(task_ids='ingest_reviews')"
CLEAN = f"{settings.CLEAN}/{settings.REVIEWS}/{settings.BATCH_ID}"
LABELLED, MODEL = "labelled_reviews", "sentiment"


@task(execution_timeout=settings.LONG_TASK)
def ingest_reviews(**context: Any) -> dict[str, Any]:
    """Write the corpora's rows as the raw snapshot to HDFS; return its manifest.

    The snapshot takes in the labelled texts that users of the reviews service agreed to give.
    """
    from marquee.ingest.errors import IngestError
    from marquee.ingest.reviews import ingest_reviews as ingest

    batch_id, log = settings.batch_id_of(context["ti"]), logging.getLogger("airflow.task")
    feedback = None
    settings.TEMPORARY.mkdir(parents=True, exist_ok=True)
    remove_left_behind("reviews")
    try:
        if settings.REVIEWS_PYTHON and settings.REVIEWS_DATABASE_IS_SET:
            # The program reads the database's address from the environment, because it holds a password.
            RunningProgram(export_feedback(batch_id), log).wait()
            feedback = settings.REVIEW_FEEDBACK / batch_id
        with tempfile.TemporaryDirectory(prefix="reviews-", dir=settings.TEMPORARY) as folder:
            with not_retried():
                if command := rows_argv(context["params"], folder):
                    RunningProgram(command, log).wait()
            return ingest(hdfs.client(), batch_id, Path(folder), feedback)
    except IngestError as error:
        raise (error if error.may_pass else AirflowFailException(str(error))) from error
    finally:
        # The snapshot has the texts now, and a copy would outlive a deleted account. A rerun exports again.
        drop_local_export(settings.REVIEW_FEEDBACK, batch_id)


def export_feedback(batch_id: str) -> list[str]:
    """Return the command that exports a batch's texts."""
    program = [settings.REVIEWS_PYTHON, "-m", "serving.reviews.export"]
    return [*program, "--output", str(settings.REVIEW_FEEDBACK), "--batch-id", batch_id]


def rows_argv(params: Any, folder: str) -> list[str]:
    """Return the command that writes the rows of a run's corpora; none: no command."""
    corpora = ["embedded"] if params["embedded"] else []
    corpora += [params["corpus"]] if params["corpus"] else []
    if not corpora:
        return []
    columns = (f"--{name}={params[name]}" for name in ("text", "label", "language"))
    return [*CORPORA_CLI, "rows", *(f"--corpus={corpus}" for corpus in corpora), *columns, "--output", folder]


def mr_clean_reviews_task() -> MrJobOperator:
    """Run `mr_jobs/mr_clean_reviews.py` on YARN."""
    return MrJobOperator(
        task_id="mr_clean_reviews",
        argv=[
            *(settings.PYTHON, str(settings.MR_JOBS / "mr_clean_reviews.py"), "-r", "hadoop"),
            f"hdfs://{{{{ {INGEST_RESULT}['snapshot'] }}}}/*.jsonl",
        ],
        environment={"HADOOP_USER_NAME": settings.HDFS_USER},
        source_file="*.jsonl",
        final_directory=f"{CLEAN}/reviews",
        execution_timeout=settings.LONG_TASK,
    )


def split_reviews_task() -> LocalFilesOperator:
    """Assign the cleaned rows to parts, and find near copies of test texts."""
    return LocalFilesOperator(
        task_id="split_reviews",
        argv=[
            *CORPORA_CLI,
            "split",
            "--rows",
            "WORK/reviews",
            "--output",
            "WORK/parts",
            "--seed",
            "{{ params.seed | int }}",
        ],
        environment=ONE_THREAD,
        inputs={"reviews": f"{CLEAN}/reviews"},
        outputs={"parts": f"{CLEAN}/review_parts"},
        execution_timeout=settings.LONG_TASK,
    )


def create_review_tables_task() -> HiveOperator:
    """Create both databases and the tables of reviews that do not exist yet."""
    tables = (*(f"staging_{part}" for part in settings.REVIEW_STAGING), *settings.REVIEW_TABLES)
    return tasks.hive_task(
        "create_review_tables",
        [
            *(statement("create_database"), statement("create_attempt_database")),
            *(statement(f"create_{table}") for table in tables),
            *(statement("create_attempt_table", table=f"'{table}'") for table in settings.REVIEW_TABLES),
        ],
    )


def load_reviews_task() -> LoadOperator:
    """Load the batch's tables from the output of cleaning and split: all or none."""
    return LoadOperator(
        task_id="load_reviews",
        tables=settings.REVIEW_TABLES,
        sql=[
            *(statement("drop_attempts", table=f"'{table}'") for table in settings.REVIEW_TABLES),
            *(statement("drop_partition", table=f"'staging_{part}'") for part in settings.REVIEW_STAGING),
            *(statement(f"load_staging_{part}") for part in settings.REVIEW_STAGING),
            *(statement(f"load_{table}", files=f"{INGEST_RESULT}['files']") for table in settings.REVIEW_TABLES),
        ],
        add_partitions=[statement("add_partition", table=f"'{table}'") for table in settings.REVIEW_TABLES],
        **HIVE,
    )


def validate_reviews_task() -> ProgramOperator:
    """Run the suites; drift is measured between batches of the same corpora."""
    return tasks.validate_task("validate_reviews", settings.REVIEW_TABLES, f"{{{{ {INGEST_RESULT}['corpora'] }}}}")


def export_reviews_task() -> ExportOperator:
    """Export the labelled reviews for the training, which reads no ORC."""
    return ExportOperator(task_id="export_reviews", tables=[LABELLED], sql=[statement(f"export_{LABELLED}")], **HIVE)


def train_model_task() -> TrainSentimentOperator:
    """Train, test, compare with the plain recipe and the champion, and log to MLflow."""
    tags = {"batch_id": settings.BATCH_ID, "airflow_run_id": "{{ run_id }}", "git_commit": "{{ git_commit() }}"}
    return TrainSentimentOperator(
        task_id="train_model",
        argv=[
            *(*TRAINING_CLI, "train", "--batch", f"WORK/{LABELLED}", "--output", f"WORK/{MODEL}"),
            *("--accounting", "{{ ti.xcom_pull(task_ids='split_reviews') | tojson }}"),
            *("--seed", "{{ params.seed | int }}", "--tracking-uri", settings.MLFLOW_URL),
            *(f"--tag={name}={value}" for name, value in tags.items()),
        ],
        environment=ONE_THREAD,
        inputs={LABELLED: f"{settings.EXPORTS}/{settings.BATCH_ID}/{LABELLED}"},
        outputs={MODEL: f"{settings.MODEL_PATH}/{MODEL}"},
        store=settings.SENTIMENT_STORE,
        execution_timeout=settings.LONG_TASK,
    )


@task.branch(execution_timeout=settings.SHORT_TASK)
def pass_gate(if_promoted: str, if_refused: str, **context: Any) -> str:
    """Return the task to go on with, by the decision that the training came to."""
    training = context["ti"].xcom_pull(task_ids="train_model")
    log = logging.getLogger("airflow.task")
    log.info("The gate has %s the model.", "passed" if training["promoted"] else "refused")
    for reason in training["reasons"]:
        log.info("%s", reason)
    return if_promoted if training["promoted"] else if_refused


def build_model_publication_task() -> LocalFilesOperator:
    """Build the model's publication, with its lineage, and store it in HDFS."""
    return LocalFilesOperator(
        task_id="build_model_publication",
        argv=[
            *(*SERVING_CLI, "build-model", "--model", f"WORK/{MODEL}/model.joblib", "--lineage", "WORK/lineage.json"),
            *("--batch-id", settings.BATCH_ID, "--output", "WORK/publication"),
        ],
        inputs={MODEL: f"{settings.MODEL_PATH}/{MODEL}"},
        documents={"lineage.json": lineage_of_sentiment},
        outputs={"publication": f"{settings.PUBLICATIONS}/{settings.BATCH_ID}"},
        execution_timeout=settings.SHORT_TASK,
    )


def publish_model_task() -> PublishOperator:
    """Copy the publication to the store, make it live and its model the champion."""
    source = ("--from", f"{settings.WEBHDFS_URL}{settings.PUBLICATIONS}", "--user", settings.HDFS_USER)
    version = "{{ ti.xcom_pull(task_ids='train_model')['registered_version'] }}"
    return PublishOperator(
        task_id="publish_model",
        argv=[*SERVING_CLI, "pull", *PUBLICATION, *source],
        following=[
            [*SERVING_CLI, "activate", *PUBLICATION, "--reason", "promoted in {{ run_id }}"],
            [*TRAINING_CLI, "promote", "--tracking-uri", settings.MLFLOW_URL, "--registered-version", version],
        ],
        outlets=[LIVE_SENTIMENT],
        execution_timeout=settings.SHORT_TASK,
    )


def record_model_refusal_task() -> ProgramOperator:
    """Write the refusal and its reasons to the ledger; MLflow's run has them as a tag."""
    reasons = "{{ ti.xcom_pull(task_ids='train_model')['reasons'] | join(' ') }}"
    return ProgramOperator(
        task_id="record_model_refusal",
        argv=[*SERVING_CLI, "refuse", *PUBLICATION, "--reason", reasons],
        execution_timeout=settings.SHORT_TASK,
    )

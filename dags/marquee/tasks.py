"""Create tasks, with one function for each kind of job.

A DAG names the job and its arguments; everything else is defined here. A task has the name of its job's file.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import Asset, task
from airflow.sdk.exceptions import AirflowFailException

from marquee import settings
from marquee.cluster import hdfs
from marquee.cluster.programs import RunningProgram
from marquee.failures import explain_failure
from marquee.operators.hive import ExportOperator, HiveOperator, LoadOperator
from marquee.operators.mapreduce import MrJobOperator
from marquee.operators.one_run import OneRunSensor
from marquee.operators.program import ProgramOperator, ProgramSequenceOperator
from marquee.operators.promotion import DecidePromotionOperator
from marquee.operators.publication import BuildPublicationOperator, PublishOperator
from marquee.operators.retention import DropOldBatchesOperator
from marquee.operators.spark import SparkJobOperator, configuration
from marquee.operators.validation import ValidateOperator

LIVE_RECOMMENDATIONS = Asset(name="live_recommendations", uri=f"{settings.HDFS_URI}{settings.PUBLICATIONS}")
SERVING_CLI = (settings.SERVING_PYTHON, "-m", "serving.publications")
HIVE: dict[str, Any] = {
    "pool": settings.HIVE_POOL,
    "do_xcom_push": False,
    "execution_timeout": settings.LONG_TASK,
}
STORE = ("--store", str(settings.PUBLICATION_STORE))
# The defaults of every DAG's tasks.
DEFAULT_ARGS: dict[str, Any] = {
    "owner": "marquee",
    "retries": settings.RETRIES,
    "retry_delay": settings.RETRY_DELAY,
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": settings.MAX_RETRY_DELAY,
    "on_failure_callback": explain_failure,
}
EVALUATION = f"{settings.WEBHDFS_URL}/webhdfs/v1{settings.MODEL_PATH}/evaluation.json"
DECIDE = (
    *(settings.PYTHON, str(settings.SPARK_JOBS / "decide_promotion.py")),
    *("--evaluation", f"{EVALUATION}?op=OPEN&user.name={settings.HDFS_USER}"),
    *("--tracking-uri", settings.MLFLOW_URL, "--model-name", settings.MODEL),
    *("--recent-popularity-margin", settings.RECENT_POPULARITY_MARGIN, "--most-overlap", settings.MOST_OVERLAP),
)


def wait_for_other_runs_task() -> OneRunSensor:
    """Wait until no other run works, and claim the batch id.

    Clearing any task runs this one again.
    """
    sensor = OneRunSensor(
        task_id=settings.FIRST_TASK,
        holder_file=f"{settings.RUNS}/{{{{ dag.dag_id }}}}",
        poke_interval=timedelta(seconds=10),
        timeout=timedelta(days=7),
        pool=settings.HIVE_POOL,
        execution_timeout=settings.SHORT_TASK,
    )
    sensor.is_setup = True
    return sensor


@task(execution_timeout=settings.LONG_TASK)
def ingest_movielens(**context: Any) -> dict[str, Any]:
    """Write the checked source as the raw snapshot to HDFS; return its manifest.

    The snapshot takes in the ratings that users gave in the accounts service up to the batch's time.
    """
    from marquee.ingest.errors import IngestError
    from marquee.ingest.own_data.snapshots.ingest import ingest_data, own_data_of

    params = context["params"]
    batch_id = settings.batch_id_of(context["ti"])
    feedback = None
    if settings.ACCOUNTS_PYTHON and settings.ACCOUNTS_DATABASE_IS_SET:
        # The program reads the database's address from the environment, because it holds a password.
        RunningProgram(export_feedback(batch_id, own_data_of(params)), logging.getLogger("airflow.task")).wait()
        feedback = settings.FEEDBACK / batch_id
    arguments = {name: params.get(name) for name in settings.GIVEN_TO_INGEST} | {"feedback": feedback}
    limit = float(settings.QUARANTINE_LIMIT)
    try:
        return ingest_data(hdfs.client(), batch_id=batch_id, cache_dir=settings.CACHE, limit=limit, **arguments)
    except IngestError as error:
        raise (error if error.may_pass else AirflowFailException(str(error))) from error


def export_feedback(batch_id: str, own_data: str | None = None) -> list[str]:
    """Return the command that exports a batch's ratings, of one data set alone."""
    program = [settings.ACCOUNTS_PYTHON, "-m", "serving.accounts.export", "--output", str(settings.FEEDBACK)]
    return [*program, "--batch-id", batch_id, *(("--own-data", own_data) if own_data else ())]


def mrjob_task(part: str, arguments: Sequence[str] = ()) -> MrJobOperator:
    """Run `mr_jobs/mr_clean_<part>.py` on YARN, if the snapshot has the file."""
    job = f"mr_clean_{part}"
    layout, encoding, source_file = (
        f"{{{{ {settings.INGEST_RESULT}['layout'].get('{part}', {{}}).get('{name}', '') }}}}"
        for name in ("layout", "encoding", "file")
    )
    return MrJobOperator(
        task_id=job,
        argv=[
            *(settings.PYTHON, str(settings.MR_JOBS / f"{job}.py"), "-r", "hadoop"),
            f"hdfs://{{{{ {settings.INGEST_RESULT}['snapshot'] }}}}/{source_file}",
            *("--layout", layout, "--encoding", encoding, *arguments),
        ],
        environment={"HADOOP_USER_NAME": settings.HDFS_USER},
        source_file=source_file,
        final_directory=f"{settings.CLEAN}/{{{{ params.dataset }}}}/{settings.BATCH_ID}/{part}",
        execution_timeout=settings.LONG_TASK,
    )


def statement(name: str, **parameters: str) -> str:
    """Return the template of `hql/<name>.hql`.

    `parameters` are Jinja expressions for the names that the file uses. batch_id, dataset and attempt are always defined.
    """
    always = {"batch_id": "batch_id_of(ti)", "dataset": "params.dataset", "attempt": settings.ATTEMPT_EXPRESSION}
    names = {**always, **parameters}
    return "".join(f"{{% set {key} = {value} %}}" for key, value in names.items()) + f"{{% include '{name}.hql' %}}"


def hive_task(task_id: str, statements: Sequence[str]) -> HiveOperator:
    """Run the statements, one after the other, in one HiveServer2 session."""
    return HiveOperator(task_id=task_id, sql=list(statements), **HIVE)


def create_tables_task() -> HiveOperator:
    """Create both databases and all tables that do not exist yet."""
    staging = [f"staging_{part}" for part in settings.PARTS]
    return hive_task(
        "create_tables",
        [
            *(statement("create_database"), statement("create_attempt_database")),
            *(statement(f"create_{table}") for table in (*staging, *settings.CREATED_TABLES)),
            *(statement("create_attempt_table", table=f"'{table}'") for table in settings.WAREHOUSE_TABLES),
        ],
    )


def load_warehouse_task() -> LoadOperator:
    """Load the batch's tables and marts from the cleaning jobs' output: all or none."""
    layout = f"{settings.INGEST_RESULT}['layout']"
    statements = [statement("drop_attempts", table=f"'{table}'") for table in settings.WAREHOUSE_TABLES]
    for part in settings.PARTS:
        # An earlier run of this batch may have used another data set, whose rows are in another folder.
        statements.append(statement("drop_partition", table=f"'staging_{part}'"))
        statements += [
            f"{{% if '{part}' in {layout} %}}{statement(name)}{{% endif %}}"
            for name in (f"load_staging_{part}", f"load_{part}")
        ]
    statements += [
        f"{{% if {settings.OWN_DATA} %}}{statement('add_ids')}{{% endif %}}",
        statement("load_quarantine", layout=layout),
        statement("load_row_accounting", layout=layout, files=f"{settings.INGEST_RESULT}['files']"),
        *(statement(f"load_{table}") for table in settings.MARTS),
    ]
    return LoadOperator(
        task_id="load_warehouse",
        tables=settings.WAREHOUSE_TABLES,
        sql=statements,
        add_partitions=[statement("add_partition", table=f"'{table}'") for table in settings.WAREHOUSE_TABLES],
        # If a data set has no tags, links or users, Airflow skips their cleaning.
        trigger_rule="none_failed",
        **HIVE,
    )


def load_top_n_task() -> HiveOperator:
    """Make the output of `recommend_top_n` readable in Hive."""
    return hive_task("load_top_n", [statement("add_partition", table=f"'{table}'") for table in settings.TOP_N_TABLES])


def validate_task(task_id: str, tables: Sequence[str], dataset: str = "{{ params.dataset }}") -> ValidateOperator:
    """Run the suites `expectations/<table>.json` on the batch, in one process."""
    return ValidateOperator(
        task_id=task_id,
        argv=[
            *(settings.PYTHON, str(settings.EXPECTATIONS / "validate.py"), "--tables", *tables),
            *("--batch-id", settings.BATCH_ID, "--webhdfs", settings.WEBHDFS_URL, "--user", settings.HDFS_USER),
            *("--dataset", dataset, "--suites", str(settings.EXPECTATIONS)),
            *("--data-docs", str(settings.DATA_DOCS), "--quarantine-limit", settings.QUARANTINE_LIMIT),
            *(part for limit in settings.DRIFT_LIMITS.items() for part in limit),
        ],
        execution_timeout=settings.LONG_TASK,
    )


def spark_task(
    job: str, arguments: Sequence[str], outputs: Sequence[tuple[str, str]] = (), size: settings.Size = settings.LONG_JOB
) -> SparkJobOperator:
    """Submit `spark_jobs/<job>.py`, which ships its own modules, to its connection.

    `outputs` pairs paths in the folder that it writes to, settings.WORK, with the paths that they replace.
    """
    return SparkJobOperator(
        task_id=job,
        conn_id=settings.SPARK_CONNECTIONS.get(job, settings.SPARK_CONNECTION),
        application=str(settings.SPARK_JOBS / f"{job}.py"),
        name=f"{job}-{settings.BATCH_ID}",
        application_args=["--batch-id", settings.BATCH_ID, *arguments],
        outputs=outputs,
        conf=configuration(job, *size),
        env_vars=dict.fromkeys(("PYSPARK_PYTHON", "PYSPARK_DRIVER_PYTHON"), settings.PYTHON)
        | {"HADOOP_USER_NAME": settings.HDFS_USER},
        spark_binary=settings.SPARK_SUBMIT,
        # A retry submits a new job, which replaces the output. It must not wait for an earlier attempt's job.
        durable=False,
        execution_timeout=settings.LONG_TASK,
    )


def decide_promotion_task(if_promoted: str, if_refused: str) -> DecidePromotionOperator:
    """Run `spark_jobs/decide_promotion.py`, without Spark; branch by its result."""
    return DecidePromotionOperator(
        task_id="decide_promotion",
        argv=DECIDE,
        if_promoted=if_promoted,
        if_refused=if_refused,
        execution_timeout=settings.SHORT_TASK,
    )


def export_tables_task() -> ExportOperator:
    """Export the tables that the publication is built from, as files in HDFS."""
    tables = settings.PUBLISHED_TABLES
    return ExportOperator(
        task_id="export_tables", tables=tables, sql=[statement(f"export_{table}") for table in tables], **HIVE
    )


def build_publication_task() -> BuildPublicationOperator:
    """Build the publication from the exports, with its lineage, and store it in HDFS."""
    return BuildPublicationOperator(task_id="build_publication", execution_timeout=settings.LONG_TASK)


def publish_task() -> PublishOperator:
    """Copy the publication to the store, make it live and its model the champion."""
    publication = (*STORE, "--publication", settings.BATCH_ID, "--actor", "airflow")
    source = ("--from", f"{settings.WEBHDFS_URL}{settings.PUBLICATIONS}", "--user", settings.HDFS_USER)
    return PublishOperator(
        task_id="publish",
        argv=[*SERVING_CLI, "pull", *publication, *source],
        following=[
            [*SERVING_CLI, "activate", *publication, "--reason", "promoted in {{ run_id }}"],
            [*DECIDE, "--apply"],
        ],
        outlets=[LIVE_RECOMMENDATIONS],
        execution_timeout=settings.LONG_TASK,
    )


def prune_task(task_id: str, store: Path) -> ProgramOperator:
    """Delete a store's publications that are not live, pinned or for a rollback."""
    return ProgramOperator(
        task_id=task_id,
        argv=[
            *(*SERVING_CLI, "prune", "--store", str(store), "--keep", str(settings.PUBLICATIONS_KEPT)),
            *("--actor", "airflow", "--reason", "retention, {{ run_id }}"),
        ],
        execution_timeout=settings.SHORT_TASK,
    )


def drop_old_batches_task() -> DropOldBatchesOperator:
    """Drop the batches that are neither recent nor protected by their publication."""
    return DropOldBatchesOperator(
        task_id="drop_old_batches",
        argv=list(SERVING_CLI),
        stores=[settings.PUBLICATION_STORE, settings.SENTIMENT_STORE],
        keep=settings.BATCHES_KEPT,
        pool=settings.HIVE_POOL,
        execution_timeout=settings.LONG_TASK,
    )


def record_refusal_task() -> ProgramSequenceOperator:
    """Write the refusal and its reasons to the ledger and MLflow."""
    reasons = "{{ ti.xcom_pull(task_ids='decide_promotion')['reasons'] | join('; ') }}"
    publication = (*STORE, "--publication", settings.BATCH_ID, "--actor", "airflow")
    return ProgramSequenceOperator(
        task_id="record_refusal",
        argv=[*SERVING_CLI, "refuse", *publication, "--reason", reasons],
        following=[[*DECIDE, "--apply"]],
        execution_timeout=settings.SHORT_TASK,
    )

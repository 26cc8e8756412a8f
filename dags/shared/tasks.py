"""One submit function per job kind: a DAG names the job and its arguments, the rest is written here.

A task is named after its job's file, so that one grep finds both.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.sdk import Asset, task

from shared import settings
from shared.failures import explain_failure
from shared.one_run import OneRunSensor
from shared.operators import (
    BuildPublicationOperator,
    DecidePromotionOperator,
    LoadOperator,
    MrJobOperator,
    ProgramOperator,
    ProgramSequenceOperator,
    PublishOperator,
    SparkJobOperator,
    ValidateOperator,
    hdfs_client,
)
from shared.programs import RunningProgram
from shared.retention import DropOldBatchesOperator

LIVE_RECOMMENDATIONS = Asset(name="live_recommendations", uri=f"{settings.HDFS_URI}{settings.PUBLICATIONS}")
SERVING_CLI = (settings.SERVING_PYTHON, "-m", "serving.publications")
HIVE: dict[str, Any] = {
    "conn_id": settings.HIVE_CONNECTION,
    "pool": settings.HIVE_POOL,
    "do_xcom_push": False,
    "execution_timeout": settings.LONG_TASK,
}
STORE = ("--store", str(settings.PUBLICATION_STORE))
# What the tasks of every DAG have.
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
    *("--recent-popularity-margin", settings.RECENT_POPULARITY_MARGIN),
)


def wait_for_other_runs_task() -> OneRunSensor:
    """Waits until no other run of the DAG is at work, a backfill's included; the other tasks' clearing runs it again."""
    sensor = OneRunSensor(
        task_id="wait_for_other_runs",
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
    """Checks the source archive and writes the raw snapshot of this batch to HDFS; returns its manifest.

    Ratings that were given in the accounts service up to the batch's moment join it.
    """
    from ingest.pipeline import ingest

    params = context["params"]
    batch_id = settings.batch_id_of(context["dag_run"])
    feedback = None
    if settings.ACCOUNTS_PYTHON and settings.ACCOUNTS_DATABASE_IS_SET:
        # The database's address has a password: the program reads it from the environment.
        RunningProgram(export_feedback(batch_id), logging.getLogger("airflow.task")).wait()
        feedback = settings.FEEDBACK / batch_id
    return ingest(
        hdfs_client(),
        dataset=params["dataset"],
        batch_id=batch_id,
        cache_dir=settings.CACHE,
        archive=params["archive"] or None,
        feedback=feedback,
    )


def export_feedback(batch_id: str) -> list[str]:
    """Returns the command that exports a batch's ratings from the accounts service; run again, it finds them exported."""
    program = [settings.ACCOUNTS_PYTHON, "-m", "serving.accounts.export"]
    return [*program, "--output", str(settings.FEEDBACK), "--batch-id", batch_id]


def mrjob_task(part: str, arguments: Sequence[str] = ()) -> MrJobOperator:
    """Runs `mr_jobs/mr_clean_<part>.py` on YARN over the snapshot's file of `part`; skipped where there is none."""
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
    """Return the template of `hql/<name>.hql`; `parameters` are Jinja expressions for what the file names.

    batch_id and dataset are always there.
    """
    names = {"batch_id": "batch_id_of(dag_run)", "dataset": "params.dataset", **parameters}
    return "".join(f"{{% set {key} = {value} %}}" for key, value in names.items()) + f"{{% include '{name}.hql' %}}"


def hive_task(task_id: str, statements: Sequence[str]) -> SQLExecuteQueryOperator:
    """Runs the statements, one after the other in one HiveServer2 session."""
    return SQLExecuteQueryOperator(task_id=task_id, sql=list(statements), **HIVE)


def create_tables_task() -> SQLExecuteQueryOperator:
    """Creates both databases and all tables that are not there yet."""
    staging = [f"staging_{part}" for part in settings.PARTS]
    return hive_task(
        "create_tables",
        [
            *(statement("create_database"), statement("create_attempt_database")),
            *(statement(f"create_{table}") for table in (*staging, *settings.WAREHOUSE_TABLES, *settings.TOP_N_TABLES)),
            *(statement("create_attempt_table", table=f"'{table}'") for table in settings.WAREHOUSE_TABLES),
        ],
    )


def load_warehouse_task() -> LoadOperator:
    """Loads every warehouse table of the batch, and the marts, from what the cleaning jobs wrote: wholly or not at all."""
    layout = f"{settings.INGEST_RESULT}['layout']"
    statements = []
    for part in settings.PARTS:
        # The same batch may have been made of another data set, whose rows lie elsewhere.
        statements.append(statement("drop_partition", table=f"'staging_{part}'"))
        statements += [
            f"{{% if '{part}' in {layout} %}}{statement(name)}{{% endif %}}"
            for name in (f"load_staging_{part}", f"load_{part}")
        ]
    statements += [
        statement("load_quarantine", layout=layout),
        statement("load_row_accounting", layout=layout, files=f"{settings.INGEST_RESULT}['files']"),
        *(statement(f"load_{table}") for table in settings.MARTS),
    ]
    return LoadOperator(
        task_id="load_warehouse",
        tables=settings.WAREHOUSE_TABLES,
        sql=statements,
        add_partitions=[statement("add_partition", table=f"'{table}'") for table in settings.WAREHOUSE_TABLES],
        # A data set without tags, links or users skips their cleaning.
        trigger_rule="none_failed",
        **HIVE,
    )


def load_top_n_task() -> SQLExecuteQueryOperator:
    """Makes readable in Hive what `recommend_top_n` wrote."""
    return hive_task("load_top_n", [statement("add_partition", table=f"'{table}'") for table in settings.TOP_N_TABLES])


def validate_task(task_id: str, tables: Sequence[str]) -> ValidateOperator:
    """Runs the suites `expectations/<table>.json` on this batch's partitions, in one process."""
    return ValidateOperator(
        task_id=task_id,
        argv=[
            *(settings.PYTHON, str(settings.EXPECTATIONS / "validate.py"), "--tables", *tables),
            *("--batch-id", settings.BATCH_ID, "--webhdfs", settings.WEBHDFS_URL, "--user", settings.HDFS_USER),
            *("--dataset", "{{ params.dataset }}", "--suites", str(settings.EXPECTATIONS)),
            *("--data-docs", str(settings.DATA_DOCS)),
            *(part for limit in settings.DRIFT_LIMITS.items() for part in limit),
        ],
        execution_timeout=settings.LONG_TASK,
    )


def spark_task(job: str, arguments: Sequence[str]) -> SparkJobOperator:
    """Submits `spark_jobs/<job>.py` to the master of connection `spark_default`; its helpers travel with it."""
    application = settings.SPARK_JOBS / f"{job}.py"
    result = f"{settings.MODEL_PATH}/{job}.json"
    return SparkJobOperator(
        task_id=job,
        conn_id=settings.SPARK_CONNECTION,
        application=str(application),
        name=f"{job}-{settings.BATCH_ID}",
        application_args=["--batch-id", settings.BATCH_ID, *arguments, "--result", f"hdfs://{result}"],
        result_path=result,
        conf={"spark.yarn.tags": f"marquee-{{{{ batch_id_of(dag_run) | lower }}}}-{job}"},
        env_vars={
            "PYSPARK_PYTHON": settings.PYTHON,
            "PYSPARK_DRIVER_PYTHON": settings.PYTHON,
            "HADOOP_USER_NAME": settings.HDFS_USER,
        },
        spark_binary=settings.SPARK_SUBMIT,
        # A retry starts afresh: the job replaces its own output, and nothing is left to join.
        durable=False,
        execution_timeout=settings.LONG_TASK,
    )


def decide_promotion_task(if_promoted: str, if_refused: str) -> DecidePromotionOperator:
    """Runs the promotion gate `spark_jobs/decide_promotion.py`, which needs no Spark, and takes one of two ways."""
    return DecidePromotionOperator(
        task_id="decide_promotion",
        argv=DECIDE,
        if_promoted=if_promoted,
        if_refused=if_refused,
        execution_timeout=settings.SHORT_TASK,
    )


def build_publication_task() -> BuildPublicationOperator:
    """Builds the publication of this batch from the exports, with its lineage, and stores it in HDFS."""
    return BuildPublicationOperator(task_id="build_publication", execution_timeout=settings.SHORT_TASK)


def publish_task() -> PublishOperator:
    """Brings the publication into the serving store and makes it the live one, then its model the champion."""
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
        execution_timeout=settings.SHORT_TASK,
    )


def prune_publications_task() -> ProgramOperator:
    """Deletes publications from the serving store that are neither live, pinned nor near enough to go back to."""
    return ProgramOperator(
        task_id="prune_publications",
        argv=[
            *(*SERVING_CLI, "prune", *STORE, "--keep", str(settings.PUBLICATIONS_KEPT)),
            *("--actor", "airflow", "--reason", "retention, {{ run_id }}"),
        ],
        execution_timeout=settings.SHORT_TASK,
    )


def drop_old_batches_task() -> DropOldBatchesOperator:
    """Drops the batches that are neither recent nor protected by their publication."""
    return DropOldBatchesOperator(
        task_id="drop_old_batches",
        argv=[*SERVING_CLI, "list", "--json", *STORE],
        ledger_argv=[*SERVING_CLI, "ledger", *STORE],
        keep=settings.BATCHES_KEPT,
        pool=settings.HIVE_POOL,
        execution_timeout=settings.LONG_TASK,
    )


def record_refusal_task() -> ProgramSequenceOperator:
    """Writes to the ledger and to MLflow that this batch's model was refused, and why. What is live stays live."""
    reasons = "{{ ti.xcom_pull(task_ids='decide_promotion')['reasons'] | join('; ') }}"
    publication = (*STORE, "--publication", settings.BATCH_ID, "--actor", "airflow")
    return ProgramSequenceOperator(
        task_id="record_refusal",
        argv=[*SERVING_CLI, "refuse", *publication, "--reason", reasons],
        following=[[*DECIDE, "--apply"]],
        execution_timeout=settings.SHORT_TASK,
    )

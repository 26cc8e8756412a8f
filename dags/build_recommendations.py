"""Build and publish recommendations.

**Purpose.** One run takes a data set, of MovieLens or your own, from its source to the lists that the recommendation API serves.
Steps: a raw snapshot in HDFS, cleaning with mrjob on YARN, Hive warehouse, expectations, Spark ALS with MLflow, the
gate, top-N tables, a checksummed publication, the switch of the live pointer. No lists are made for a refused model.

**Rerun rule.** Everything a run writes carries its `batch_id`: the UTC second of its logical date, or of run_after. If
another run has that second, the run takes the next free one. Each task replaces its own output. You can clear any
task, with its downstream tasks, at any time: the same batch gives the same bytes. A backfill stores its publication
and never moves the live pointer.

**Triage.** The log of a failed task ends with its program's last lines. You can run the command at its top by hand.

| task | usual cause | what to do |
|---|---|---|
| `wait_for_other_runs` | it waits while another run works, a backfill's too | nothing; or let the other run fail |
| `ingest_movielens` | archive or source missing, changed or of another layout | correct `archive` or `source`, trigger again |
| `mr_clean_*` | YARN has no memory left, or a node is down (skipped: no such file) | see YARN's UI, clear the task |
| `create_*`, `load_*`, `export_*` | HiveServer2 or the metastore is down; a query failed | read its log, clear it |
| `validate_*` | data break a rule or drifted: see the log and the button Data docs | fix the source; never skip it |
| `train_als` | Spark ran out of memory; MLflow is down | lower `rank`, or raise heaps in `.env` |
| `decide_promotion` | it never fails on a poor model, see `record_refusal` | read the reasons in the ledger |
| `recommend_top_n` | as `train_als` (skipped: the model was refused) | as there |
| `build_publication`, `publish` | the serving store is full or read-only | free some space, clear the task |

A failed task never changes the live publication. To roll back, run `python -m serving.publications rollback`.
"""

from __future__ import annotations

from airflow.sdk import DAG, Param, chain
from marquee import parameters, schedules, settings, tasks
from marquee.ingest.datasets import DATASETS, EMBEDDED

ARGUMENTS = {
    "dataset": Param(
        settings.DATASET or EMBEDDED.name,
        **parameters.DATASET,
        examples=list(DATASETS),
        description="MovieLens data set to read, or a name of your own for your own data.",
    ),
    "archive": Param(
        settings.ARCHIVE or None,
        type=["null", "string"],
        **parameters.NO_CONTROL_CHARACTERS,
        description="Zip or folder of it on Airflow's machine. Empty: embedded, or the official address.",
    ),
    "mapping": Param(
        settings.MAPPING or None,
        type=["null", "string"],
        **parameters.NO_CONTROL_CHARACTERS,
        description="File that says how own data is read, as make inspect writes it. Empty: what make inspect proposes.",
    ),
    "source": Param(
        settings.SOURCE or None,
        **parameters.SOURCE,
        description="Own data that is no local file: a database's connection, s3://connection@bucket/folder, hdfs:///folder.",
    ),
    "query": Param(
        settings.QUERY or None,
        **parameters.QUERY,
        description="SELECT whose rows are read from a database. Empty: the mapping has it.",
    ),
    "since": Param(
        settings.SINCE or None,
        type=["null", "string"],
        **parameters.NO_CONTROL_CHARACTERS,
        description="Column of the database that only grows, to read newer rows: id, or rated_at:2026-11-01. Of files: name.",
    ),
    "top_n": Param(100, **parameters.whole(1, 1000), description="Movies in each user's list."),
    "similar_n": Param(50, **parameters.whole(1, 500), description="Similar movies kept for each movie."),
    "rank": Param(64, **parameters.SETTINGS["rank"], description="ALS: number of latent factors."),
    "max_iter": Param(6, **parameters.SETTINGS["max_iter"], description="ALS: iterations."),
    "reg_param": Param(0.3, **parameters.number(100, above_0=True), description="ALS: regularisation."),
    "alpha": Param(1.0, **parameters.SETTINGS["alpha"], description="ALS: weight of a rating as confidence."),
    "model_settings": Param(
        {}, **parameters.MODEL_SETTINGS, description="Further settings of the model, as tune_als proposes them."
    ),
    "seed": Param(
        20261123, **parameters.SETTINGS["seed"], description="ALS: seed; the same seed gives the same lists."
    ),
}

TRACKING = ["--database", settings.DATABASE, "--tracking-uri", settings.MLFLOW_URL, "--model-name", settings.MODEL]
TRAINING = [
    *(*TRACKING, "--experiment", settings.EXPERIMENT, "--model-path", settings.WORK),
    *("--claim", settings.CLAIM),
    *("--rank", "{{ params.rank | int }}", "--max-iter", "{{ params.max_iter | int }}"),
    *("--reg-param", "{{ params.reg_param }}"),
    *("--alpha", "{{ params.alpha }}", "--seed", "{{ params.seed | int }}"),
    *("--settings", "{{ params.model_settings | tojson }}", "--split", settings.SPLIT),
    *("--dataset", "{{ params.dataset }}", "--git-commit", "{{ git_commit() }}", "--airflow-run-id", "{{ run_id }}"),
]
LISTS = [
    *(*TRACKING, "--model-version", "{{ ti.xcom_pull(task_ids='train_als')['model_version'] }}"),
    *("--warehouse", settings.WORK, "--top-n", "{{ params.top_n | int }}"),
    *("--similar-n", "{{ params.similar_n | int }}", "--marks", settings.MARKS),
]

MODEL_FILES = [(name, f"{settings.MODEL_PATH}/{name}") for name in ("user_factors", "item_factors", "evaluation.json")]
LIST_TABLES = [
    (f"{table}/batch_id={settings.BATCH_ID}", f"{settings.WAREHOUSE}/{table}/batch_id={settings.BATCH_ID}")
    for table in settings.TOP_N_TABLES
]

with DAG(
    dag_id="build_recommendations",
    description="MovieLens to published recommendations: HDFS, mrjob, Hive, Spark ALS, MLflow, Flask",
    doc_md=__doc__,
    schedule=schedules.cron(settings.SCHEDULE),
    catchup=False,
    max_active_runs=1,
    params=ARGUMENTS,
    tags=["marquee", "movielens", "publishes"],
    template_searchpath=[str(settings.HQL)],
    user_defined_macros=settings.TEMPLATE_MACROS,
    default_args=tasks.DEFAULT_ARGS,
) as dag:
    until_this_run = ["--latest-timestamp", "{{ latest_timestamp_of(ti) }}"]
    ingest_movielens = tasks.ingest_movielens()
    mr_clean = [
        tasks.mrjob_task(part, until_this_run if part in ("ratings", "tags") else ()) for part in settings.PARTS
    ]
    create_tables = tasks.create_tables_task()
    load_warehouse = tasks.load_warehouse_task()
    validate_warehouse = tasks.validate_task("validate_warehouse", settings.WAREHOUSE_TABLES)
    train_als = tasks.spark_task("train_als", TRAINING, MODEL_FILES, settings.BY_RATINGS)
    decide_promotion = tasks.decide_promotion_task(if_promoted="recommend_top_n", if_refused="record_refusal")
    recommend_top_n = tasks.spark_task("recommend_top_n", LISTS, LIST_TABLES, settings.BY_RATINGS)
    load_top_n = tasks.load_top_n_task()
    validate_top_n = tasks.validate_task("validate_top_n", settings.TOP_N_TABLES)
    export_tables = tasks.export_tables_task()

    chain(ingest_movielens, mr_clean, load_warehouse, validate_warehouse, train_als)
    chain(tasks.wait_for_other_runs_task(), [ingest_movielens, create_tables])
    chain(create_tables, load_warehouse)
    chain(train_als, decide_promotion, recommend_top_n, load_top_n)
    # Exports of lists that prove unsound stay in HDFS: no publication is built of them.
    chain(load_top_n, [validate_top_n, export_tables], tasks.build_publication_task(), tasks.publish_task())
    chain(decide_promotion, tasks.record_refusal_task())

"""Define the pipeline's names, paths and settings, once.

Everything that differs between installations comes from the environment (MARQUEE_*, exported by infra/control).
Templates can call the functions here: `{{ batch_id_of(ti) }}`.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from marquee import code_version

# --- Places on this machine
HOME = Path(os.environ.get("MARQUEE_HOME") or Path(__file__).resolve().parents[2])
INSTANCE = Path(os.environ.get("MARQUEE_INSTANCE_DIR") or HOME / ".marquee" / "instances" / "default")
PYTHON = os.environ.get("MARQUEE_PYTHON") or sys.executable
SERVING_PYTHON = os.environ.get("MARQUEE_SERVING_PYTHON") or PYTHON
# If both are set, each run takes in the ratings that users gave in the accounts service.
ACCOUNTS_PYTHON = os.environ.get("MARQUEE_ACCOUNTS_PYTHON", "")
ACCOUNTS_DATABASE_IS_SET = bool(os.environ.get("MARQUEE_ACCOUNTS_DATABASE"))
# Trains the sentiment model. If both of the service's are set, each run takes in the labelled texts that users agreed to give.
SENTIMENT_PYTHON = os.environ.get("MARQUEE_SENTIMENT_PYTHON") or PYTHON
REVIEWS_PYTHON = os.environ.get("MARQUEE_REVIEWS_PYTHON", "")
REVIEWS_DATABASE_IS_SET = bool(os.environ.get("MARQUEE_REVIEWS_DATABASE"))
SPARK_SUBMIT = str(Path(PYTHON).parent / "spark-submit")
PUBLICATION_STORE = Path(os.environ.get("MARQUEE_PUBLICATION_STORE") or INSTANCE / "data" / "serving")
SENTIMENT_STORE = Path(os.environ.get("MARQUEE_SENTIMENT_STORE") or INSTANCE / "data" / "sentiment")
DATA_DOCS = Path(os.environ.get("MARQUEE_DATA_DOCS") or INSTANCE / "data" / "data-docs")
CACHE = Path(os.environ.get("MARQUEE_CACHE_DIR") or HOME / ".marquee" / "cache")
FEEDBACK = INSTANCE / "data" / "feedback"
REVIEW_FEEDBACK = INSTANCE / "data" / "review-feedback"
TEMPORARY = INSTANCE / "tmp"
HQL = HOME / "hql"
MR_JOBS = HOME / "mr_jobs"
SPARK_JOBS = HOME / "spark_jobs"
EXPECTATIONS = HOME / "expectations"

# --- Services
WEBHDFS_URL = os.environ.get("MARQUEE_WEBHDFS_URL", "http://127.0.0.1:9870")
HDFS_URI = os.environ.get("MARQUEE_HDFS_URI", "hdfs://localhost:9000")
HDFS_USER = os.environ.get("MARQUEE_HDFS_USER", "marquee")
DATA_DOCS_URL = os.environ.get("AIRFLOW__API__BASE_URL", "http://127.0.0.1:8080") + "/data-docs"
MLFLOW_URL = os.environ.get("MARQUEE_MLFLOW_URL", "http://127.0.0.1:5000")
YARN_RM_URL = os.environ.get("MARQUEE_YARN_RM_URL", "http://127.0.0.1:8088")
WEBHDFS_CONNECTION = "webhdfs_default"
HIVE_CONNECTION = "hiveserver2_default"
SPARK_CONNECTION = "spark_default"
# Of a job that reads files of this machine, which a driver in a pod has not: the live model is in this machine's store.
SPARK_CONNECTIONS = {"score_reviews": "spark_local_files"}
# One writer at a time: concurrent INSERTs into a new partition lose rows (HIVE-29744).
HIVE_POOL = "hive_writer"

# --- Names in HDFS, Hive and MLflow
DATABASE = "marquee"
EXPERIMENT = "marquee"
MODEL = "marquee-als"
RUNS = "/marquee/runs"
RAW = "/marquee/raw"
CLEAN = "/marquee/clean"
WAREHOUSE = "/marquee/warehouse"
ATTEMPTS = f"{WAREHOUSE}/_attempts"
MODELS = "/marquee/models"
EXPORTS = "/marquee/exports"
PUBLICATIONS = "/marquee/publications"
# Texts of reviews, for the time of a run.
STORED_REVIEWS = "/marquee/stored_reviews"
# The parts of a data set, each a file. Every data set has ratings and movies.
PARTS = ("ratings", "movies", "tags", "links", "users")
ROWS_TABLES = (*PARTS, "quarantine", "row_accounting")
# A mart follows the tables that it is computed from.
MARTS = (
    "movie_genres",
    "movie_statistics",
    "ratings_by_year",
    "popular_by_genre",
    "user_activity",
    "movie_ratings_by_year",
)
WAREHOUSE_TABLES = (*ROWS_TABLES, *MARTS)
# The API scores newcomers without Spark, from movie_factors and movie_neighbours: see docs/model.md.
TOP_N_TABLES = (
    *("recommendations", "similar_movies", "popular_movies", "movie_factors", "movie_neighbours"),
    *("discoveries", "discovery_prices"),
)
# Own data has ids of its own: see marquee.ingest.own_data.snapshots.dictionary.
CREATED_TABLES = (*WAREHOUSE_TABLES, *TOP_N_TABLES, "ids")
# The data set of labelled reviews, and its tables.
REVIEWS = "reviews"
REVIEW_STAGING = ("reviews", "review_parts")
REVIEW_TABLES = ("labelled_reviews", "review_quarantine", "review_accounting")
# What the nightly scoring writes.
SCORED_REVIEWS, SENTIMENT_MART = "scored_reviews", "movie_sentiment"
PUBLISHED_TABLES = (
    *("movies", *TOP_N_TABLES),
    *("ratings_by_year", "popular_by_genre", "movie_ratings_by_year", "movie_statistics", "row_accounting"),
)

# --- Schedules and a run's defaults
TUNING_SCHEDULE = os.environ.get("MARQUEE_TUNING_SCHEDULE", "0 6 * * 0")
SCHEDULE = os.environ.get("MARQUEE_SCHEDULE", "0 3 * * *")
SENTIMENT_SCHEDULE = os.environ.get("MARQUEE_SENTIMENT_SCHEDULE", "0 7 * * 0")
SCORING_SCHEDULE = os.environ.get("MARQUEE_SCORING_SCHEDULE", "0 5 * * *")
# What a training of the sentiment model reads; see dags/train_sentiment.py.
SENTIMENT_CORPUS = os.environ.get("MARQUEE_SENTIMENT_CORPUS", "")
SENTIMENT_TEXT = os.environ.get("MARQUEE_SENTIMENT_TEXT") or "text"
SENTIMENT_LABEL = os.environ.get("MARQUEE_SENTIMENT_LABEL") or "label"
SENTIMENT_LANGUAGE = os.environ.get("MARQUEE_SENTIMENT_LANGUAGE", "")
SENTIMENT_EMBEDDED = os.environ.get("MARQUEE_SENTIMENT_EMBEDDED", "yes") != "no"
# Empty: the embedded data set, see marquee.ingest.datasets.
DATASET = os.environ.get("MARQUEE_DATASET", "")
ARCHIVE = os.environ.get("MARQUEE_ARCHIVE", "")
MAPPING = os.environ.get("MARQUEE_MAPPING", "")
SOURCE = os.environ.get("MARQUEE_SOURCE", "")
QUERY = os.environ.get("MARQUEE_QUERY", "")
SINCE = os.environ.get("MARQUEE_SINCE", "")
# The parameters of a run that say what it reads.
GIVEN_TO_INGEST = ("dataset", "archive", "mapping", "source", "query", "since")

# nDCG@10 by which the low end of the interval must exceed recent popularity. A negative margin accepts such a loss.
RECENT_POPULARITY_MARGIN = os.environ.get("MARQUEE_RECENT_POPULARITY_MARGIN", "0")
# The share of two users' lists that may be alike on average. At 1, the gate refuses no model for it.
MOST_OVERLAP = os.environ.get("MARQUEE_MOST_OVERLAP", "1")

# --- How far a batch may differ from the one before: see expectations/drift.py for the measures.
DRIFT_LIMITS = {
    f"--drift-{name}": os.environ.get(f"MARQUEE_DRIFT_{name.replace('-', '_').upper()}", default)
    for name, default in (("rows-warning", "0.1"), ("rows-error", "0.5"), ("psi-warning", "0.1"), ("psi-error", "0.25"))
}
# Share of a file's rows of which more may not be quarantined.
QUARANTINE_LIMIT = os.environ.get("MARQUEE_QUARANTINE_LIMIT", "0.2")
# How many batches the warehouse keeps, not counting live, pinned and rollback ones.
BATCHES_KEPT = int(os.environ.get("MARQUEE_BATCHES_KEPT", "14"))
# How many earlier publications the serving store keeps for a rollback.
PUBLICATIONS_KEPT = int(os.environ.get("MARQUEE_PUBLICATIONS_KEPT", "7"))

# --- When the sentiment model is trained again: see serving/reviews/watching/decision.py.
SENTIMENT_WATCH_SCHEDULE = os.environ.get("MARQUEE_SENTIMENT_WATCH_SCHEDULE", "20 * * * *")
RETRAINING_LIMITS = {
    f"--{option}": os.environ.get(f"MARQUEE_SENTIMENT_RETRAIN_{name}", default)
    for option, name, default in (
        ("least-feedback", "FEEDBACK", "200"),
        ("drop", "DROP", "0.03"),
        ("least-labelled", "LABELLED", "500"),
        ("pause-hours", "PAUSE_HOURS", "24"),
    )
}

# --- Retries and limits
RETRIES = int(os.environ.get("MARQUEE_RETRIES", "3"))
RETRY_DELAY = timedelta(seconds=int(os.environ.get("MARQUEE_RETRY_DELAY_SECONDS", "20")))
MAX_RETRY_DELAY = timedelta(minutes=10)
SHORT_TASK = timedelta(minutes=10)
LONG_TASK = timedelta(hours=2)

BATCH_ID_FORMAT = "%Y%m%dT%H%M%S"
# Every run's first task claims its batch id, and the other tasks read it from this task's result.
FIRST_TASK = "wait_for_other_runs"


class DatedRun(Protocol):
    """Describe what the batch id needs of an Airflow DAG run."""

    logical_date: datetime | None
    run_after: datetime


class TaskInstance(Protocol):
    """Describe what the batch id needs of an Airflow task instance."""

    def xcom_pull(self, task_ids: str) -> Any:
        """Return the result of another task of the run."""


def moment_of(dag_run: DatedRun) -> datetime:
    """Return the run's logical date, or run_after where it has none, in UTC.

    A manual run has no logical date. Airflow may start a run from run_after on.
    """
    return (dag_run.logical_date or dag_run.run_after).astimezone(UTC)


def stamp_of(moment: datetime) -> str:
    """Return a time in UTC in the form of a batch id, `YYYYMMDDTHHMMSS`."""
    # strftime writes the year 33 without zeros.
    return f"{moment.year:04}{moment:%m%dT%H%M%S}"


def batch_id_of(ti: TaskInstance) -> str:
    """Return the run's key, `YYYYMMDDTHHMMSS` in UTC, that no other run has.

    It is the same for every attempt of every task of a run: see marquee.cluster.claims.
    """
    batch_id = ti.xcom_pull(task_ids=FIRST_TASK)
    if not isinstance(batch_id, str):
        raise LookupError(f"This run has no batch id. Clear {FIRST_TASK}, which claims one, with downstream tasks.")
    return batch_id


def latest_timestamp_of(ti: TaskInstance) -> int:
    """Return the latest time (Unix seconds) that a rating of this batch can have.

    It comes from the batch id and not from the clock, so that a rerun rejects the same rows.
    """
    return int(datetime.strptime(batch_id_of(ti), BATCH_ID_FORMAT).replace(tzinfo=UTC).timestamp())


def git_commit() -> str:
    """Return the commit of the running code, or 'unknown' with the reason."""
    return code_version.git_commit(HOME)


TEMPLATE_MACROS: dict[str, Any] = {
    "batch_id_of": batch_id_of,
    "git_commit": git_commit,
    "latest_timestamp_of": latest_timestamp_of,
}
# Expressions that several templates share.
BATCH_ID = "{{ batch_id_of(ti) }}"
INGEST_RESULT = "ti.xcom_pull(task_ids='ingest_movielens')"
# Own data may lack times, and may say what users only saw.
OWN_DATA = f"{INGEST_RESULT}.get('own_data', {{}})"
SPLIT = f"{{{{ 'time' if {OWN_DATA}.get('times', True) else 'random' }}}}"
MARKS = f"{{{{ 'yes' if {OWN_DATA} else 'no' }}}}"
# A job of few ratings ends before Java's optimising compiler, which takes half a core of two, has made anything faster.
FEW_RATINGS = 500_000
RATINGS_READ = f"({INGEST_RESULT}['files'] | selectattr('role', 'equalto', 'ratings') | sum(attribute='rows'))"
JAVA_OF_LONG_JOBS, JAVA_OF_SHORT_JOBS = "-XX:+TieredCompilation", "-XX:TieredStopAtLevel=1"


def _by_ratings(few: str, many: str) -> str:
    """Return the template of what suits a batch of at most FEW_RATINGS, or more."""
    return f"{{{{ '{few}' if {RATINGS_READ} <= {FEW_RATINGS} else '{many}' }}}}"


JAVA_BY_RATINGS = _by_ratings(JAVA_OF_SHORT_JOBS, JAVA_OF_LONG_JOBS)
# YARN counts Python's workers, one a core, as memory of their executor, as well as its heap. Where ratings are laid out in parts, a worker
# holds sums of a gram matrix or scores of a block of users.
EXECUTOR_CORES = int(os.environ.get("MARQUEE_SPARK_EXECUTOR_CORES", "2"))
# What Spark adds to the heap by itself, in MB.
USUAL_OVERHEAD = max(384, int(os.environ.get("MARQUEE_SPARK_EXECUTOR_HEAP", "1024")) // 10)
MEMORY_OF_SHORT_JOBS, MEMORY_OF_LONG_JOBS = f"{USUAL_OVERHEAD}m", f"{USUAL_OVERHEAD + 832 * EXECUTOR_CORES}m"
MEMORY_BY_RATINGS = _by_ratings(MEMORY_OF_SHORT_JOBS, MEMORY_OF_LONG_JOBS)
# What suits a Spark job's size: options of its JVMs, and the memory of an executor as well as its heap, None for what Spark gives.
Size = tuple[str, str | None]
LONG_JOB: Size = (JAVA_OF_LONG_JOBS, None)
BY_RATINGS: Size = (JAVA_BY_RATINGS, MEMORY_BY_RATINGS)
MODEL_PATH = f"{MODELS}/{BATCH_ID}"
# Stands in a Spark job's arguments for the folder that its try writes to.
WORK = "WORK"
# Stands for the try's claim, which is gone once another try has begun or this one was stopped.
CLAIM = "CLAIM"
# The name of one try of a task. Airflow gives each try an id of its own, also after a clear.
ATTEMPT_EXPRESSION = "ti.try_number ~ '-' ~ ti.id"
ATTEMPT = f"{{{{ {ATTEMPT_EXPRESSION} }}}}"

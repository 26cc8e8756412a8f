"""Hashes of warehouse partitions, and a connection to Airflow."""

from infra.pipeline.airflow_api import DAG_ID, AirflowApi
from tests.stack import Stack

TABLES = (
    *("ratings", "movies", "tags", "links", "users", "quarantine", "row_accounting"),
    *("movie_genres", "movie_statistics", "ratings_by_year", "popular_by_genre", "user_activity"),
    *("movie_ratings_by_year", "recommendations", "similar_movies", "popular_movies", "movie_factors"),
    *("movie_neighbours", "discoveries", "discovery_prices"),
)


def partition_bytes(stack: Stack, batch: str) -> dict[str, str]:
    """Return the SHA-256 of every file of a batch's partitions, by table and name.

    An empty partition has the name of its table and the value `empty`.
    """
    hashes = {}
    for table in TABLES:
        folder = f"/marquee/warehouse/{table}/batch_id={batch}"
        names = stack.hdfs_names(folder)
        hashes |= {f"{table}/{name}": stack.hdfs_sha256(f"{folder}/{name}") for name in names}
        if not names:
            hashes[table] = "empty"
    return hashes


def airflow(stack: Stack, dag_id: str = DAG_ID) -> AirflowApi:
    """Return a logged-in connection to a DAG of the stack's Airflow."""
    names = ("MARQUEE_AIRFLOW_URL", "MARQUEE_AIRFLOW_USER", "MARQUEE_AIRFLOW_PASSWORD")
    return AirflowApi(*(stack.variables[name] for name in names), dag_id)

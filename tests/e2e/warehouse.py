"""What the end-to-end tests of the warehouse look at: partitions' bytes, runs and tasks of Airflow, what is live."""

import hashlib
import urllib.request
from typing import Any

from infra.pipeline.airflow_api import AirflowApi
from tests.stack import Stack

TABLES = (
    *("ratings", "movies", "tags", "links", "users", "quarantine", "row_accounting"),
    *("movie_genres", "movie_statistics", "ratings_by_year", "popular_by_genre", "user_activity"),
    *("movie_ratings_by_year", "recommendations", "similar_movies", "popular_movies", "movie_factors"),
    "movie_neighbours",
)


def entries(stack: Stack, folder: str) -> dict[str, dict[str, Any]]:
    """Returns what a folder in HDFS holds, by name; hidden files are left out."""
    listed = stack.get(f"{stack.variables['MARQUEE_WEBHDFS_URL']}/webhdfs/v1{folder}?op=LISTSTATUS")
    found = {entry["pathSuffix"]: entry for entry in listed["FileStatuses"]["FileStatus"]}
    return {name: entry for name, entry in sorted(found.items()) if name[0] not in "._"}


def partition_bytes(stack: Stack, batch: str) -> dict[str, str]:
    """Returns the SHA-256 of every file of a batch's partitions, by table and name; an empty partition by its table."""
    hashes = {}
    for table in TABLES:
        folder = f"/marquee/warehouse/{table}/batch_id={batch}"
        names = list(entries(stack, folder))
        hashes |= {f"{table}/{name}": _sha256(stack, f"{folder}/{name}") for name in names}
        if not names:
            hashes[table] = "empty"
    return hashes


def _read(stack: Stack, path: str) -> bytes:
    with urllib.request.urlopen(
        f"{stack.variables['MARQUEE_WEBHDFS_URL']}/webhdfs/v1{path}?op=OPEN", timeout=60
    ) as answer:
        content: bytes = answer.read()
        return content


def _sha256(stack: Stack, path: str) -> str:
    return hashlib.sha256(_read(stack, path)).hexdigest()


def airflow(stack: Stack) -> AirflowApi:
    """Returns a logged-in connection to the stack's Airflow."""
    names = ("MARQUEE_AIRFLOW_URL", "MARQUEE_AIRFLOW_USER", "MARQUEE_AIRFLOW_PASSWORD")
    return AirflowApi(*(stack.variables[name] for name in names))

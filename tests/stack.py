"""The real stack, with its own ports and state: it can run together with a demo."""

import hashlib
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from infra.control.settings import REPOSITORY, Settings
from infra.control.variables import environment

# Most tests look at this batch.
BATCH_DATE = "2026-01-02T03:00:00Z"
BATCH = "20260102T030000"
# Do not read MARQUEE_INSTANCE itself: the tests delete the instance first, and it must never be one in use.
INSTANCE = {
    f"MARQUEE_{name}": os.environ.get(f"MARQUEE_TEST_{name}", default)
    for name, default in (("INSTANCE", "test"), ("PORT_OFFSET", "10000"), ("RETRY_DELAY_SECONDS", "2"))
} | {
    "MARQUEE_GIT_COMMIT": "",  # tests/dags/conftest.py sets one for its recorded commands
    # The nights of BATCH and of the backfills. No run starts by itself between those of the tests, at any hour.
    **{f"MARQUEE_{dag}SCHEDULE": "0 3 2-6 1 *" for dag in ("", "TUNING_", "SENTIMENT_", "SCORING_")},
    # Where the software is. tests/dags/conftest.py, which is imported later, removes it from the environment.
    **{name: value for name, value in os.environ.items() if name == "MARQUEE_STATE"},
}


def run_and_show(command: list[str], environ: dict[str, str], *, check: bool = True) -> str:
    """Run a command in the repository, print its output, and return the output.

    Fails if the command does, unless `check` is false.
    """
    lines = []
    with subprocess.Popen(
        command, cwd=REPOSITORY, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    assert not check or process.returncode == 0, f"{' '.join(command)} exited {process.returncode}"
    return "".join(lines)


class Stack:
    """The running test instance: its commands, its APIs and its warehouse."""

    def __init__(self) -> None:
        self.settings = Settings.load(environ=dict(os.environ) | INSTANCE)
        self.variables = os.environ | environment(self.settings) | INSTANCE

    def control(self, *arguments: str, check: bool = True) -> str:
        """Run a control command, print its output line by line, and return the output."""
        command = [sys.executable, "-u", "-m", "infra.control", *arguments]
        return run_and_show(command, os.environ | INSTANCE, check=check)

    def run(self, *arguments: str) -> str:
        """Run a program with the platform's environment and return its standard output."""
        ended = subprocess.run(
            arguments, cwd=REPOSITORY, env=self.variables, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, f"{arguments} exited {ended.returncode}: {ended.stderr[-3000:]}"
        return ended.stdout

    def pipeline(self, *arguments: str, check: bool = True) -> str:
        return self.control("exec", "--", "python3", "-m", "infra.pipeline", *arguments, check=check)

    def get(self, url: str) -> Any:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return json.load(answer)

    def api(self, path: str) -> Any:
        return self.get(self.variables["MARQUEE_API_URL"] + path)

    def problem(self, path: str) -> tuple[int, Any]:
        """Return the status and problem document of a request that must fail."""
        with pytest.raises(urllib.error.HTTPError) as raised:
            self.api(path)
        with raised.value as error:
            assert error.headers["Content-Type"].startswith("application/problem+json")
            return error.code, json.load(error)

    def hive(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query through HiveServer2."""
        from pyhive import hive

        with hive.connect(
            "127.0.0.1", self.settings.port("HIVESERVER2"), username=self.variables["MARQUEE_USER"], auth="NONE"
        ) as connection:
            cursor = connection.cursor()
            cursor.execute(query)
            return list(cursor.fetchall())

    def hdfs_names(self, folder: str) -> list[str]:
        """Return the sorted names in a folder of HDFS, without hidden files."""
        listed = self.get(f"{self.variables['MARQUEE_WEBHDFS_URL']}/webhdfs/v1{folder}?op=LISTSTATUS")
        names = sorted(entry["pathSuffix"] for entry in listed["FileStatuses"]["FileStatus"])
        return [name for name in names if name[0] not in "._"]

    def hdfs_sha256(self, path: str) -> str:
        """Return the SHA-256 of a file in HDFS."""
        address = f"{self.variables['MARQUEE_WEBHDFS_URL']}/webhdfs/v1{path}?op=OPEN"
        with urllib.request.urlopen(address, timeout=60) as answer:
            return hashlib.sha256(answer.read()).hexdigest()

    def store(self, *parts: str) -> Path:
        return Path(self.variables["MARQUEE_PUBLICATION_STORE"], *parts)


def published_bytes(stack: Stack, batch: str) -> dict[str, str]:
    """Return the SHA-256 of a batch's exported lists and of its publication."""
    hashes = {}
    for table in ("movies", "recommendations", "similar_movies", "popular_movies"):
        folder = f"/marquee/exports/{batch}/{table}"
        names = stack.hdfs_names(folder)
        assert names, f"{folder} is empty"
        hashes |= {f"{table}/{name}": stack.hdfs_sha256(f"{folder}/{name}") for name in names}
    publication = stack.store("publications", batch, "publication.sqlite")
    hashes["publication"] = hashlib.sha256(publication.read_bytes()).hexdigest()
    return hashes

"""The real stack, on its own ports and its own state, so that it runs beside a demo."""

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

# The batch that most tests look at.
BATCH_DATE = "2026-01-02T03:00:00Z"
BATCH = "20260102T030000"
# Not read from MARQUEE_INSTANCE itself: the instance is deleted first, and must never be the one that a person works with.
INSTANCE = {
    f"MARQUEE_{name}": os.environ.get(f"MARQUEE_TEST_{name}", default)
    for name, default in (("INSTANCE", "test"), ("PORT_OFFSET", "10000"), ("RETRY_DELAY_SECONDS", "2"))
} | {"MARQUEE_GIT_COMMIT": ""}  # tests/dags/conftest.py sets one for its recorded commands


class Stack:
    """The running test instance: its commands, its APIs, its warehouse."""

    def __init__(self) -> None:
        self.settings = Settings.load(environ=dict(os.environ) | INSTANCE)
        self.variables = os.environ | environment(self.settings) | INSTANCE

    def control(self, *arguments: str, check: bool = True) -> str:
        """Runs a control command, shows its output as it comes, and returns it."""
        command = [sys.executable, "-u", "-m", "infra.control", *arguments]
        lines = []
        with subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env=os.environ | INSTANCE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                print(line, end="", flush=True)
                lines.append(line)
        status = process.returncode
        assert not check or status == 0, f"{' '.join(command)} exited {status}"
        return "".join(lines)

    def run(self, *arguments: str) -> str:
        """Runs a program with the platform's environment and returns its standard output."""
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
        """Returns status and problem document of a request that must fail."""
        with pytest.raises(urllib.error.HTTPError) as raised:
            self.api(path)
        with raised.value as error:
            assert error.headers["Content-Type"].startswith("application/problem+json")
            return error.code, json.load(error)

    def hive(self, query: str) -> list[tuple[Any, ...]]:
        """Returns the rows of a query through HiveServer2."""
        from pyhive import hive

        with hive.connect(
            "127.0.0.1", self.settings.port("HIVESERVER2"), username=self.variables["MARQUEE_USER"], auth="NONE"
        ) as connection:
            cursor = connection.cursor()
            cursor.execute(query)
            return list(cursor.fetchall())

    def store(self, *parts: str) -> Path:
        return Path(self.variables["MARQUEE_PUBLICATION_STORE"], *parts)


def published_bytes(stack: Stack, batch: str) -> dict[str, str]:
    """Returns the SHA-256 of what a batch publishes: each exported list and the publication in the serving store."""
    webhdfs = stack.variables["MARQUEE_WEBHDFS_URL"] + "/webhdfs/v1"
    hashes = {}
    for table in ("movies", "recommendations", "similar_movies", "popular_movies"):
        folder = f"/marquee/exports/{batch}/{table}"
        entries = stack.get(f"{webhdfs}{folder}?op=LISTSTATUS")["FileStatuses"]["FileStatus"]
        names = sorted(entry["pathSuffix"] for entry in entries if entry["pathSuffix"][0] not in "._")
        assert names, f"{folder} is empty"
        for name in names:
            with urllib.request.urlopen(f"{webhdfs}{folder}/{name}?op=OPEN", timeout=60) as answer:
                hashes[f"{table}/{name}"] = hashlib.sha256(answer.read()).hexdigest()
    hashes["publication"] = hashlib.sha256(
        stack.store("publications", batch, "publication.sqlite").read_bytes()
    ).hexdigest()
    return hashes

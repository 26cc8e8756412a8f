"""A cleaning job that runs again after a kill of its client gives the same bytes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from movielens_like import write_ratings

pytestmark = pytest.mark.stack
JOB = Path(__file__).resolve().parents[2] / "mr_jobs" / "mr_clean_ratings.py"
ROOT = "/marquee-test/restarts"
APPLICATION = re.compile(r"Submitted application (application_\d+_\d+)")


def command(output: str) -> list[str]:
    return [
        sys.executable,
        str(JOB),
        "-r",
        "hadoop",
        f"hdfs://{ROOT}/ratings.csv",
        "--output-dir",
        f"hdfs://{ROOT}/{output}",
    ]


def kill_in_the_middle(stack: Any, output: str) -> str:
    """Start the job, kill its client's process group, and return the application.

    The kill comes when YARN runs the job.
    """
    application = ""
    with subprocess.Popen(
        command(output), env=stack.variables, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as client:
        assert client.stderr is not None
        for line in client.stderr:
            if match := APPLICATION.search(line):
                application = match[1]
            if "map 0% reduce 0%" in line:
                break
        os.killpg(client.pid, signal.SIGKILL)
    assert client.returncode == -signal.SIGKILL
    return application


def checksums(stack: Any, output: str) -> list[str]:
    """Return the checksums of the parts that HDFS keeps, without file names."""
    listed = stack.run("hdfs", "dfs", "-checksum", f"{ROOT}/{output}/part-*")
    return [line.split()[-1] for line in listed.splitlines()]


def test_a_job_whose_client_was_killed_gives_the_same_bytes_when_it_runs_again(stack: Any, tmp_path: Path) -> None:
    write_ratings(tmp_path / "ratings.csv", 400_000)
    stack.run("hdfs", "dfs", "-mkdir", "-p", ROOT)
    stack.run("hdfs", "dfs", "-put", "-f", str(tmp_path / "ratings.csv"), f"{ROOT}/ratings.csv")
    stack.run(*command("undisturbed"))
    application = kill_in_the_middle(stack, "disturbed")
    # The application outlives its client and leaves a folder. Airflow's task also ends the one and deletes the other.
    stack.run("yarn", "application", "-kill", application)
    stack.run("hdfs", "dfs", "-rm", "-r", "-f", "-skipTrash", f"{ROOT}/disturbed")
    stack.run(*command("disturbed"))
    undisturbed = checksums(stack, "undisturbed")
    assert len(undisturbed) == 1
    assert checksums(stack, "disturbed") == undisturbed
    assert "_SUCCESS" in stack.run("hdfs", "dfs", "-ls", f"{ROOT}/disturbed")
    stack.run("hdfs", "dfs", "-rm", "-r", "-skipTrash", ROOT)

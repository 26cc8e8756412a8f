"""A test double of the platform: a local server with recorded answers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.accounts.conftest import postgresql
from tests.local_server import local_server

__all__ = ["postgresql"]

RUN = "scheduled__2026-11-24T03:00:00+00:00"
RUNS = "/api/v2/dags/build_recommendations/dagRuns"
TRAININGS = "/api/v2/dags/train_sentiment/dagRuns"
TASKS = f"{RUNS}/scheduled__2026-11-24T03%3A00%3A00%2B00%3A00/taskInstances"
FINISHED = {
    "dag_run_id": RUN,
    "state": "success",
    "start_date": "2026-11-24T03:00:01Z",
    "end_date": "2026-11-24T03:06:41Z",
    "duration": 400.0,
}
FAILED = {
    "dag_run_id": "watch__accuracy",
    "state": "failed",
    "start_date": "2026-11-22T07:00:01Z",
    "end_date": "2026-11-22T07:09:00Z",
    "duration": 539.0,
}
SNAPSHOT = {
    "files": [
        {"name": "README.txt", "role": "documentation", "rows": None},
        {"name": "ratings.csv", "role": "ratings", "rows": 900},
        {"name": "movies.csv", "role": "movies", "rows": 100},
    ]
}
QUALITY = {
    "ratings": {
        "rows": 890,
        "failed": [],
        "warnings": ["a", "b"],
        "drift": {"against": "20261123T030000", "rows": -0.25, "psi": {"rating": 0.125}},
    },
    "quarantine": {"rows": 5, "failed": ["c"], "warnings": []},
    "movies": {"rows": 100, "failed": [], "warnings": [], "drift": None},
}
LINEAGE = {
    "snapshot": SNAPSHOT,
    "quality": QUALITY,
    "model": {"metrics": {"ndcg_at_10": 0.2, "hit_rate_at_10": 0.3, "rate_at_10": 0.4}},
    "evaluation": {"candidate_ndcg_at_10": 0.2, "recent_popularity_hit_rate_at_10": 0.3, "test_users": 200},
}
PUBLICATION = {
    "publication": "20261124T030000",
    "pinned": True,
    "bytes": 11235328,
    "rows": {"movies": 9742, "recommendations": 61000},
    "data_through": "1970-01-01T01:00:00Z",
    "lineage": LINEAGE,
}
FS_NAMESYSTEM = {
    "BlocksTotal": 115,
    "MissingBlocks": 1,
    "UnderReplicatedBlocks": 2,
    "CorruptBlocks": 3,
    "PendingDeletionBlocks": 40,
    "NumLiveDataNodes": 3,
    "StaleDataNodes": 0,
    "NumDeadDataNodes": 1,
    "CapacityTotal": 1000,
    "CapacityUsed": 200,
    "CapacityRemaining": 700,
    "FilesTotal": 249,
}
CLUSTER = {
    "CapabilityMB": 6144,
    "CapabilityVirtualCores": 4,
    "NumActiveNMs": 1,
    "NumLostNMs": 0,
    "NumUnhealthyNMs": 0,
}
QUEUE = {"AllocatedMB": 2688, "PendingMB": 0, "AllocatedVCores": 3, "PendingVCores": 0} | {
    f"Apps{state}": number
    for number, state in enumerate(("Running", "Pending", "Completed", "Failed", "Killed"), start=1)
}


def _tasks() -> list[dict[str, Any]]:
    states = {"ingest_movielens": "success", "validate_warehouse": "success", "train_als": "success"}
    states |= {"publish": "success", "record_refusal": "skipped"}
    return [{"task_id": task, "state": state, "duration": 10.0} for task, state in states.items()]


def recorded_answers() -> dict[str, Any]:
    """Return the answers by address. An address with `?` comes before one without."""
    jmx = "/jmx?qry=Hadoop:service="
    return {
        "/auth/token": {"access_token": "a token"},
        "/api/v2/monitor/health": {
            "metadatabase": {"status": "healthy"},
            "scheduler": {"status": "unhealthy", "latest_scheduler_heartbeat": "1970-01-01T00:01:40+00:00"},
            "triggerer": {"status": None, "latest_triggerer_heartbeat": None},
        },
        "/api/v2/importErrors": {"total_entries": 2},
        "/api/v2/dags/build_recommendations": {"is_paused": False, "next_dagrun_run_after": "2026-11-25T03:00:00Z"},
        "/api/v2/dags": {
            "dags": [
                {
                    "dag_id": "build_recommendations",
                    "is_paused": False,
                    "next_dagrun_run_after": "2026-11-25T03:00:00Z",
                },
                {"dag_id": "drop_old_batches", "is_paused": False, "next_dagrun_run_after": None},
                {"dag_id": "train_sentiment", "is_paused": False, "next_dagrun_run_after": "2026-11-29T07:00:00Z"},
                {"dag_id": "tune_als", "is_paused": True, "next_dagrun_run_after": "2026-11-29T06:00:00Z"},
            ]
        },
        "/api/v2/dags/drop_old_batches/dagRuns": {"dag_runs": [FINISHED]},
        TRAININGS: {"dag_runs": [FAILED]},
        "/api/v2/dags/tune_als/dagRuns": {"dag_runs": []},
        RUNS: {"dag_runs": [FINISHED]},
        f"{RUNS}?state=success": {"dag_runs": [FINISHED]},
        f"{RUNS}?state=running": {"dag_runs": []},
        TASKS: {"task_instances": _tasks()},
        f"{TASKS}/ingest_movielens/xcomEntries/return_value": {"value": SNAPSHOT},
        f"{TASKS}/validate_warehouse/xcomEntries/return_value": {"value": {"tables": QUALITY}},
        "/v1/publication": PUBLICATION,
        "/v1/publications": {"items": [{"publication": "20261124T030000"}, {"publication": "20261123T030000"}]},
        "/v1/publications?at": {"entry": {"at": "2026-11-24T03:06:40.500Z", "action": "activated"}},
        f"{jmx}NameNode,name=FSNamesystem": {"beans": [FS_NAMESYSTEM]},
        f"{jmx}ResourceManager,name=ClusterMetrics": {"beans": [CLUSTER]},
        f"{jmx}ResourceManager,name=QueueMetrics,q0=root": {"beans": [QUEUE]},
        "/health": "OK",
        "/api/2.0/mlflow/registered-models/get": {
            "registered_model": {
                "latest_versions": [{"version": "9"}, {"version": "10"}],
                "aliases": [{"alias": "champion", "version": "9"}],
            }
        },
    }


@dataclass
class Platform:
    """The running double. Tests may change `answers`; a number is an error status."""

    url: str
    answers: dict[str, Any] = field(default_factory=recorded_answers)
    requests: list[str] = field(default_factory=list)

    def answer_to(self, target: str) -> Any:
        parts = urlsplit(target)
        query = parse_qs(parts.query)
        kept = next((name for name in ("qry", "at", "state") if name in query), None)
        suffix = f"?{kept}={query[kept][0]}" if kept in ("qry", "state") else f"?{kept}" if kept else ""
        return self.answers.get(parts.path + suffix, 404)


@pytest.fixture
def platform() -> Iterator[Platform]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            double.requests.append(self.path)
            answer = double.answer_to(self.path)
            content = json.dumps(answer).encode()
            self.send_response(answer if isinstance(answer, int) else 200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def log_message(self, *_: object) -> None:
            return

    with local_server(Handler) as address:
        double = Platform(address)
        yield double


@pytest.fixture(scope="session")
def promtool() -> str:
    found = shutil.which("promtool")
    if not found:
        pytest.skip("promtool is missing. Install Debian's package `prometheus` (`make install` for the tests does)")
    return found


REPOSITORY = Path(__file__).resolve().parents[2]
MONITORING = REPOSITORY / "infra" / "monitoring"

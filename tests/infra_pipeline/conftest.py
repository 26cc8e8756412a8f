"""A double of Airflow's API and of the recommendation API: a real HTTP server that plays a written run."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

RUN_ID = "manual__2026-11-23T19:00:00+00:00"


class Double(ThreadingHTTPServer):
    """`routes` maps (method, path without query) to what gives (status, JSON) for a request's body."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.routes: dict[tuple[str, str], Callable[[Any], tuple[int, Any]]] = {}
        self.requests: list[tuple[str, str, Any]] = []
        self.authorizations: list[str | None] = []
        self.url = f"http://127.0.0.1:{self.server_port}"

    def answer(self, method: str, path: str, *answers: Any, status: int = 200) -> None:
        """Give these answers one after the other; the last one stays."""
        waiting = list(answers)

        def next_answer(_body: Any) -> tuple[int, Any]:
            return status, waiting.pop(0) if len(waiting) > 1 else waiting[0]

        self.routes[(method, path)] = next_answer


class _Handler(BaseHTTPRequestHandler):
    server: Double

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"null")
        path = self.path.split("?")[0]
        self.server.requests.append((self.command, self.path, body))
        self.server.authorizations.append(self.headers.get("Authorization"))
        route = self.server.routes.get((self.command, path))
        status, answer = route(body) if route else (404, {"detail": f"{self.command} {path} is not played"})
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = _serve

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def double() -> Iterator[Double]:
    with Double() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def task(
    name: str, state: str | None, start: int = 0, seconds: float | None = None, attempt: int = 1
) -> dict[str, Any]:
    """A task instance as Airflow describes it; `start` in seconds after 19:00:00."""
    begun = state not in (None, "queued", "scheduled", "skipped")
    end = None if seconds is None else f"2026-11-23T19:00:{start + int(seconds):02d}Z"
    return {
        "task_id": name,
        "state": state,
        "try_number": attempt,
        "max_tries": 2,
        "start_date": f"2026-11-23T19:00:{start:02d}Z" if begun else None,
        "end_date": end,
        "duration": seconds,
    }


@pytest.fixture
def airflow(double: Double, monkeypatch: pytest.MonkeyPatch) -> Double:
    """The double with login, DAG and trigger played; a test adds how the run goes."""
    monkeypatch.setenv("MARQUEE_AIRFLOW_URL", double.url)
    monkeypatch.setenv("MARQUEE_AIRFLOW_USER", "admin")
    monkeypatch.setenv("MARQUEE_AIRFLOW_PASSWORD", "secret")
    monkeypatch.setenv("AIRFLOW__LOGGING__BASE_LOG_FOLDER", "/logs")
    monkeypatch.setattr("infra.pipeline.progress.SECONDS_BETWEEN_LOOKS", 0.0)
    dag = "/api/v2/dags/build_recommendations"
    double.answer("POST", "/auth/token", {"access_token": "ticket"}, status=201)
    double.answer("PATCH", dag, {"is_paused": False})
    double.answer("POST", f"{dag}/dagRuns", {"dag_run_id": RUN_ID, "state": "queued"})
    return double


@pytest.fixture
def play(airflow: Double) -> Callable[..., None]:
    """Returns a function that plays a run: states of the run, and what each look at its tasks shows."""
    run = "/api/v2/dags/build_recommendations/dagRuns/manual__2026-11-23T19%3A00%3A00%2B00%3A00"

    def run_with(states: list[str], *looks: list[dict[str, Any]]) -> None:
        airflow.answer("GET", run, *({"dag_run_id": RUN_ID, "state": state} for state in states))
        airflow.answer("GET", f"{run}/taskInstances", *({"task_instances": look} for look in looks))

    return run_with

"""Test the end of YARN applications by tag, on a double of the ResourceManager."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from marquee import settings
from marquee.cluster import yarn


class Quiet:
    """A log of warnings."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def info(self, event: str, /, *arguments: Any) -> None:
        """Nobody asks for these."""

    def warning(self, event: str, /, *arguments: Any) -> None:
        self.warnings.append(event % arguments)


@pytest.fixture
def resource_manager(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, str, Any]]]:
    requests: list[tuple[str, str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def serve(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"null")
            requests.append((self.command, self.path, body))
            found = {"apps": {"app": [{"id": "application_1_0001"}]} if "tag-a" in self.path else None}
            content = json.dumps(found).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = serve

        def log_message(self, format: str, *args: Any) -> None:
            """Keep the test's output clean."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setattr(settings, "YARN_RM_URL", f"http://127.0.0.1:{server.server_port}")
        yield requests
        server.shutdown()
        thread.join()


def test_a_tag_is_in_lower_case_as_yarn_keeps_it() -> None:
    assert yarn.application_tag("20261123T190000", "train_als") == "marquee-20261123t190000-train_als"


def test_running_applications_of_the_tag_are_killed(resource_manager: list[tuple[str, str, Any]]) -> None:
    log = Quiet()
    assert yarn.kill_applications("tag-a", log) == ["application_1_0001"]
    (_, asked, _), (method, path, body) = resource_manager
    assert asked.startswith("/ws/v1/cluster/apps?applicationTags=tag-a&states=")
    assert (method, body) == ("PUT", {"state": "KILLED"})
    assert path == "/ws/v1/cluster/apps/application_1_0001/state?user.name=marquee"
    assert log.warnings == ["Killing YARN application application_1_0001, left by an attempt that was stopped."]


def test_no_application_is_nothing_to_do(resource_manager: list[tuple[str, str, Any]]) -> None:
    assert yarn.kill_applications("tag-b", Quiet()) == []
    assert len(resource_manager) == 1


def test_a_resource_manager_that_is_away_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "YARN_RM_URL", "http://127.0.0.1:9")
    log = Quiet()
    assert yarn.kill_applications("tag-a", log) == []
    assert "did not answer for tag-a" in log.warnings[0]

"""Provide a double of HDFS, and programs that print a test's outputs."""

from pathlib import Path
from typing import Any

import pytest


class Hdfs:
    """Records what is done to it."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, ...]] = []

    def delete(self, path: str, recursive: bool = False) -> None:
        self.calls.append(("delete", path))

    def makedirs(self, path: str) -> None:
        self.calls.append(("makedirs", path))

    def rename(self, source: str, target: str) -> None:
        self.calls.append(("rename", source, target))

    def download(self, path: str, target: str) -> None:
        # The real client refuses a target whose folder is not there.
        Path(target).mkdir()
        self.calls.append(("download", path))

    def upload(self, path: str, source: str) -> None:
        self.calls.append(("upload", path, Path(source).read_text()))

    def content(self, path: str) -> dict[str, int]:
        return {"length": 12, "fileCount": 2}


@pytest.fixture
def hdfs(monkeypatch: pytest.MonkeyPatch) -> Hdfs:
    double = Hdfs()
    monkeypatch.setattr("marquee.cluster.hdfs.client", lambda: double)
    monkeypatch.setattr(
        "marquee.cluster.yarn.kill_applications", lambda tag, log: double.calls.append(("kill", tag)) or []
    )
    return double


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that replaces a task's programs and returns its commands.

    The programs print the outputs that the test passes to the function.
    """

    def replaced(task: Any, *outputs: Any) -> list[list[str]]:
        commands: list[list[str]] = []
        waiting = list(outputs)

        def run(argv: list[str]) -> str:
            commands.append(list(argv))
            output = waiting.pop(0)
            if isinstance(output, Exception):
                raise output
            return str(output)

        monkeypatch.setattr(task, "run", run)
        return commands

    return replaced

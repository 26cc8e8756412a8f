"""Provide a double of HDFS, and programs that print a test's outputs."""

from typing import Any

import pytest

from tests.dags.memory_hdfs import MemoryHdfs


@pytest.fixture
def hdfs(monkeypatch: pytest.MonkeyPatch) -> MemoryHdfs:
    double = MemoryHdfs()
    monkeypatch.setattr("marquee.cluster.hdfs.client", lambda: double)
    return double


@pytest.fixture
def killed_tags(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the tags whose YARN applications were killed."""
    tags: list[str] = []
    monkeypatch.setattr("marquee.cluster.yarn.kill_applications", lambda tag, log: tags.append(tag) or [])
    return tags


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that replaces a task's programs and returns its commands.

    The programs print the outputs that the test passes to the function, or do what a function of their arguments does.
    """

    def replaced(task: Any, *outputs: Any) -> list[list[str]]:
        commands: list[list[str]] = []
        waiting = list(outputs)

        def run(argv: list[str]) -> str:
            commands.append(list(argv))
            output = waiting.pop(0)
            if callable(output):
                output = output(argv)
            if isinstance(output, Exception):
                raise output
            return str(output)

        monkeypatch.setattr(task, "run", run)
        return commands

    return replaced

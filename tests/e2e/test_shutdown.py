"""Tests of `make down`. tests/conftest.py puts them after all others."""

from pathlib import Path

import pytest

from infra.control.lifecycle import marked_processes
from tests.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]


def test_down_leaves_no_process_and_keeps_the_data(stack: Stack, first_run: str) -> None:
    printed = stack.control("down")
    assert "no process is left; data is kept" in printed
    assert marked_processes(stack.settings) == {}
    assert not any(str(stack.settings.instance) in line for line in command_lines())
    assert stack.store("live", "manifest.json").is_file()


def command_lines() -> list[str]:
    lines = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            lines.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return lines

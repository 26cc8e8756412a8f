"""Comparison of what a task runs with what was recorded, in recorded_commands/."""

from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
RECORDED = Path(__file__).with_name("recorded_commands")


def assert_recorded(name: str, text: str) -> None:
    """Compare with the recorded file.

    To record again, delete the file, run the test twice, and read the difference.
    """
    path = RECORDED / name
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        pytest.fail(f"{path.name} did not exist and was recorded: read it, then run again.")
    assert text == path.read_text(encoding="utf-8")


def as_lines(argv: list[str]) -> str:
    """Return one argument a line, with the repository's folder as $MARQUEE_HOME.

    The folder differs between machines.
    """
    return "".join(f"{argument}\n" for argument in argv).replace(str(REPOSITORY), "$MARQUEE_HOME")


def assert_recorded_statements(task_id: str, task: Any) -> None:
    """Compare the first line of each of a Hive task's statements with the recorded file."""
    statements = [sql for sql in (*task.sql, *getattr(task, "add_partitions", [])) if sql.strip()]
    names = [next(line for line in sql.splitlines() if line and not line.startswith("--")) for sql in statements]
    assert_recorded(f"{task_id}.txt", "".join(f"{name}\n" for name in names))
    assert not any("{{" in sql or "{%" in sql for sql in statements)

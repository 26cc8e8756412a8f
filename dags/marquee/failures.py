"""Explain a failed task at the end of its log."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

log = logging.getLogger("airflow.task")


def explain_failure(context: Mapping[str, Any]) -> None:
    """Log in one line what failed, in which run, and how to run it again."""
    instance = context["ti"]
    log.error(
        "Task %s of run %s failed at its last attempt, number %s: %s. It published nothing. "
        "Fix the cause, then clear the task with downstream tasks: it replaces its own output. "
        "The DAG's documentation lists causes and remedies for each task.",
        instance.task_id,
        instance.run_id,
        instance.try_number,
        _first_line(context.get("exception")),
    )


def _first_line(error: object) -> str:
    """Return the first line of an error without its full stop, at most 300 characters.

    The log holds all of it above.
    """
    lines = str(error).splitlines() or [type(error).__name__]
    return lines[0][:300].rstrip(". ")

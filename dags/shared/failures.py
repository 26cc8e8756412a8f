"""What a failed task says at the end of its log."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from shared import settings

log = logging.getLogger("airflow.task")


def explain_failure(context: Mapping[str, Any]) -> None:
    """Writes one line to the task log: what failed, in which batch, and how to run it again (see the DAG's runbook)."""
    instance = context["ti"]
    log.error(
        "Task %s of batch %s failed for good at attempt %s: %s. Nothing was published by it. "
        "Mend the cause, then clear the task (with downstream tasks): it replaces its own output. "
        "The DAG's documentation lists causes and remedies task by task.",
        instance.task_id,
        settings.batch_id_of(context["dag_run"]),
        instance.try_number,
        _first_line(context.get("exception")),
    )


def _first_line(error: object) -> str:
    """Return an error's first line, cut where it gets long: the whole of it stands above in the log."""
    lines = str(error).splitlines() or [type(error).__name__]
    return lines[0][:300]

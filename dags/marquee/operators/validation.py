"""Run the expectations as a task, with a button to the data docs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow.sdk import BaseOperatorLink, Context

from marquee import settings
from marquee.operators.program import ProgramOperator, not_retried


class DataDocsLink(BaseOperatorLink):
    """Link a task to the data docs of its batch."""

    name = "Data docs"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Return the address; Airflow calls this after a failed task too."""
        return f"{settings.DATA_DOCS_URL}/{operator.batch_id}/index.html"


class ValidateOperator(ProgramOperator):
    """Run expectations/validate.py; a button leads to its findings."""

    template_fields: Sequence[str] = (*ProgramOperator.template_fields, "batch_id")
    operator_extra_links = (DataDocsLink(),)

    def __init__(self, *, batch_id: str = settings.BATCH_ID, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.batch_id = batch_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Return the program's result; do not try again what fails for good."""
        with not_retried():
            return super().execute(context)

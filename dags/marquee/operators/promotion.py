"""Run the promotion gate as a task that branches."""

from __future__ import annotations

from typing import Any

from airflow.providers.standard.operators.branch import BranchMixIn
from airflow.sdk import Context

from marquee.operators.program import ProgramOperator

XCOM_RETURN_KEY = "return_value"


class DecidePromotionOperator(ProgramOperator, BranchMixIn):  # type: ignore[misc] # the provider is untyped
    """Run the gate; continue with `if_promoted` or `if_refused`.

    The decision is the task's result.
    """

    inherits_from_skipmixin = True

    def __init__(self, *, if_promoted: str, if_refused: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.if_promoted = if_promoted
        self.if_refused = if_refused

    def execute(self, context: Context) -> dict[str, Any]:
        """Return the decision: `promoted` (bool), `reasons`, and what the gate compared."""
        decision = super().execute(context)
        # Branching ends the task by an exception. Airflow would lose a result that the task returns after it.
        context["ti"].xcom_push(key=XCOM_RETURN_KEY, value=decision)
        self.do_branch(context, self.if_promoted if decision["promoted"] else self.if_refused)
        return decision

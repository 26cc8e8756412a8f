"""Decide whether the sentiment model is trained again, as a task that branches."""

from __future__ import annotations

from typing import Any

from airflow.providers.standard.operators.branch import BranchMixIn
from airflow.sdk import Context

from marquee.operators.program import ProgramOperator

XCOM_RETURN_KEY = "return_value"


class DecideRetrainingOperator(ProgramOperator, BranchMixIn):  # type: ignore[misc] # the provider is untyped
    """Run the decision; continue with `if_due`, or skip what follows.

    The decision is the task's result. While a run of the training DAG works or waits, nothing is due.
    """

    inherits_from_skipmixin = True

    def __init__(self, *, training_dag: str, if_due: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.training_dag = training_dag
        self.if_due = if_due

    def execute(self, context: Context) -> dict[str, Any]:
        """Return the decision: `train` (bool), `cause` and `reason`."""
        decision = super().execute(context)
        if decision["train"] and context["ti"].get_dr_count(dag_id=self.training_dag, states=["queued", "running"]):
            decision |= {"train": False, "reason": f"{decision['reason']} A training works or waits already."}
        self.log.info("%s", decision["reason"])
        # Branching ends the task by an exception. Airflow would lose a result that the task returns after it.
        context["ti"].xcom_push(key=XCOM_RETURN_KEY, value=decision)
        self.do_branch(context, self.if_due if decision["train"] else None)
        return decision

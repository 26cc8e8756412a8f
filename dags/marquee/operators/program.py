"""Run programs as Airflow tasks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowFailException

from marquee.cluster.programs import ProgramError, RunningProgram, result_of

# The exit status of a program whose input is wrong: another try would find the same.
FAILED_FOR_GOOD = 3


@contextmanager
def not_retried() -> Iterator[None]:
    """Fail the task without a retry where a program ends with FAILED_FOR_GOOD."""
    try:
        yield
    except ProgramError as error:
        if error.status == FAILED_FOR_GOOD:
            raise AirflowFailException(str(error)) from error
        raise


class ProgramOperator(BaseOperator):
    """Run a program; the JSON object on its last line is the task's result.

    Stopping the task stops the program.
    """

    template_fields: Sequence[str] = ("argv", "environment")
    template_fields_renderers: ClassVar[dict[str, str]] = {"argv": "py", "environment": "json"}

    def __init__(self, *, argv: Sequence[str], environment: dict[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.argv = list(argv)
        self.environment = environment or {}
        self._running: RunningProgram | None = None
        self._stopped = False

    def execute(self, context: Context) -> dict[str, Any]:
        """Return the program's result."""
        return result_of(self.run(self.argv))

    def run(self, argv: Sequence[str]) -> str:
        """Run one program to its end; return the last line of its output."""
        return (self.run_for_lines(argv) or [""])[-1]

    def run_for_lines(self, argv: Sequence[str]) -> list[str]:
        """Run one program to its end; return its output's lines, without empty ones."""
        if self._stopped:
            raise ProgramError("The next program was not started because the task was stopped.")
        self._running = RunningProgram(argv, self.log, self.environment)
        if self._stopped:  # The signal came between.
            self._running.stop()
        return self._running.wait()

    def on_kill(self) -> None:
        """Stop the program and its children; start no other."""
        self._stopped = True
        if self._running is not None:
            self._running.stop()


class ProgramSequenceOperator(ProgramOperator):
    """Run a program and then others; their results together are the task's result."""

    template_fields: Sequence[str] = (*ProgramOperator.template_fields, "following")

    def __init__(self, *, following: Sequence[Sequence[str]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.following = [list(argv) for argv in following]

    def execute(self, context: Context) -> dict[str, Any]:
        """Return all programs' results; a later value replaces an earlier one."""
        result = super().execute(context)
        for argv in self.following:
            result |= result_of(self.run(argv))
        return result

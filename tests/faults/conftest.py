"""The collection of the drills' outcomes, and their table at the end."""

import os
from collections.abc import Callable

import pytest

from tests.faults.checker import Outcome, table

OUTCOMES = pytest.StashKey[list[Outcome]]()
needs_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="mounts a file system or makes a network namespace: root only"
)


@pytest.fixture
def judge(pytestconfig: pytest.Config) -> Callable[[Outcome], None]:
    """Return a function that records an outcome and fails if a row does not hold."""

    def take(outcome: Outcome) -> None:
        pytestconfig.stash.setdefault(OUTCOMES, []).append(outcome)
        assert outcome.wrong, f"{outcome.drill} looked at nothing"
        assert outcome.failed() == {}, outcome

    return take


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if outcomes := config.stash.get(OUTCOMES, []):
        terminalreporter.section("faults")
        for line in table(outcomes):
            terminalreporter.write_line(line)

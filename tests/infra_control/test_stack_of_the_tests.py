"""The instance that the tests start has the state folder that was given to them."""

import os
import subprocess
import sys
from pathlib import Path

from infra.control.settings import REPOSITORY

# In the order of a whole run: the tests of the DAGs are collected before the stack starts.
PROGRAM = """
import sys, types
sys.modules["tests"] = types.ModuleType("tests")  # some package of that name is installed
sys.modules["tests"].__path__ = ["tests"]
import tests.stack, tests.dags.conftest
print(tests.stack.Stack().settings.state)
"""


def test_the_stack_keeps_the_state_folder_that_the_dags_tests_take_from_the_environment(tmp_path: Path) -> None:
    environ = {**os.environ, "MARQUEE_STATE": str(tmp_path), "PYTHONPATH": str(REPOSITORY)}
    shown = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=REPOSITORY, env=environ, capture_output=True, text=True, check=True
    )
    assert shown.stdout.splitlines()[-1] == str(tmp_path)

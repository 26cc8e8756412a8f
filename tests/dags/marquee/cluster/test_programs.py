"""Test programs that tasks start: result, failure, and a stop that ends all."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from marquee.cluster.programs import ProgramError, RunningProgram, result_of


class Lines:
    """A log that keeps its lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def info(self, event: str, /, *arguments: Any) -> None:
        self.lines.append(event % arguments)

    warning = info


def python(code: str, log: Lines | None = None) -> RunningProgram:
    return RunningProgram([sys.executable, "-c", code], log or Lines())


def test_the_result_is_the_last_line_of_output_and_all_lines_reach_the_log() -> None:
    log = Lines()
    program = python("import sys; print('working'); print('{\"rows\": 3}'); print('done', file=sys.stderr)", log)
    assert result_of(program.wait()[-1]) == {"rows": 3}
    assert {"working", '{"rows": 3}', "done"} <= set(log.lines)
    assert log.lines[0].startswith("Running in ")


def test_a_failure_has_the_status_and_the_last_lines() -> None:
    program = python("import sys; print('disk full', file=sys.stderr); sys.exit(3)")
    with pytest.raises(ProgramError, match=r"(?s)ended with status 3.*disk full") as failure:
        program.wait()
    assert failure.value.status == 3


@pytest.mark.parametrize("line", ["", "done", "[1]", "{"])
def test_a_program_that_ends_without_a_json_object_is_an_error(line: str) -> None:
    with pytest.raises(ProgramError, match="last line of output should be a JSON object"):
        result_of(line)


def test_bytes_that_are_not_utf8_do_not_stop_the_log() -> None:
    assert python(r"import sys; sys.stdout.buffer.write(b'\xff\n')").wait() == [r"\xff"]


def test_a_stop_ends_the_program_and_its_children(tmp_path: Path) -> None:
    child = tmp_path / "child"
    code = f"""
import subprocess, sys, pathlib
started = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
pathlib.Path({str(child)!r}).write_text(str(started.pid))
started.wait()
"""
    program = python(code)
    while not (child.exists() and child.read_text()):
        time.sleep(0.01)
    pid = int(child.read_text())
    stopping = threading.Timer(0.05, program.stop)
    stopping.start()
    begun = time.monotonic()
    with pytest.raises(ProgramError, match="was stopped because its task was"):
        program.wait()
    stopping.join()
    # Left alone, the program would end by itself after a minute.
    assert time.monotonic() - begun < 30
    deadline = time.monotonic() + 5
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not alive(pid)


def test_a_task_process_that_is_killed_takes_its_program_with_it(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    program = f"import os, pathlib, time; pathlib.Path({str(pid_file)!r}).write_text(str(os.getpid())); time.sleep(60)"
    task = f"""
import logging, sys
from marquee.cluster.programs import RunningProgram
RunningProgram([sys.executable, "-c", {program!r}], logging.getLogger()).wait()
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[4] / "dags")}
    with subprocess.Popen([sys.executable, "-c", task], env=environment) as started:
        while not (pid_file.exists() and pid_file.read_text()):
            time.sleep(0.01)
        pid = int(pid_file.read_text())
        assert Path(f"/proc/{pid}").exists()
        started.kill()
    deadline = time.monotonic() + 30
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not alive(pid)


def alive(pid: int) -> bool:
    """Return whether the process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False

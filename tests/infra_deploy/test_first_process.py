"""infra/deploy/images/first_process.sh, as the process that inherits what others leave behind."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from infra.control.settings import REPOSITORY

PROGRAM = REPOSITORY / "infra/deploy/images/first_process.sh"
PR_SET_CHILD_SUBREAPER = 36


def inherit() -> None:
    """Have this process inherit its descendants' orphans, as the first process of a container does."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    # As a container begins. What a shell starts in the background ignores it, and so would all that these tests start.
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)


def start(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen([str(PROGRAM), *words], preexec_fn=inherit, stdout=subprocess.PIPE, text=True)


def children(parent: int) -> dict[int, str]:
    """Return the state of each child of a process."""
    found = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, ppid = file.read_text(encoding="utf-8").rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if int(ppid) == parent:
            found[int(file.parent.name)] = state
    return found


def wait_until(holds: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.05)


def test_a_process_that_another_left_behind_does_not_stay_as_a_zombie() -> None:
    orphan = "bash -c 'sleep 60 & echo $!'"
    with start("bash", "-c", f"{orphan}; sleep 30") as first:
        assert first.stdout is not None
        left = int(first.stdout.readline())
        # The shell that started it ends some time after it has printed the number.
        wait_until(lambda: left in children(first.pid), "the first process did not inherit it")
        os.kill(left, signal.SIGKILL)
        wait_until(lambda: left not in children(first.pid), "the first process did not wait for its end")
        assert "Z" not in children(first.pid).values()
        first.terminate()


def test_it_ends_as_its_command_ends() -> None:
    with start("bash", "-c", "exit 7") as first:
        assert first.wait(10) == 7


def test_a_signal_to_stop_reaches_the_command_and_its_end_is_awaited() -> None:
    command = "trap 'sleep 0.5; echo stopped; exit 3' TERM; echo ready; while :; do sleep 0.1; done"
    with start("bash", "-c", command) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "ready\n"
        first.send_signal(signal.SIGTERM)
        assert first.wait(10) == 3
        assert first.stdout.read() == "stopped\n"


def test_the_command_hears_the_signals_that_a_shell_in_the_background_would_ignore() -> None:
    # A JVM writes its threads at SIGQUIT.
    command = "trap 'echo threads; heard=yes' QUIT; echo $$; for _ in {1..200}; do [ -z \"$heard\" ] || break; sleep 0.1; done"
    with start("bash", "-c", command) as first:
        assert first.stdout is not None
        process = int(first.stdout.readline())
        subprocess.run(["kill", "-QUIT", str(process)], check=True)
        assert first.stdout.read() == "threads\n"
        assert first.wait(10) == 0

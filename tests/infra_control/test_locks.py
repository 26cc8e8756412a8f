"""A lock that a killed process left to a child, and one that another process keeps."""

import fcntl
import subprocess
import sys
from pathlib import Path

from infra.control.locks import take_lock


def test_a_lock_that_another_keeps_is_not_taken(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("ab") as other, (tmp_path / "lock").open("ab") as lock:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert not take_lock(lock)


def test_a_lock_is_taken_that_a_child_of_a_killed_process_still_has_for_a_moment(tmp_path: Path) -> None:
    """The child is as one that was forked and has not begun its program."""
    holder = f"import fcntl, os, time; f = open({str(tmp_path / 'lock')!r}, 'ab'); fcntl.flock(f, fcntl.LOCK_EX)\n"
    holder += "if os.fork() == 0:\n    time.sleep(0.3)\n    os._exit(0)\nos.kill(os.getpid(), 9)"
    assert subprocess.run([sys.executable, "-c", holder], check=False).returncode == -9
    with (tmp_path / "lock").open("ab") as lock:
        assert take_lock(lock)

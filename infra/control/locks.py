"""Locks of files, which the system lets go when the process that holds one ends."""

from __future__ import annotations

import fcntl
import time
from typing import IO

# A process that is killed while it starts a program leaves a child that holds the lock until the program begins.
SECONDS = 2.0
_PAUSE = 0.05


def take_lock(file: IO[bytes]) -> bool:
    """Take the lock of an open file, for as long as it is open.

    Returns False where another process keeps it.
    """
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(_PAUSE)
        else:
            return True

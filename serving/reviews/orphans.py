"""Ends a worker whose server was killed: else it would keep the port, and no new server could start."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from multiprocessing.process import BaseProcess


def end_with_parent() -> None:
    """Have this process stop in order when the process that started it is gone.

    A server of one worker has no such parent, and nothing is done.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_wait_for_end, args=(parent,), name="end-with-parent", daemon=True).start()


def _wait_for_end(parent: BaseProcess) -> None:
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)

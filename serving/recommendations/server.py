"""Run the recommendation API on granian.

MARQUEE_SERVING_HOST, MARQUEE_SERVING_PORT   address to listen on; default 127.0.0.1:8000
MARQUEE_SERVING_WORKERS                      processes; default 2
PROMETHEUS_MULTIPROC_DIR                     folder for the workers' metrics, wiped at start; default a temporary one

and those of the application, see serving/recommendations/application.py. Run from the repository: python -m serving.recommendations.server
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import signal
import sys
from pathlib import Path

from flask import Flask
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from serving.web.metrics_folder import metrics_folder

# Threads of a worker that run Python; SQLite and NumPy let go of the interpreter, so a slow request stops no other.
_THREADS = 4
# Of a request's line and headers together.
_MAX_HEADER_BYTES = 32 << 10
_STOP_SECONDS = 15
_PR_SET_PDEATHSIG = 1


def prepare_environment() -> Path:
    """Return the folder of the workers' metrics.

    Also set what libraries read when they are imported.
    """
    # A fold-in is a small problem. One thread for each core would cost more time than it saves, and the workers share
    # the cores.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    return metrics_folder()


def application() -> Flask:
    """Return the application of one worker, with the live publication open.

    Verifying a large file takes seconds. No request should wait for that.
    """
    from serving.publications.format import PublicationError
    from serving.publications.reading.freed_memory import keep_little
    from serving.recommendations.application import LIVE_PUBLICATION, create_app

    # If the main process is killed, nothing else would end its workers: they would go on answering while its successor's
    # workers answer too.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    keep_little()
    app = create_app()
    # If nothing is published yet, or nothing is sound, each request says so.
    with contextlib.suppress(PublicationError):
        app.extensions[LIVE_PUBLICATION].current()
    return app


def main() -> None:
    """Serve until a signal ends the server.

    For a wrong setting the program prints one sentence and exits with status 1.
    """
    metrics = prepare_environment()
    # The metrics library reads the environment when it is imported, and the workers are forked from here.
    from serving.recommendations.application import SettingError, create_app

    try:
        create_app()
    except SettingError as error:
        sys.exit(str(error))
    # Samples of an earlier start would be added to those of this one. This process serves nothing, so its own go too.
    for samples in metrics.glob("*.db"):
        samples.unlink()
    # Workers are forked and share what was imported, as long as no collection writes to it.
    gc.collect()
    gc.freeze()
    Granian(
        "serving.recommendations.server:application",
        factory=True,
        interface=Interfaces.WSGI,
        address=os.environ.get("MARQUEE_SERVING_HOST", "127.0.0.1"),
        port=int(os.environ.get("MARQUEE_SERVING_PORT", "8000")),
        workers=int(os.environ.get("MARQUEE_SERVING_WORKERS", "2")),
        blocking_threads=_THREADS,
        http=HTTPModes.http1,
        websockets=False,
        http1_settings=HTTP1Settings(header_read_timeout=15_000, max_buffer_size=_MAX_HEADER_BYTES),
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        workers_kill_timeout=_STOP_SECONDS,
    ).serve()


if __name__ == "__main__":
    main()

# ruff: noqa: N999 - the name that gunicorn users look for
"""gunicorn settings of the accounts service.

MARQUEE_ACCOUNTS_HOST, MARQUEE_ACCOUNTS_PORT   address to listen on; default 127.0.0.1:8001
MARQUEE_ACCOUNTS_WORKERS                       processes; default 2
PROMETHEUS_MULTIPROC_DIR                       folder for the workers' metrics, wiped at start; default a temporary one

Run from the repository: gunicorn -c serving/accounts/gunicorn.conf.py "serving.accounts.application:create_app()"
"""

from __future__ import annotations

import os
from typing import Any

# gunicorn reads each setting by its name in this file.
from serving.web.gunicorn_settings import *  # noqa: F403
from serving.web.gunicorn_settings import wipe_metrics

bind = f"{os.environ.get('MARQUEE_ACCOUNTS_HOST', '127.0.0.1')}:{os.environ.get('MARQUEE_ACCOUNTS_PORT', '8001')}"
workers = int(os.environ.get("MARQUEE_ACCOUNTS_WORKERS", "2"))
# A thread waits while passwords are hashed and the database answers: more threads than processes.
threads = 8

# NumPy comes with the publication's reader: a thread of it for each core would cost more than it brings.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
wipe_metrics()


def post_worker_init(worker: Any) -> None:
    """Follow the live publication in each worker: threads do not survive the fork."""
    from serving.accounts.application import start_following

    start_following(os.environ, worker.app.callable)

# ruff: noqa: N999 - the name that gunicorn users look for
"""gunicorn settings of the accounts service: those of the recommendation API, with an address of its own.

MARQUEE_ACCOUNTS_HOST, MARQUEE_ACCOUNTS_PORT   address to listen on; default 127.0.0.1:8001
MARQUEE_ACCOUNTS_WORKERS                       processes; default 2
PROMETHEUS_MULTIPROC_DIR                       folder for the workers' metrics, wiped at start; default a temporary one

Run from the repository: gunicorn -c serving/accounts/gunicorn.conf.py "serving.accounts.application:create_app()"
"""

from __future__ import annotations

import os
import runpy
from pathlib import Path
from typing import Any

_shared = runpy.run_path(str(Path(__file__).parents[1] / "recommendations" / "gunicorn.conf.py"))
globals().update({name: value for name, value in _shared.items() if not name.startswith("_")})

bind = f"{os.environ.get('MARQUEE_ACCOUNTS_HOST', '127.0.0.1')}:{os.environ.get('MARQUEE_ACCOUNTS_PORT', '8001')}"
workers = int(os.environ.get("MARQUEE_ACCOUNTS_WORKERS", "2"))
# Passwords are hashed and the database is waited for: threads more than processes.
threads = 8
# It would lie in the home folder, the same for every gunicorn of a user.
control_socket_disable = True


def post_worker_init(worker: Any) -> None:
    """Follow the live publication in each worker: threads do not survive the fork."""
    from serving.accounts.application import start_following

    start_following(os.environ, worker.app.callable)

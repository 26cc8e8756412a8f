# ruff: noqa: N999 - the name that gunicorn users look for
"""gunicorn settings: those of the accounts service build on them, and the recommendation API can run on gunicorn too.

MARQUEE_SERVING_HOST, MARQUEE_SERVING_PORT   address to listen on; default 127.0.0.1:8000
MARQUEE_SERVING_WORKERS                      processes; default 2
PROMETHEUS_MULTIPROC_DIR                     folder for the workers' metrics, wiped at start; default a temporary one

Run from the repository: gunicorn -c serving/recommendations/gunicorn.conf.py "serving.recommendations.application:create_app()"
"""

from __future__ import annotations

import os
from typing import Any

from serving.web.metrics_folder import metrics_folder

bind = f"{os.environ.get('MARQUEE_SERVING_HOST', '127.0.0.1')}:{os.environ.get('MARQUEE_SERVING_PORT', '8000')}"
workers = int(os.environ.get("MARQUEE_SERVING_WORKERS", "2"))
worker_class = "gthread"
threads = 4
keepalive = 15
graceful_timeout = 15
timeout = 60
# Shares the program's memory between the workers. The publication is opened after the fork, at the first request.
preload_app = True
# The API writes its own log, one JSON object a request.
accesslog = None
errorlog = "-"
limit_request_line = 4094
limit_request_fields = 64
limit_request_field_size = 8190
# gunicorn trusts no proxy's headers: the applications do, where their settings name proxies.
forwarded_allow_ips = ""

# A fold-in is a small problem: a thread for each core would cost more than it brings, and the workers share the cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Samples of an earlier start would be added to this one's.
for _samples in metrics_folder().glob("*.db"):
    _samples.unlink()


def child_exit(_server: Any, worker: Any) -> None:
    """Take a worker that ended out of the gauges."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)

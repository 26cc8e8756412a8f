"""gunicorn settings that every service with gunicorn shares.

A service's gunicorn.conf.py takes all names of this module, sets its own address and processes, and calls
`wipe_metrics()` before gunicorn imports the application.
"""

from __future__ import annotations

from typing import Any

from serving.web.metrics_folder import metrics_folder

worker_class = "gthread"
keepalive = 15
graceful_timeout = 15
timeout = 60
# The workers share the program's memory.
preload_app = True
# The services write their own log, one JSON object for each request.
accesslog = None
errorlog = "-"
# The most that gunicorn can take: the gateway refuses longer ones with a problem.
limit_request_line = 8190
limit_request_fields = 64
limit_request_field_size = 8190
# gunicorn trusts no proxy's headers: the applications do, where their settings name proxies.
forwarded_allow_ips = ""
# Its default place is the home folder, the same for every gunicorn of a user.
control_socket_disable = True


def wipe_metrics() -> None:
    """Delete the metrics of an earlier start, which would be added to this one's."""
    for samples in metrics_folder().glob("*.db"):
        samples.unlink()


def child_exit(_server: Any, worker: Any) -> None:
    """Take a worker that ended out of the gauges."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)

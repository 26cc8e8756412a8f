"""How the platform is: whether its services serve, what memory they use, and what they log."""

from __future__ import annotations

import json
import os
import socket
import urllib.error
import urllib.request
from pathlib import Path

from infra.control.rows import Service
from infra.control.services import services
from infra.control.settings import REPOSITORY, Settings
from infra.control.supervisor import Supervisor, SupervisorUnreachableError
from infra.control.supervisord import log_path

# A proxy of the caller does not know the platform's hosts.
_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))
AIRFLOW_HEALTH = "/api/v2/monitor/health"


class LogError(Exception):
    """A service has no log to show; the message says why and what to do."""


def serves(settings: Settings, service: Service) -> bool:
    """Return whether a service serves.

    Its HTTP path must answer 200; without a path, its port must accept connections. Airflow's own health report answers for
    the processes of Airflow that have no port.
    """
    host = settings.host(service.name)
    if service.airflow_component:
        airflow = settings.host("airflow-api-server")
        report = _get(f"http://{airflow}:{settings.port('AIRFLOW')}{AIRFLOW_HEALTH}")
        return report is not None and json.loads(report)[service.airflow_component]["status"] == "healthy"
    if service.ready:
        return _get(f"http://{host}:{service.port}{service.ready}") is not None
    return _listens(host, service.port)


def _listens(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(2)
        return probe.connect_ex((host, port)) == 0


def _get(url: str) -> bytes | None:
    """Return the body of a 200 answer, else None."""
    try:
        with _DIRECTLY.open(url, timeout=5) as answer:
            return bytes(answer.read()) if answer.status == 200 else None
    except (urllib.error.URLError, OSError):
        return None


def _memory_mib(pid: int) -> int:
    """Return the proportional set size of a process and its descendants in MiB."""
    total = 0
    pending = [pid]
    while pending:
        current = pending.pop()
        try:
            for line in Path(f"/proc/{current}/smaps_rollup").read_text(encoding="ascii").splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
            for children in Path(f"/proc/{current}/task").glob("*/children"):
                pending += [int(child) for child in children.read_text(encoding="ascii").split()]
        except OSError:
            continue
    return total // 1024


def status(settings: Settings) -> bool:
    """Print one row for each service, and return whether all of them serve."""
    try:
        processes = Supervisor(settings).processes()
    except SupervisorUnreachableError as error:
        print(error)
        return False
    rows = []
    healthy = True
    total = 0
    for service in services(settings):
        info = processes.get(service.name, {"statename": "UNKNOWN", "pid": 0})
        state = info["statename"].lower()
        if state == "running" and not serves(settings, service):
            state = "not ready"
        healthy &= state == "running"
        memory = _memory_mib(info["pid"]) if info["pid"] else 0
        total += memory
        log = os.path.relpath(log_path(settings, service.name), REPOSITORY)
        rows.append((service.title, state, str(service.port or "-"), f"{memory} MiB" if memory else "-", log))
    rows.append(("all", "serving" if healthy else "NOT ALL SERVING", "", f"{total} MiB", ""))
    _print_table([("SERVICE", "STATE", "PORT", "MEMORY", "LOG"), *rows])
    return healthy


def _print_table(rows: list[tuple[str, ...]]) -> None:
    """Print a table whose third and fourth columns are numbers."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (
            cell.rjust(width) if column in (2, 3) else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        print("  ".join(cells).rstrip())


def logs(settings: Settings, service: str, *, follow: bool) -> None:
    """Show a service's log; with `follow`, keep showing new lines. Raises LogError."""
    names = [row.name for row in services(settings)]
    if service not in names:
        raise LogError(f"There is no service {service!r}. `make logs SERVICE=` takes one of: {', '.join(names)}.")
    path = log_path(settings, service)
    if not path.is_file():
        raise LogError(f"{path} does not exist: {service} has not been started yet. Start it with `make up`.")
    os.execvp("tail", ["tail", "-n", "200", *(["-F"] if follow else []), str(path)])  # noqa: S606

"""Starts the platform in the order its parts wait for each other, tells how it is, and stops it to the last process."""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import NoReturn

from infra.control.preflight import check, check_exposure
from infra.control.rendering import render
from infra.control.rows import Preparation, Service
from infra.control.services import every_row, services, table
from infra.control.settings import REPOSITORY, Settings
from infra.control.supervision import (
    Supervisor,
    SupervisorUnreachableError,
    log_path,
    runs_with_other_settings,
    start_supervisord,
)
from infra.control.variables import environment

# Marks every process that descends from an instance's supervisord, YARN's containers included.
MARK = "MARQUEE_SUPERVISED"
_READY_SECONDS = 240
_AIRFLOW_HEALTH = "/api/v2/monitor/health"


class StartError(Exception):
    """A part did not come up; the message names it and its log, with the log's end."""


def _tail(path: Path, lines: int = 12) -> str:
    if not path.is_file():
        return "(no log)"
    with path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - 16_384))
        text = log.read().decode("utf-8", errors="replace")
    return "\n".join("    " + line for line in text.splitlines()[-lines:])


def _listens(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(2)
        return probe.connect_ex((host, port)) == 0


def _get(url: str) -> bytes | None:
    """Returns the body of a 200 answer, else None."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310
            return bytes(answer.read()) if answer.status == 200 else None
    except (urllib.error.URLError, OSError):
        return None


def serves(settings: Settings, service: Service) -> bool:
    """Tells whether a service does its work: its HTTP path answers 200, or where it has none its port accepts."""
    host = settings.host(service.name)
    if service.airflow_component:
        airflow = settings.host("airflow-api-server")
        report = _get(f"http://{airflow}:{settings.port('AIRFLOW')}{_AIRFLOW_HEALTH}")
        return report is not None and json.loads(report)[service.airflow_component]["status"] == "healthy"
    if service.ready:
        return _get(f"http://{host}:{service.port}{service.ready}") is not None
    return _listens(host, service.port)


def _prepare(settings: Settings, step: Preparation, variables: dict[str, str]) -> None:
    log = log_path(settings, step.name)
    with log.open("wb") as output:
        command = subprocess.run(
            shlex.split(step.command),
            cwd=REPOSITORY,
            env=variables,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if command.returncode != 0:
        raise StartError(f"Preparing {step.name} failed (exit {command.returncode}); the end of {log}:\n{_tail(log)}")


def _start(settings: Settings, service: Service, interrupted: threading.Event) -> None:
    supervisor = Supervisor(settings)
    supervisor.start(service.name)
    deadline = time.monotonic() + _READY_SECONDS
    log = log_path(settings, service.name)
    while time.monotonic() < deadline:
        state = supervisor.processes()[service.name]
        if state["statename"] == "FATAL":
            raise StartError(f"{service.title} does not start: {state['spawnerr']}. The end of {log}:\n{_tail(log)}")
        if state["statename"] in ("STARTING", "RUNNING") and serves(settings, service):
            return
        if interrupted.wait(0.3):
            raise StartError(f"{service.title} was not waited for any longer.")
    raise StartError(f"{service.title} did not serve within {_READY_SECONDS} s; the end of {log}:\n{_tail(log)}")


def _process_environment(settings: Settings) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW_", "MARQUEE_"))}
    return inherited | environment(settings) | {MARK: str(settings.instance)}


def _write_instance(settings: Settings) -> None:
    """Makes the instance's folders and renders its configuration."""
    for folder in (
        "conf",
        "data",
        "logs",
        "run",
        "tmp",
        "data/serving",
        "tmp/prometheus",
        "logs/containers",
    ):
        (settings.instance / folder).mkdir(parents=True, exist_ok=True)
    render(settings, environment(settings))


def become(settings: Settings, name: str) -> NoReturn:
    """Replaces this process by one service or preparation, with its configuration: what a container runs.

    run/probe then says, for infra/deploy/images/probe.sh, what `serves` asks: host, port, path and text of the answer.
    Raises StartError for a name that is none.
    """
    check_exposure(settings)
    rows = {row.name: row for row in every_row(settings)}
    if name not in rows:
        raise StartError(f"There is no service or preparation {name!r}; there are: {', '.join(rows)}.")
    row = rows[name]
    _write_instance(settings)
    variables = os.environ | environment(settings)
    if isinstance(row, Service):
        variables |= row.environment
        probe = f"{settings.own_host} {row.port} {row.ready}"
        if row.airflow_component:
            airflow = f"{settings.host('airflow-api-server')} {settings.port('AIRFLOW')} {_AIRFLOW_HEALTH}"
            probe = f'{airflow} "{row.airflow_component}":{{"status":"healthy"'
        (settings.instance / "run" / "probe").write_text(f"{probe}\n", encoding="ascii")
    os.chdir(REPOSITORY)
    command = shlex.split(row.command)
    os.execvpe(command[0], command, variables)  # noqa: S606


def up(settings: Settings) -> None:
    """Starts whatever does not run yet and returns when everything serves. Raises PreflightError or StartError.

    Where the platform runs with other settings, nothing is touched: its processes keep those that they were started with.
    """
    check(settings)
    variables = _process_environment(settings)
    if runs_with_other_settings(settings, variables):
        raise StartError(
            "Settings changed since the platform was started, and it runs on as it was: `make down up` applies them."
        )
    _write_instance(settings)
    start_supervisord(settings, variables)
    rows = table(settings)
    done = {row.name: threading.Event() for row in rows}
    failed, interrupted = threading.Event(), threading.Event()
    started = time.monotonic()

    def bring_up(row: Service | Preparation) -> None:
        for name in row.after:
            while not done[name].wait(0.2):
                if failed.is_set():
                    return
        begun = time.monotonic()
        try:
            if isinstance(row, Preparation):
                _prepare(settings, row, variables)
            else:
                _start(settings, row, interrupted)
        except BaseException:
            failed.set()
            raise
        done[row.name].set()
        if isinstance(row, Service):
            print(
                f"up  {time.monotonic() - started:5.1f} s  {row.title} serves after {time.monotonic() - begun:.1f} s",
                flush=True,
            )

    with concurrent.futures.ThreadPoolExecutor(max_workers=len(rows)) as pool:
        futures = [pool.submit(bring_up, row) for row in rows]
        try:
            errors = [error for future in futures if (error := future.exception())]
        except KeyboardInterrupt:
            failed.set()
            interrupted.set()
            raise
    for error in errors:
        if not isinstance(error, StartError):
            raise error
    if errors:
        raise StartError("\n".join(map(str, errors)))
    print(f"up  {time.monotonic() - started:5.1f} s  all {len(services(settings))} services serve", flush=True)


def marked_processes(settings: Settings) -> dict[int, str]:
    """Returns pid and command line of every live process that descends from this instance's supervisord, wherever it re-parented."""
    mark = f"{MARK}={settings.instance}".encode()
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes().split(b"\0"):
                found[int(process.name)] = (
                    (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                )
        except OSError:
            continue  # ended meanwhile, or another user's
    return found


def down(settings: Settings) -> None:
    """Stops everything: the services in reverse order, then supervisord, then any process left behind (YARN containers). Data is kept."""
    supervisor = Supervisor(settings)
    try:
        for service in reversed(services(settings)):
            if not service.name.startswith("datanode"):
                supervisor.stop(service.name)
        supervisor.shut_down()
    except SupervisorUnreachableError:
        print("down  supervisord does not run", flush=True)
    for signal_number, patience in ((signal.SIGTERM, 10.0), (signal.SIGKILL, 10.0)):
        deadline = time.monotonic() + patience
        left = marked_processes(settings)
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal_number)
        while left and time.monotonic() < deadline:
            time.sleep(0.2)
            left = marked_processes(settings)
    if left:
        raise StartError(f"These processes could not be ended: {left}")
    print("down  no process is left; data is kept", flush=True)


def _memory_mib(pid: int) -> int:
    """Returns the proportional set size of a process and its descendants, MiB."""
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
    """Prints one row a service and returns whether all of them serve."""
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
    heading = ("SERVICE", "STATE", "PORT", "MEMORY", "LOG")
    widths = [max(len(row[i]) for row in [heading, *rows]) for i in range(5)]
    for row in [heading, *rows]:
        print(
            "  ".join(
                cell.rjust(width) if i in (2, 3) else cell.ljust(width)
                for i, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
        )
    return healthy


def logs(settings: Settings, service: str, *, follow: bool) -> None:
    """Shows a service's log; `follow` keeps on. Raises StartError for a name that is none."""
    names = [row.name for row in services(settings)]
    if service not in names:
        raise StartError(f"There is no service {service!r}; `make logs SERVICE=` takes one of: {', '.join(names)}.")
    path = log_path(settings, service)
    if not path.is_file():
        raise StartError(f"{path} does not exist: {service} has not been started yet (`make up`).")
    os.execvp("tail", ["tail", "-n", "200", *(["-F"] if follow else []), str(path)])  # noqa: S606


def clean(settings: Settings, *, confirmed: bool) -> None:
    """Stops the instance and deletes its data, logs and secrets, after asking. Installed software stays."""
    if not settings.instance.exists():
        print(f"{settings.instance} does not exist; nothing to delete.")
        return
    if not confirmed:
        if not sys.stdin.isatty():
            raise StartError("`make clean` deletes all data and asks first: run it in a terminal, or give CONFIRM=yes.")
        answer = input(f"Delete all data, logs and secrets below {settings.instance}? Type yes: ")
        if answer.strip() != "yes":
            print("Nothing was deleted.")
            return
    down(settings)
    shutil.rmtree(settings.instance)
    print(f"Deleted {settings.instance}.")

"""Starts the platform in the order in which its parts need each other, and stops it down to the last process."""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NoReturn

from infra.control.ambient import left_out
from infra.control.machine.listeners import MARK
from infra.control.preflight import check, check_exposure
from infra.control.rendering import render
from infra.control.rows import Preparation, Row, Service
from infra.control.services import every_row, services, table
from infra.control.settings import REPOSITORY, Settings
from infra.control.status import AIRFLOW_HEALTH, serves
from infra.control.supervisor import Supervisor, SupervisorUnreachableError
from infra.control.supervisord import log_path, runs_with_other_settings, start_supervisord
from infra.control.variables import environment, process_environment

READY_SECONDS = 240


class StartError(Exception):
    """A part did not start or stop.

    The message names it, and shows the end of its log.
    """


def _tail(path: Path, lines: int = 12) -> str:
    if not path.is_file():
        return "(no log)"
    with path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - 16_384))
        text = log.read().decode("utf-8", errors="replace")
    return "\n".join("    " + line for line in text.splitlines()[-lines:])


def _prepare(settings: Settings, step: Preparation, variables: dict[str, str]) -> None:
    log = log_path(settings, step.name)
    with log.open("wb") as output:
        ended = subprocess.run(
            shlex.split(step.command),
            cwd=REPOSITORY,
            env=variables,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if ended.returncode != 0:
        raise StartError(f"Preparing {step.name} failed (exit {ended.returncode}). The end of {log}:\n{_tail(log)}")


def _start(settings: Settings, service: Service, interrupted: threading.Event) -> None:
    supervisor = Supervisor(settings)
    supervisor.start(service.name)
    deadline = time.monotonic() + READY_SECONDS
    log = log_path(settings, service.name)
    while time.monotonic() < deadline:
        state = supervisor.processes()[service.name]
        if state["statename"] == "FATAL":
            raise StartError(f"{service.title} does not start: {state['spawnerr']}. The end of {log}:\n{_tail(log)}")
        if state["statename"] in ("STARTING", "RUNNING") and serves(settings, service):
            return
        if interrupted.wait(0.3):
            raise StartError(f"{service.title} does not serve yet, and waiting for it was interrupted.")
    raise StartError(f"{service.title} did not serve within {READY_SECONDS} s. The end of {log}:\n{_tail(log)}")


def write_instance(settings: Settings) -> None:
    """Make the instance's folders and render its configuration."""
    for folder in (
        "conf",
        "data",
        "logs",
        "run",
        "tmp",
        "data/serving",
        "data/sentiment",
        "tmp/prometheus",
        "logs/containers",
    ):
        (settings.instance / folder).mkdir(parents=True, exist_ok=True)
    render(settings, environment(settings))


def migrate(settings: Settings) -> None:
    """Run the preparations of this instance's part, such as migrations.

    Raises StartError.
    """
    write_instance(settings)
    variables = process_environment(settings)
    for row in table(settings):
        if isinstance(row, Preparation):
            _prepare(settings, row, variables)


def become(settings: Settings, name: str) -> NoReturn:
    """Replace this process by one service or preparation, as a container does.

    run/probe then holds what `serves` asks, for infra/deploy/images/probe.sh: host, port, path and text of the answer.
    Raises StartError for an unknown name.
    """
    check_exposure(settings)
    rows = {row.name: row for row in every_row(settings)}
    if name not in rows:
        raise StartError(f"There is no service or preparation {name!r}. Give one of: {', '.join(rows)}.")
    row = rows[name]
    write_instance(settings)
    variables = process_environment(settings)
    if isinstance(row, Service):
        variables |= row.environment
        (settings.instance / "run" / "probe").write_text(f"{_probe(settings, row)}\n", encoding="ascii")
    os.chdir(REPOSITORY)
    command = shlex.split(row.command)
    os.execvpe(command[0], command, variables)  # noqa: S606


def _probe(settings: Settings, service: Service) -> str:
    if service.airflow_component:
        address = f"{settings.host('airflow-api-server')} {settings.port('AIRFLOW')} {AIRFLOW_HEALTH}"
        return f'{address} "{service.airflow_component}":{{"status":"healthy"'
    return f"{settings.own_host} {service.port} {service.ready}"


def up(settings: Settings) -> None:
    """Start all that does not run yet, and return when everything serves.

    If the platform runs with other settings, nothing is touched, since its processes keep the settings that they were
    started with. Raises PreflightError or StartError.
    """
    check(settings)
    variables = process_environment(settings) | {MARK: str(settings.instance)}
    if runs_with_other_settings(settings, variables):
        raise StartError(
            "Settings changed since the platform was started, and it still runs with the old ones. "
            "Apply them with `make down up`."
        )
    if line := left_out(variables):
        print(f"up  {line}", flush=True)
    write_instance(settings)
    start_supervisord(settings, variables)
    started = time.monotonic()
    _Startup(settings, variables).run()
    print(f"up  {time.monotonic() - started:5.1f} s  all {len(services(settings))} services serve", flush=True)


class _Startup:
    """One start of all rows, in parallel where they do not need each other."""

    def __init__(self, settings: Settings, variables: dict[str, str]) -> None:
        self.settings, self.variables = settings, variables
        self.rows = table(settings)
        self.done = {row.name: threading.Event() for row in self.rows}
        self.failed, self.interrupted = threading.Event(), threading.Event()
        self.started = time.monotonic()

    def run(self) -> None:
        """Start every row. Raises StartError that names each part that does not start."""
        with concurrent.futures.ThreadPoolExecutor(max_workers=len(self.rows)) as pool:
            futures = [pool.submit(self._one, row) for row in self.rows]
            try:
                errors = [error for future in futures if (error := future.exception())]
            except KeyboardInterrupt:
                self.failed.set()
                self.interrupted.set()
                raise
        for error in errors:
            if not isinstance(error, StartError):
                raise error
        if errors:
            raise StartError("\n".join(map(str, errors)))

    def _one(self, row: Row) -> None:
        for name in row.after:
            while not self.done[name].wait(0.2):
                if self.failed.is_set():
                    return
        begun = time.monotonic()
        try:
            if isinstance(row, Preparation):
                _prepare(self.settings, row, self.variables)
            else:
                _start(self.settings, row, self.interrupted)
        except BaseException:
            self.failed.set()
            raise
        self.done[row.name].set()
        if isinstance(row, Service):
            now = time.monotonic()
            print(f"up  {now - self.started:5.1f} s  {row.title} serves after {now - begun:.1f} s", flush=True)


def marked_processes(settings: Settings) -> dict[int, str]:
    """Return pid and command line of each live process of this instance.

    Processes that lost their parent count too.
    """
    mark = f"{MARK}={settings.instance}".encode()
    marked = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes().split(b"\0"):
                marked[int(process.name)] = (
                    (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                )
        except OSError:
            continue  # ended meanwhile, or another user's
    return marked


def down(settings: Settings) -> None:
    """Stop everything and keep the data.

    The services stop in reverse order, then supervisord, then each process that is left, such as YARN's containers.
    Raises StartError if a process does not end.
    """
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
        raise StartError(f"These processes did not end: {left}. End them by hand, then run `make down` again.")
    print("down  no process is left; data is kept", flush=True)


def clean(settings: Settings, *, confirmed: bool) -> None:
    """Stop the instance and delete its data, logs and secrets, after asking.

    Installed software stays.
    """
    if not settings.instance.exists():
        print(f"{settings.instance} does not exist; nothing to delete.")
        return
    if not confirmed:
        if not sys.stdin.isatty():
            raise StartError("`make clean` deletes all data and asks first. Run it in a terminal, or give CONFIRM=yes.")
        answer = input(f"Delete all data, logs and secrets below {settings.instance}? Type yes: ")
        if answer.strip() != "yes":
            print("Nothing was deleted.")
            return
    down(settings)
    shutil.rmtree(settings.instance)
    print(f"Deleted {settings.instance}.")

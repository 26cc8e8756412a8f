"""supervisord: its configuration, and its XML-RPC interface over a Unix socket."""

from __future__ import annotations

import hashlib
import http.client
import os
import socket
import subprocess
import time
import xmlrpc.client
from pathlib import Path
from typing import Any

from infra.control.rows import Service
from infra.control.secrets import private_write
from infra.control.services import services
from infra.control.settings import REPOSITORY, Settings

_SHUTDOWN_STATE = 6  # supervisor.xmlrpc.Faults.SHUTDOWN_STATE
_LONGEST_SOCKET_PATH = 100  # sockaddr_un holds 108 bytes, and supervisord appends its pid while it binds


class SupervisorError(Exception):
    """supervisord does not start or can't be asked; the message says why and what to do."""


class SupervisorUnreachableError(SupervisorError):
    """supervisord of this instance does not run."""


def socket_path(settings: Settings) -> Path:
    """Returns the control socket: in the instance's run/, or in /tmp where that path would be too long for a Unix socket."""
    path = settings.instance / "run" / "supervisor.sock"
    if len(str(path)) <= _LONGEST_SOCKET_PATH:
        return path
    return Path("/tmp") / f"marquee-{os.getuid()}-{hashlib.sha256(str(path).encode()).hexdigest()[:12]}.sock"  # noqa: S108


def log_path(settings: Settings, service: str) -> Path:
    """Returns a service's log file: standard output and standard error together."""
    return settings.instance / "logs" / f"{service}.log"


def _quoted(value: str) -> str:
    return '"' + value.replace("%", "%%").replace('"', '\\"') + '"'


def _program(settings: Settings, service: Service) -> str:
    variables = ",".join(f"{name}={_quoted(value)}" for name, value in sorted(service.environment.items()))
    return f"""
[program:{service.name}]
command={service.command.replace("%", "%%")}
directory={REPOSITORY}
environment={variables}
autostart=false
autorestart=true
startsecs=3
startretries=5
stopsignal={service.stop_signal}
stopwaitsecs={service.stop_seconds}
stopasgroup=false
killasgroup=true
redirect_stderr=true
stdout_logfile={log_path(settings, service.name)}
stdout_logfile_maxbytes=20MB
stdout_logfile_backups=2
"""


def write_configuration(settings: Settings) -> Path:
    """Writes supervisord.conf and returns its path."""
    run = settings.instance / "run"
    text = f"""[supervisord]
nodaemon=false
pidfile={run}/supervisord.pid
logfile={settings.instance}/logs/supervisord.log
logfile_maxbytes=5MB
logfile_backups=1
childlogdir={settings.instance}/logs
minfds=4096

[unix_http_server]
file={socket_path(settings)}
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://{socket_path(settings)}
""" + "".join(_program(settings, service) for service in services(settings))
    path = settings.instance / "conf" / "supervisord.conf"
    private_write(path, text)
    return path


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=120)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


class _UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        # As the base class does: kept, so that closing the transport closes it.
        connection = self._connection[1] or _UnixConnection(self.path)
        self._connection = host, connection
        return connection


class Supervisor:
    """The running supervisord of an instance; each call has a connection of its own, so threads may share this."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.socket = socket_path(settings)

    def _call(self, method: str, *arguments: Any) -> Any:
        try:
            with xmlrpc.client.ServerProxy("http://supervisor", transport=_UnixTransport(self.socket)) as proxy:
                return getattr(proxy.supervisor, method)(*arguments)
        except (FileNotFoundError, ConnectionError, http.client.HTTPException) as error:
            raise SupervisorUnreachableError("supervisord does not run: start the platform with `make up`.") from error
        except PermissionError as error:
            raise SupervisorError(
                f"supervisord runs as another user, who alone may use {self.socket}: run this command as that user."
            ) from error
        except TimeoutError as error:
            raise SupervisorError(
                f"supervisord does not answer; read {self.settings.instance}/logs/supervisord.log, then try again."
            ) from error

    def running(self) -> bool:
        """Tells whether supervisord answers; while it shuts down it does, with a fault."""
        try:
            self._call("getState")
        except SupervisorUnreachableError:
            return False
        except xmlrpc.client.Fault as fault:
            if fault.faultCode != _SHUTDOWN_STATE:
                raise
        return True

    def processes(self) -> dict[str, dict[str, Any]]:
        """Returns supervisor's facts on each process by name: statename, pid, start, now, spawnerr."""
        return {info["name"]: info for info in self._call("getAllProcessInfo")}

    def start(self, name: str) -> None:
        """Starts a process; one that runs already is left alone."""
        if self.processes()[name]["statename"] not in ("RUNNING", "STARTING"):
            self._call("startProcess", name, False)

    def stop(self, name: str) -> None:
        """Stops a process and waits until it has ended."""
        # supervisord may have been started by code that did not know this process yet.
        if self.processes().get(name, {}).get("statename") in ("RUNNING", "STARTING", "BACKOFF"):
            self._call("stopProcess", name, True)

    def reread(self) -> None:
        """Takes a changed configuration: programs that are new or changed are replaced, the others run on."""
        added, changed, removed = self._call("reloadConfig")[0]
        for name in [*changed, *removed]:
            self._call("stopProcessGroup", name, True)
            self._call("removeProcessGroup", name)
        for name in [*added, *changed]:
            self._call("addProcessGroup", name)

    def shut_down(self) -> None:
        """Stops every process and supervisord itself; returns when it no longer answers."""
        self._call("shutdown")
        while self.running():
            time.sleep(0.2)


def _holds_from_start(name: str) -> bool:
    # More DataNodes join a running platform: nothing that runs must learn of them.
    return name.startswith(("MARQUEE_", "AIRFLOW_", "HADOOP_", "JAVA_HOME")) and name != "MARQUEE_DATANODES"


def _digest(variables: dict[str, str]) -> str:
    lasting = sorted((name, value) for name, value in variables.items() if _holds_from_start(name))
    return hashlib.sha256(repr(lasting).encode()).hexdigest()


def _started_with(settings: Settings) -> Path:
    return settings.instance / "run" / "settings.sha256"


def runs_with_other_settings(settings: Settings, variables: dict[str, str]) -> bool:
    """Tells whether supervisord runs, and was started with other settings: only from their start on do processes have them."""
    return Supervisor(settings).running() and _started_with(settings).read_text(encoding="ascii") != _digest(variables)


def start_supervisord(settings: Settings, variables: dict[str, str]) -> Supervisor:
    """Starts supervisord with the platform's environment, or makes the running one read its configuration again.

    Raises SupervisorError if it does not start.
    """
    configuration = write_configuration(settings)
    supervisor = Supervisor(settings)
    if supervisor.running():
        supervisor.reread()
        return supervisor
    _started_with(settings).write_text(_digest(variables), encoding="ascii")
    program = settings.python.parent / "supervisord"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW_", "MARQUEE_"))}
    command = [str(program), "-c", str(configuration)]
    started = subprocess.run(command, env=inherited | variables, cwd=REPOSITORY, check=False)
    if started.returncode != 0:
        raise SupervisorError(
            f"supervisord did not start (exit {started.returncode}); it said why above or in {settings.instance}/logs/supervisord.log."
        )
    for _ in range(100):
        if supervisor.running():
            return supervisor
        time.sleep(0.1)
    raise SupervisorUnreachableError(f"supervisord did not come up; read {settings.instance}/logs/supervisord.log.")

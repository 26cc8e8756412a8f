"""supervisord's configuration file and its start."""

from __future__ import annotations

import hashlib
import subprocess
import time
from pathlib import Path

from infra.control.rows import Service
from infra.control.secrets import private_write
from infra.control.services import services
from infra.control.settings import REPOSITORY, Settings
from infra.control.supervisor import Supervisor, SupervisorError, SupervisorUnreachableError, socket_path


def log_path(settings: Settings, service: str) -> Path:
    """Return a service's log file, which holds standard output and standard error."""
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
    """Write supervisord.conf and return its path."""
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


def _holds_from_start(name: str) -> bool:
    # More DataNodes may join a running platform, since no running process needs to know of them.
    return name.startswith(("MARQUEE_", "AIRFLOW_", "HADOOP_", "JAVA_HOME")) and name != "MARQUEE_DATANODES"


def _digest(variables: dict[str, str]) -> str:
    lasting = sorted((name, value) for name, value in variables.items() if _holds_from_start(name))
    return hashlib.sha256(repr(lasting).encode()).hexdigest()


def _started_with(settings: Settings) -> Path:
    return settings.instance / "run" / "settings.sha256"


def runs_with_other_settings(settings: Settings, variables: dict[str, str]) -> bool:
    """Return whether supervisord runs and was started with other settings.

    A process gets its settings when it starts, and keeps them.
    """
    return Supervisor(settings).running() and _started_with(settings).read_text(encoding="ascii") != _digest(variables)


def keep_digest(settings: Settings, variables: dict[str, str]) -> None:
    """Keep with which settings the processes of this instance run."""
    _started_with(settings).write_text(_digest(variables), encoding="ascii")


def start_supervisord(settings: Settings, variables: dict[str, str]) -> Supervisor:
    """Start supervisord, or have a running one read its configuration again.

    `variables` are the whole environment of supervisord and of its processes. Raises SupervisorError if it does not start.
    """
    configuration = write_configuration(settings)
    supervisor = Supervisor(settings)
    if supervisor.running():
        supervisor.reread()
        return supervisor
    keep_digest(settings, variables)
    command = [str(settings.python.parent / "supervisord"), "-c", str(configuration)]
    started = subprocess.run(command, env=variables, cwd=REPOSITORY, check=False)
    log = settings.instance / "logs" / "supervisord.log"
    if started.returncode != 0:
        raise SupervisorError(
            f"supervisord did not start (exit {started.returncode}). The reason is in the lines above or in {log}."
        )
    for _ in range(100):
        if supervisor.running():
            return supervisor
        time.sleep(0.1)
    raise SupervisorUnreachableError(f"supervisord was started and does not answer after 10 s. Read {log}.")

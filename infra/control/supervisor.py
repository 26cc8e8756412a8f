"""The client of an instance's supervisord: XML-RPC over a Unix socket, by the standard library."""

from __future__ import annotations

import hashlib
import http.client
import os
import socket
import time
import xmlrpc.client
from pathlib import Path
from typing import Any

from infra.control.settings import Settings

_SHUTDOWN_STATE = 6  # supervisor.xmlrpc.Faults.SHUTDOWN_STATE
_LONGEST_SOCKET_PATH = 100  # sockaddr_un holds 108 bytes, and supervisord appends its pid while it binds


class SupervisorError(Exception):
    """supervisord does not start or does not answer.

    The message says why and what to do.
    """


class SupervisorUnreachableError(SupervisorError):
    """supervisord of this instance does not run."""


def socket_path(settings: Settings) -> Path:
    """Return the control socket, in the instance's run/.

    Where that path is too long for a Unix socket, it is a file in /tmp.
    """
    path = settings.instance / "run" / "supervisor.sock"
    if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
        return path
    return Path("/tmp") / f"marquee-{os.getuid()}-{hashlib.sha256(str(path).encode()).hexdigest()[:12]}.sock"  # noqa: S108


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
        # The connection is kept, as in the base class, so that closing the transport closes it.
        connection = self._connection[1] or _UnixConnection(self.path)
        self._connection = host, connection
        return connection


class Supervisor:
    """The running supervisord of an instance.

    Each call opens its own connection, so threads may share an object.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.socket = socket_path(settings)

    def _call(self, method: str, *arguments: Any) -> Any:
        try:
            with xmlrpc.client.ServerProxy("http://supervisor", transport=_UnixTransport(self.socket)) as proxy:
                return getattr(proxy.supervisor, method)(*arguments)
        except (FileNotFoundError, ConnectionError, http.client.HTTPException) as error:
            raise SupervisorUnreachableError("supervisord does not run. Start the platform with `make up`.") from error
        except PermissionError as error:
            raise SupervisorError(
                f"supervisord runs as another user, and only that user may use {self.socket}. Run this command as that user."
            ) from error
        except TimeoutError as error:
            log = self.settings.instance / "logs" / "supervisord.log"
            raise SupervisorError(f"supervisord does not answer. Read {log}, then run the command again.") from error

    def running(self) -> bool:
        """Return whether supervisord answers.

        It still answers, with a fault, while it shuts down.
        """
        try:
            self._call("getState")
        except SupervisorUnreachableError:
            return False
        except xmlrpc.client.Fault as fault:
            if fault.faultCode != _SHUTDOWN_STATE:
                raise
        return True

    def processes(self) -> dict[str, dict[str, Any]]:
        """Return what supervisord knows of each process, by its name.

        The facts are statename, pid, start, now, spawnerr and more.
        """
        return {info["name"]: info for info in self._call("getAllProcessInfo")}

    def start(self, name: str) -> None:
        """Start a process, unless it runs already."""
        if self.processes()[name]["statename"] not in ("RUNNING", "STARTING"):
            self._call("startProcess", name, False)

    def stop(self, name: str) -> None:
        """Stop a process and wait until it has ended."""
        # supervisord may have been started by code that did not know this process yet.
        if self.processes().get(name, {}).get("statename") in ("RUNNING", "STARTING", "BACKOFF"):
            self._call("stopProcess", name, True)

    def reread(self) -> None:
        """Have supervisord read its configuration again.

        Programs that are new or changed are replaced, and the others keep running.
        """
        added, changed, removed = self._call("reloadConfig")[0]
        for name in [*changed, *removed]:
            self._call("stopProcessGroup", name, True)
            self._call("removeProcessGroup", name)
        for name in [*added, *changed]:
            self._call("addProcessGroup", name)

    def shut_down(self) -> None:
        """Stop every process and supervisord, and wait until it no longer answers."""
        self._call("shutdown")
        while self.running():
            time.sleep(0.2)

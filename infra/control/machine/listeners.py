"""Who holds a TCP port, as /proc says."""

from __future__ import annotations

import pwd
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Marks every process that descends from an instance's supervisord, including YARN's containers.
MARK = "MARQUEE_SUPERVISED"
_LISTENS = "0A"
_STATES = {
    "01": "ESTABLISHED",
    "04": "FIN_WAIT1",
    "05": "FIN_WAIT2",
    "06": "TIME_WAIT",
    "08": "CLOSE_WAIT",
    "09": "LAST_ACK",
}


@dataclass(frozen=True)
class _Socket:
    state: str
    user: int
    inode: str


def _sockets(port: int) -> Iterator[_Socket]:
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if Path(table).exists():
            for line in Path(table).read_text(encoding="ascii").splitlines()[1:]:
                columns = line.split()
                if int(columns[1].rsplit(":", 1)[1], 16) == port:
                    yield _Socket(columns[3], int(columns[7]), columns[9])


def _process_with(inodes: set[str]) -> Path | None:
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(str(link.readlink()) in inodes for link in (process / "fd").iterdir()):
                return process
        except OSError:
            continue  # ended meanwhile, or another user's
    return None


def _name_of(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)


def _instance_of(process: Path) -> str:
    try:
        variables = (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return ""
    mark = f"{MARK}=".encode()
    return next((entry.removeprefix(mark).decode() for entry in variables if entry.startswith(mark)), "")


@dataclass(frozen=True)
class Holder:
    """What holds a port, in words.

    `instance` is the folder of the platform's instance that it belongs to, if any.
    """

    words: str
    instance: str = ""


def listener(port: int) -> Holder | None:
    """Return what holds a TCP port, None if nothing is seen to."""
    sockets = list(_sockets(port))
    listening = [socket for socket in sockets if socket.state == _LISTENS]
    if process := _process_with({f"socket:[{socket.inode}]" for socket in listening or sockets}):
        try:
            name = (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            return None  # ended meanwhile
        return Holder(f"pid {process.name} ({name})", _instance_of(process))
    if listening:
        return Holder(f"a program of the user {_name_of(listening[0].user)}")
    if sockets:
        state = _STATES.get(sockets[0].state, "half open")
        return Holder(f"a connection that is not closed yet ({state})")
    return None

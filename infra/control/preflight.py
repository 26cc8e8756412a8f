"""Checks that come before an installation or a start: tools, paths, passwords, disk, memory and ports."""

from __future__ import annotations

import ipaddress
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from infra.control.ambient import passed_on
from infra.control.services import ports, services
from infra.control.settings import REPOSITORY, Settings, SettingsError
from infra.control.supervisor import Supervisor

GIB = 1024**3
SHORTEST_PUBLIC_PASSWORD = 12


class PreflightError(Exception):
    """The machine can't run the platform; the message says why and what to do."""


def check_tools(settings: Settings) -> None:
    """Check for Python 3.11, a JDK 17 and, while the jars are missing, Maven.

    Raises PreflightError for the first that is missing.
    """
    if sys.version_info[:2] != (3, 11):
        raise PreflightError(
            f"This is Python {sys.version_info.major}.{sys.version_info.minor}, and mrjob needs Python 3.11. "
            "Make that the first `python3` on PATH."
        )
    try:
        java = settings.java_home / "bin" / "java"
    except SettingsError as error:
        raise PreflightError(str(error)) from error
    # Java 8 does not know this option, and fails.
    asked = [str(java), "--version"]
    printed = subprocess.run(asked, capture_output=True, text=True, check=False, env=passed_on(settings)).stdout
    found = re.search(r"^\S+ (\d+)", printed)
    if not found or found[1] != "17":
        version = found[1] if found else "8, older or of an unknown version"
        raise PreflightError(
            f"{java} is Java {version}, and Hadoop, Hive and Spark were tried on 17. Install JDK 17 or set JAVA_HOME in .env."
        )
    if not (settings.software / "hive" / "scripts").exists() and not shutil.which("mvn"):
        raise PreflightError(
            "There is no `mvn` on PATH, and Maven fetches the jars of Hadoop, Hive and Tez. "
            "Install it (apt-get install maven)."
        )


def check_paths(settings: Settings) -> None:
    """Check that no path holds a blank, at which class paths and commands are split.

    Raises PreflightError for a path with one.
    """
    for path, remedy in ((REPOSITORY, "Move the checkout"), (settings.state, "Set another MARQUEE_STATE in .env")):
        if len(str(path).split()) != 1:
            raise PreflightError(
                f"The path {str(path)!r} holds a blank, and Hadoop and supervisor split paths at blanks. {remedy}."
            )


# The passwords that other machines can try, by the setting that lets them in.
_PASSWORDS = {
    "MARQUEE_BIND_HOST": (
        "MARQUEE_AIRFLOW_PASSWORD",
        "MARQUEE_POSTGRES_PASSWORD",
        "MARQUEE_ACCOUNTS_ADMIN_PASSWORD",
    ),
    "MARQUEE_GATEWAY_HOST": ("MARQUEE_ACCOUNTS_ADMIN_PASSWORD",),
}


def _is_public(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host != "localhost"


def check_exposure(settings: Settings) -> None:
    """Check that the network finds no short password and no service without login.

    Passwords that are left empty are generated and long enough. Raises PreflightError.
    """
    for opens, passwords in _PASSWORDS.items():
        for name in passwords if _is_public(settings[opens]) else ():
            if 0 < len(settings[name]) < SHORTEST_PUBLIC_PASSWORD:
                raise PreflightError(
                    f"{opens}={settings[opens]} lets other machines in, and {name} has fewer than "
                    f"{SHORTEST_PUBLIC_PASSWORD} characters. Choose a longer one, or leave it empty to have one generated."
                )
    if _is_public(settings["MARQUEE_BIND_HOST"]) and settings["MARQUEE_OPEN_WITHOUT_LOGIN"] == "no":
        parts = "HDFS, YARN, Hive, MLflow" + (", Prometheus and the exporter" if settings.monitoring else "")
        raise PreflightError(
            f"MARQUEE_BIND_HOST={settings['MARQUEE_BIND_HOST']} lets other machines use {parts}, which ask for no login. "
            "Open the gateway alone (MARQUEE_GATEWAY_HOST). Where a firewall keeps other machines out, you can set "
            "MARQUEE_OPEN_WITHOUT_LOGIN=yes."
        )


def available_memory() -> int:
    """Return MemAvailable of /proc/meminfo in bytes."""
    found = re.search(r"^MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text(encoding="ascii"), re.MULTILINE)
    if not found:
        raise PreflightError("/proc/meminfo does not name MemAvailable. Use a Linux kernel of 3.14 or later.")
    return int(found[1]) * 1024


def check_space(settings: Settings) -> None:
    """Check the free disk of the state folder and the available memory.

    Raises PreflightError if one is too small.
    """
    folder = settings.state
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < settings.number("MINIMUM_DISK") * GIB:
        raise PreflightError(
            f"Only {free / GIB:.1f} GiB of disk are free at {folder}, and {settings['MARQUEE_MINIMUM_DISK']} are needed. "
            "Free some space, or point MARQUEE_STATE in .env at another disk."
        )
    memory = available_memory()
    if memory < settings.number("MINIMUM_MEMORY") * GIB:
        raise PreflightError(
            f"Only {memory / GIB:.1f} GiB of memory are available, and {settings['MARQUEE_MINIMUM_MEMORY']} are needed. "
            "End other programs, or lower the heaps and MARQUEE_MINIMUM_MEMORY in .env."
        )


def listener(port: int) -> str:
    """Return 'pid N (name)' of the process that listens on a TCP port.

    The result is empty where no process listens, and where /proc hides the process from this user.
    """
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if Path(table).exists():
            for line in Path(table).read_text(encoding="ascii").splitlines()[1:]:
                columns = line.split()
                if columns[3] == "0A" and int(columns[1].rsplit(":", 1)[1], 16) == port:
                    inodes.add(f"socket:[{columns[9]}]")
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(str(link.readlink()) in inodes for link in (process / "fd").iterdir()):
                return f"pid {process.name} ({(process / 'comm').read_text().strip()})"
        except OSError:
            continue  # ended meanwhile, or another user's
    return ""


def check_ports(settings: Settings) -> None:
    """Check that every port is free and belongs to one service.

    Raises PreflightError for a port that is taken, set twice or over 65535.
    """
    numbers = [number for service in services(settings) for number in (service.port, *service.other_ports) if number]
    twice = sorted({number for number in numbers if numbers.count(number) > 1})
    if twice:
        raise PreflightError(f"Port {twice[0]} is set for two services. Give them different ports in .env.")
    for number, service in sorted(ports(settings).items()):
        if number > 65535:
            raise PreflightError(
                f"Port {number} of {service.title} is over 65535. Lower it or MARQUEE_PORT_OFFSET in .env."
            )
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((settings.bind_host(service.name), number))
            except OSError as error:
                holder = listener(number) or "another program"
                raise PreflightError(
                    f"Port {number}, which {service.title} needs, is taken by {holder} ({error.strerror}). "
                    "End that program, or set another port (or MARQUEE_PORT_OFFSET) in .env."
                ) from error


def check(settings: Settings, *, tools_alone: bool = False) -> None:
    """Make every check, or with `tools_alone` only those of an installation.

    While this instance runs, it uses the ports and the memory itself, and they are not checked.
    """
    check_paths(settings)
    check_tools(settings)
    if tools_alone:
        return
    check_exposure(settings)
    if not Supervisor(settings).running():
        check_space(settings)
        check_ports(settings)

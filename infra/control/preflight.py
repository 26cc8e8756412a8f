"""Checks that come before an installation or a start: tools, paths, passwords, disk, memory and ports."""

from __future__ import annotations

import errno
import ipaddress
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from infra.control.ambient import passed_on, system_user
from infra.control.machine.listeners import listener
from infra.control.rows import Service
from infra.control.services import ports, services
from infra.control.settings import Settings, SettingsError
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
    try:
        ended = subprocess.run(asked, capture_output=True, text=True, check=False, env=passed_on(settings))
    except OSError as error:
        raise PreflightError(f"{java} can't be run: {error.strerror}. Set JAVA_HOME to a JDK 17 in .env.") from error
    found = re.search(r"^\S+ (\d+)", ended.stdout)
    if not found or found[1] != "17":
        if not found:
            printed = (ended.stdout + ended.stderr).strip()[:200]
            raise PreflightError(
                f"{java} does not say its version, but: {printed!r}. Set JAVA_HOME to a JDK 17 in .env."
            )
        raise PreflightError(
            f"{java} is Java {found[1]}, and Hadoop, Hive and Spark were tried on 17. Install JDK 17 or set JAVA_HOME in .env."
        )
    if not (settings.software / "hive" / "scripts").exists() and not shutil.which("mvn"):
        raise PreflightError(
            "There is no `mvn` on PATH, and Maven fetches the jars of Hadoop, Hive and Tez. "
            "Install it (apt-get install maven)."
        )


def _existing_parent(folder: Path) -> Path:
    """Return a folder, or the nearest of its parents that there is."""
    # os.path.lexists, other than Path.exists, raises nothing where a parent may not be entered.
    while not os.path.lexists(folder):
        folder = folder.parent
    return folder


def check_paths(settings: Settings) -> None:
    """Check that this user can write and run programs in the state folder.

    Raises PreflightError.
    """
    for found in map(_existing_parent, (settings.state, settings.instance)):
        if not found.is_dir():
            raise PreflightError(f"{found} is a file, and MARQUEE_STATE needs a folder there. Set another one in .env.")
        if not os.access(found, os.W_OK | os.X_OK):
            raise PreflightError(
                f"The user {system_user()} can't write to {found}, which belongs to {_owner(found)}. "
                "Run the command as that user, or set another MARQUEE_STATE in .env."
            )
        if os.statvfs(found).f_flag & os.ST_NOEXEC:
            raise PreflightError(
                f"No program can run from {found}, since its disk is mounted with noexec. "
                "Set another MARQUEE_STATE in .env."
            )


def _owner(path: Path) -> str:
    try:
        return path.owner()
    except KeyError:
        return f"the user {path.stat().st_uid}"


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
    folder = _existing_parent(settings.state)
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


def check_addresses(settings: Settings) -> None:
    """Check that this machine has the addresses that services bind to.

    Raises PreflightError.
    """
    for name in ("MARQUEE_BIND_HOST", "MARQUEE_GATEWAY_HOST"):
        host = settings[name]
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            try:
                probe.bind((host, 0))
            except socket.gaierror as error:
                raise PreflightError(
                    f"{name}={host} is a name without an IPv4 address ({error.strerror}). "
                    "Add it to /etc/hosts, or set an address in .env."
                ) from error
            except OSError as error:
                if error.errno != errno.EADDRNOTAVAIL:
                    raise PreflightError(
                        f"{name}={host} can't be bound to: {error.strerror}. Set another in .env."
                    ) from error
                raise PreflightError(
                    f"{name}={host} is no address of this machine. `ip -4 address` lists its addresses: set one in .env."
                ) from error


def _taken(settings: Settings, number: int) -> str:
    holder = listener(number)
    if holder is None:
        return "is taken by another program. End that program, or set another port (or MARQUEE_PORT_OFFSET) in .env."
    if holder.instance == str(settings.instance):
        return f"is taken by {holder.words}, which an earlier start of this instance left. End it with `make down`."
    if holder.instance:
        return (
            f"is taken by {holder.words} of the instance {holder.instance}. "
            "Stop that one with its `make down`, or set another MARQUEE_PORT_OFFSET in .env."
        )
    return f"is taken by {holder.words}. End that program, or set another port (or MARQUEE_PORT_OFFSET) in .env."


def _refused(settings: Settings, service: Service, number: int, error: OSError) -> str:
    """Return why a service can't have a port, and what to do."""
    port = f"Port {number}, which {service.title} needs,"
    if error.errno == errno.EADDRINUSE:
        return f"{port} {_taken(settings, number)}"
    if error.errno in (errno.EACCES, errno.EPERM):
        first = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text(encoding="ascii").strip()
        return f"{port} is one that only root may open, as all below {first}. Set a greater one in .env."
    return f"{port} can't be opened at {settings.bind_host(service.name)}: {error.strerror}. Set another in .env."


def check_ports(settings: Settings) -> None:
    """Check that every port is free and belongs to one service.

    Raises PreflightError for a port that is taken, set twice or over 65535, and for an address that is not this machine's.
    """
    numbers = [number for service in services(settings) for number in (service.port, *service.other_ports) if number]
    twice = sorted({number for number in numbers if numbers.count(number) > 1})
    if twice:
        raise PreflightError(f"Port {twice[0]} is set for two services. Give them different ports in .env.")
    check_addresses(settings)
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
                raise PreflightError(_refused(settings, service, number, error)) from error


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

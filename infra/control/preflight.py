"""What must be true before anything is installed or started; each failure is one sentence that says what to do."""

from __future__ import annotations

import ipaddress
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from infra.control.services import ports, services
from infra.control.settings import REPOSITORY, Settings, SettingsError
from infra.control.supervision import Supervisor

GIB = 1024**3
SHORTEST_PUBLIC_PASSWORD = 12


class PreflightError(Exception):
    """The machine can't run the platform as it is; the message says why and what to do."""


def check_tools(settings: Settings) -> None:
    """Raises PreflightError without Python 3.11, a JDK 17 or, as long as the jars are missing, Maven."""
    if sys.version_info[:2] != (3, 11):
        raise PreflightError(
            f"Python {sys.version_info.major}.{sys.version_info.minor} runs this; "
            "mrjob needs Python 3.11: make it the first `python3` on PATH."
        )
    try:
        java = settings.java_home / "bin" / "java"
    except SettingsError as error:
        raise PreflightError(str(error)) from error
    printed = subprocess.run([str(java), "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', printed)
    if not found or found[1] != "17":
        version = found[1] if found else "an unknown version"
        raise PreflightError(
            f"{java} is Java {version}, and Hadoop, Hive and Spark were tried on 17: install JDK 17 or set JAVA_HOME in .env."
        )
    if not (settings.software / "hive" / "scripts").exists() and not shutil.which("mvn"):
        raise PreflightError(
            "No `mvn` on PATH: install Maven (apt-get install maven); it fetches Hadoop's, Hive's and Tez's jars."
        )


def check_paths(settings: Settings) -> None:
    """Raises PreflightError if a path holds a blank: class paths, launchers and supervisor's commands are lists of words."""
    for path, remedy in ((REPOSITORY, "move the checkout"), (settings.state, "set another MARQUEE_STATE in .env")):
        if len(str(path).split()) != 1:
            raise PreflightError(
                f"The path {str(path)!r} holds a blank, which Hadoop and supervisor can't bear: {remedy}."
            )


# The passwords that others can try, by the setting that lets them in.
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
    """Raises PreflightError if others than this machine could log in with a short password, or use what asks for no login.

    Passwords that are left empty are generated and long enough.
    """
    for opens, passwords in _PASSWORDS.items():
        for name in passwords if _is_public(settings[opens]) else ():
            if 0 < len(settings[name]) < SHORTEST_PUBLIC_PASSWORD:
                raise PreflightError(
                    f"{opens}={settings[opens]} lets others in, and {name} has fewer than {SHORTEST_PUBLIC_PASSWORD} "
                    "characters: leave it empty to have one generated, or choose a longer one."
                )
    if _is_public(settings["MARQUEE_BIND_HOST"]) and settings["MARQUEE_OPEN_WITHOUT_LOGIN"] == "no":
        parts = "HDFS, YARN, Hive, MLflow" + (", Prometheus and the exporter" if settings.monitoring else "")
        raise PreflightError(
            f"MARQUEE_BIND_HOST={settings['MARQUEE_BIND_HOST']} lets others use {parts}, which ask for no login: open the "
            "gateway alone (MARQUEE_GATEWAY_HOST), or set MARQUEE_OPEN_WITHOUT_LOGIN=yes where a firewall keeps others out."
        )


def available_memory() -> int:
    """Returns MemAvailable of /proc/meminfo in bytes."""
    found = re.search(r"^MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text(encoding="ascii"), re.MULTILINE)
    if not found:
        raise PreflightError("/proc/meminfo names no MemAvailable: this needs a Linux kernel of 3.14 or later.")
    return int(found[1]) * 1024


def check_space(settings: Settings) -> None:
    """Raises PreflightError if the disk below the state folder or the memory is too small."""
    folder = settings.state
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < settings.number("MINIMUM_DISK") * GIB:
        raise PreflightError(
            f"Only {free / GIB:.1f} GiB of disk are free at {folder}, and {settings['MARQUEE_MINIMUM_DISK']} are needed: "
            "make room, or point MARQUEE_STATE in .env at another disk."
        )
    memory = available_memory()
    if memory < settings.number("MINIMUM_MEMORY") * GIB:
        raise PreflightError(
            f"Only {memory / GIB:.1f} GiB of memory are available, and {settings['MARQUEE_MINIMUM_MEMORY']} are needed: "
            "end other programs, or lower the heaps and MARQUEE_MINIMUM_MEMORY in .env."
        )


def listener(port: int) -> str:
    """Returns 'pid N (name)' of the process that listens on a TCP port, as far as /proc shows it to this user, else ''."""
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
    """Raises PreflightError if two settings name one port, or another program listens on one of ours."""
    numbers = [number for service in services(settings) for number in (service.port, *service.other_ports) if number]
    twice = sorted({number for number in numbers if numbers.count(number) > 1})
    if twice:
        raise PreflightError(f"Port {twice[0]} is set for two services: give them different ports in .env.")
    for number, service in sorted(ports(settings).items()):
        if number > 65535:
            raise PreflightError(
                f"Port {number} of {service.title} is over 65535: lower it or MARQUEE_PORT_OFFSET in .env."
            )
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((settings.bind_host(service.name), number))
            except OSError as error:
                holder = listener(number) or "another program"
                raise PreflightError(
                    f"Port {number}, which {service.title} needs, is taken by {holder} ({error.strerror}): "
                    "end it, or set another port (or MARQUEE_PORT_OFFSET) in .env."
                ) from error


def check(settings: Settings, *, tools_alone: bool = False) -> None:
    """Makes every check. Ports and memory are not asked for while this instance runs: they are its own."""
    check_paths(settings)
    check_tools(settings)
    if tools_alone:
        return
    check_exposure(settings)
    if not Supervisor(settings).running():
        check_space(settings)
        check_ports(settings)

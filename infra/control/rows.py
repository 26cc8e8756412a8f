"""What the table of infra/control/services.py is made of: services, and preparations that end."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Preparation:
    """A step that is done once and ends.

    Each `make up` runs it again and finds its work done.

    `service` is the service that it prepares, and empty if it prepares no single one. A service on another host is
    prepared there.
    """

    name: str
    command: str
    after: tuple[str, ...] = ()
    service: str = ""


@dataclass(frozen=True)
class Service:
    """A supervised process, and how to know that it serves.

    `port` is the first port that it listens on, and 0 if it listens on none.
    `ready` is an HTTP path on that port that must answer 200. If it is empty, an open port is enough.
    `airflow_component` is its name in Airflow's own health report, for the processes of Airflow that have no port.
    """

    name: str
    title: str
    command: str
    port: int
    after: tuple[str, ...] = ()
    ready: str = ""
    page: str = ""
    stop_signal: str = "TERM"
    stop_seconds: int = 20
    environment: dict[str, str] = field(default_factory=dict)
    other_ports: tuple[int, ...] = ()
    airflow_component: str = ""


Row = Service | Preparation

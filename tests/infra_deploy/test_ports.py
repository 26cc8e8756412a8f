"""Staging, production and the platform that is worked on share a machine, and no port."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from infra.control.rows import Service
from infra.control.services import every_row
from infra.control.settings import Settings
from infra.deploy.environments import trial
from infra.deploy.environments.environment import OFFSETS
from infra.deploy.environments.parts import SLOTS

APIS = ("API", "ACCOUNTS", "REVIEWS", "GATEWAY")


def platform(offset: int) -> tuple[Settings, list[int]]:
    """Return the settings and all ports of a platform so far above the defaults."""
    given = {"MARQUEE_PORT_OFFSET": str(offset), "MARQUEE_MONITORING": "yes"}
    settings = Settings.load(Path(os.devnull), given)
    services = [row for row in every_row(settings) if isinstance(row, Service)]
    return settings, [port for row in services for port in (row.port, *row.other_ports) if port]


def environment(name: str) -> list[int]:
    """Return all ports of an environment: its parts', its slots' and the trial's copies'."""
    settings, ports = platform(OFFSETS[name])
    shifts = [*SLOTS.values(), *(trial.PORTS + shift for shift in SLOTS.values())]
    slots = [settings.port(api) + shift for api in APIS for shift in shifts]
    return [*ports, *slots, settings.port("POSTGRES") + trial.PORTS]


@pytest.mark.parametrize("others", [0, 10_000, 11_500], ids=["worked on", "tests", "faults"])
def test_no_port_is_wanted_twice(others: int) -> None:
    wanted = [*environment("staging"), *environment("production"), *platform(others)[1]]
    assert sorted(port for port, times in Counter(wanted).items() if times > 1) == []

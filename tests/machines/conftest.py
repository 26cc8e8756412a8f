"""The cluster that the tests of `make test-cluster` share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from infra.control.settings import Settings
from infra.deploy.machines.__main__ import down, up
from infra.deploy.machines.playbooks import Playbooks


@pytest.fixture(scope="session")
def cluster() -> Iterator[Playbooks]:
    """Yield the cluster, set up, and remove its machines at the end.

    With MARQUEE_TEST_CLUSTER=keep they stay, and the next tests go on with them.
    """
    machines = Playbooks.of(Settings.load(), "containers")
    try:
        up(machines)
        yield machines
    finally:
        if os.environ.get("MARQUEE_TEST_CLUSTER") != "keep":
            down(machines)

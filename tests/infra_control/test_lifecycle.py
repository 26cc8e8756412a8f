"""What `make up` does when something is in its way. Whole starts are tests/e2e's."""

import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from infra.control import lifecycle
from infra.control.rows import Preparation, Service
from infra.control.settings import Settings
from infra.control.supervisor import Supervisor
from infra.control.supervisord import start_supervisord


class Supervised:
    """A double of supervisord: every process is started, and has the state that the test gives it."""

    states: dict[str, str]

    def __init__(self, _settings: Settings) -> None:
        pass

    def start(self, name: str) -> None:
        """It is started already."""

    def processes(self) -> dict[str, dict[str, Any]]:
        return {name: {"statename": state, "spawnerr": "it ended too fast"} for name, state in self.states.items()}


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An instance whose services do not serve, and whose machine is not looked at."""
    monkeypatch.setattr(lifecycle, "check", lambda _settings: None)
    monkeypatch.setattr(lifecycle, "serves", lambda *_: False)
    monkeypatch.setattr(lifecycle, "start_supervisord", lambda *_: None)
    monkeypatch.setattr(lifecycle, "Supervisor", Supervised)
    return Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path)})


def test_every_part_that_does_not_start_is_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [Service("a", "The A", "a", 1), Service("b", "The B", "b", 2), Preparation("c", "sh -c 'echo why; exit 7'")]
    monkeypatch.setattr(lifecycle, "table", lambda _settings: rows)
    monkeypatch.setattr(Supervised, "states", {"a": "FATAL", "b": "FATAL"}, raising=False)
    with pytest.raises(lifecycle.StartError) as raised:
        lifecycle.up(settings)
    message = str(raised.value)
    for part in (
        "The A does not start: it ended too fast.",
        "The B does not start",
        "Preparing c failed (exit 7)",
        "why",
    ):
        assert part in message


def test_ctrl_c_ends_the_waiting(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [Service("a", "The A", "a", 1), Service("b", "The B", "b", 2, ("a",))]
    monkeypatch.setattr(lifecycle, "table", lambda _settings: rows)
    monkeypatch.setattr(lifecycle, "READY_SECONDS", 20)
    monkeypatch.setattr(Supervised, "states", {"a": "RUNNING"}, raising=False)
    begun = time.monotonic()
    press = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    press.start()
    with pytest.raises(KeyboardInterrupt):
        lifecycle.up(settings)
    press.join()
    assert time.monotonic() - begun < 10


def test_other_settings_do_not_touch_the_platform_that_runs(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "start_supervisord", start_supervisord)
    monkeypatch.setattr(lifecycle, "table", lambda _settings: [Preparation("nothing", "true")])
    monkeypatch.setattr(Settings, "python", Path(sys.executable))
    lifecycle.up(settings)
    try:
        more = {"MARQUEE_STATE": str(tmp_path), "MARQUEE_DATANODES": "5"}
        lifecycle.up(Settings.load(tmp_path / ".env", more))  # DataNodes alone may join
        changed = Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path), "MARQUEE_API_PORT": "8003"})
        with pytest.raises(lifecycle.StartError) as raised:
            lifecycle.up(changed)
    finally:
        Supervisor(settings).shut_down()
    assert str(raised.value) == (
        "Settings changed since the platform was started, and it still runs with the old ones. "
        "Apply them with `make down up`."
    )
    for rendered in ("conf/gateway/nginx.conf", "env.sh"):
        assert "8003" not in (settings.instance / rendered).read_text(encoding="utf-8")
    lifecycle.up(changed)
    Supervisor(settings).shut_down()
    assert "8003" in (settings.instance / "env.sh").read_text(encoding="utf-8")

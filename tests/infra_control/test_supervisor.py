import gc
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from infra.control.settings import REPOSITORY, Settings
from infra.control.supervisor import Supervisor, SupervisorError, SupervisorUnreachableError
from infra.control.supervisord import start_supervisord, write_configuration


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    chosen = Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path)})
    for folder in ("run", "logs", "conf"):
        (chosen.instance / folder).mkdir(parents=True)
    return chosen


def test_a_running_supervisord_is_asked_and_shut_down_and_no_connection_stays_open(settings: Settings) -> None:
    program = Path(sys.executable).parent / "supervisord"
    subprocess.run([str(program), "-c", str(write_configuration(settings))], cwd=REPOSITORY, check=True)
    supervisor = Supervisor(settings)
    try:
        processes = supervisor.processes()
        assert len(processes) == 20
        assert {info["statename"] for info in processes.values()} == {"STOPPED"}
        gc.collect()  # a connection left open is warned of when it is collected, and warnings are errors
    finally:
        supervisor.shut_down()
    assert not supervisor.running()


def test_without_supervisord_the_error_says_how_to_start_it(settings: Settings) -> None:
    with pytest.raises(SupervisorUnreachableError, match=r"does not run\. Start the platform with `make up`"):
        Supervisor(settings).processes()


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (PermissionError(13, "Permission denied"), "runs as another user, and only that user may use"),
        (TimeoutError("timed out"), r"supervisord does not answer\. Read .*supervisord\.log, then"),
    ],
)
def test_a_supervisord_that_cannot_be_asked_is_not_taken_for_one_that_does_not_run(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, error: OSError, sentence: str
) -> None:
    def refuse(_self: socket.socket, _address: str) -> None:
        raise error

    monkeypatch.setattr(socket.socket, "connect", refuse)
    with pytest.raises(SupervisorError, match=sentence):
        Supervisor(settings).running()


def test_a_supervisord_that_does_not_start_is_one_sentence(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Settings, "python", Path(sys.executable))
    (settings.instance / "logs").rmdir()
    with pytest.raises(
        SupervisorError, match=r"supervisord did not start \(exit 2\)\. The reason is in the lines above or in "
    ):
        start_supervisord(settings, {})
    assert "does not exist" in capfd.readouterr().err

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from infra.control.settings import REPOSITORY, Settings
from infra.control.supervision import Supervisor, SupervisorUnreachableError, write_configuration


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
        assert len(processes) == 19
        assert {info["statename"] for info in processes.values()} == {"STOPPED"}
        gc.collect()  # a connection left open is warned of when it is collected, and warnings are errors
    finally:
        supervisor.shut_down()
    assert not supervisor.running()


def test_without_supervisord_the_error_says_how_to_start_it(settings: Settings) -> None:
    with pytest.raises(SupervisorUnreachableError, match="start the platform with `make up`"):
        Supervisor(settings).processes()

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from infra.control.preflight import (
    PreflightError,
    check,
    check_exposure,
    check_ports,
    check_space,
    check_tools,
    listener,
)
from infra.control.settings import REPOSITORY, Settings


def settings(tmp_path: Path, **environ: str) -> Settings:
    # Far from the default instance's ports and from the ephemeral range.
    return Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path), "MARQUEE_PORT_OFFSET": "1500", **environ})


def test_a_taken_port_is_named_with_its_service_and_its_holder(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    with socket.socket() as other:
        other.bind(("127.0.0.1", chosen.port("MLFLOW")))
        other.listen()
        with pytest.raises(PreflightError) as raised:
            check_ports(chosen)
    assert str(raised.value).startswith(f"Port 6500, which MLflow needs, is taken by pid {os.getpid()} (")
    assert "End that program, or set another port (or MARQUEE_PORT_OFFSET) in .env." in str(raised.value)


def test_listener_of_a_free_port_is_nobody() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        assert listener(unused.getsockname()[1]) == ""


def test_one_port_for_two_services_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PreflightError, match="Port 9500 is set for two services"):
        check_ports(settings(tmp_path, MARQUEE_API_PORT="8000", MARQUEE_MLFLOW_PORT="8000"))


def test_too_little_disk_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PreflightError, match=r"Only [\d.]+ GiB of disk are free at .*, and 9000000 are needed"):
        check_space(settings(tmp_path, MARQUEE_MINIMUM_DISK="9000000"))


def test_too_little_memory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PreflightError, match=r"Only [\d.]+ GiB of memory are available, and 9000000 are needed"):
        check_space(settings(tmp_path, MARQUEE_MINIMUM_DISK="0", MARQUEE_MINIMUM_MEMORY="9000000"))


def test_a_missing_jdk_is_refused_with_what_to_install(tmp_path: Path) -> None:
    environment = os.environ | {"PATH": str(tmp_path), "JAVA_HOME": "", "MARQUEE_STATE": str(tmp_path)}
    (tmp_path / "sh").symlink_to("/bin/sh")
    ended = subprocess.run(
        [sys.executable, "-m", "infra.control", "preflight"],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr == (
        "marquee: There is no `java` on PATH. "
        "Install JDK 17 (apt-get install openjdk-17-jdk-headless) or set JAVA_HOME in .env.\n"
    )


def test_a_path_with_a_blank_is_refused_before_it_breaks_a_command(tmp_path: Path) -> None:
    with pytest.raises(PreflightError) as raised:
        check(settings(tmp_path, MARQUEE_STATE=f"{tmp_path}/my state"))
    assert str(raised.value) == (
        f"The path '{tmp_path}/my state' holds a blank, and Hadoop and supervisor split paths at blanks. "
        "Set another MARQUEE_STATE in .env."
    )


def test_the_gateways_port_is_looked_for_where_the_gateway_binds(tmp_path: Path) -> None:
    chosen = settings(tmp_path, MARQUEE_GATEWAY_HOST="127.0.0.2")
    with socket.socket() as other:
        other.bind(("127.0.0.2", chosen.port("GATEWAY")))
        other.listen()
        with pytest.raises(PreflightError, match="Port 9590, which Gateway needs, is taken"):
            check_ports(chosen)
        other.close()
    with socket.socket() as other:
        other.bind(("127.0.0.1", chosen.port("GATEWAY")))
        other.listen()
        check_ports(chosen)


def test_another_java_is_refused_by_its_version(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    java = tmp_path / "bin" / "java"
    # Standard error may begin with anything: a JVM names the variables that it found there.
    java.write_text(
        "#!/bin/sh\necho 'Picked up JAVA_TOOL_OPTIONS: version \"17\"' >&2\necho openjdk 21.0.1 2023-10-17\n",
        encoding="ascii",
    )
    java.chmod(0o755)
    with pytest.raises(PreflightError, match="is Java 21, and Hadoop, Hive and Spark were tried on 17"):
        check_tools(settings(tmp_path, JAVA_HOME=str(tmp_path)))


OPEN = {"MARQUEE_OPEN_WITHOUT_LOGIN": "yes"}


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "::", "marquee.example"])
def test_a_short_password_where_others_can_log_in_is_refused(tmp_path: Path, host: str) -> None:
    chosen = settings(tmp_path, MARQUEE_BIND_HOST=host, MARQUEE_AIRFLOW_PASSWORD="admin", **OPEN)
    with pytest.raises(PreflightError, match="MARQUEE_AIRFLOW_PASSWORD has fewer than 12 characters"):
        check_exposure(chosen)


def test_a_short_password_of_the_administrator_behind_a_public_gateway_is_refused(tmp_path: Path) -> None:
    chosen = settings(tmp_path, MARQUEE_GATEWAY_HOST="0.0.0.0", MARQUEE_ACCOUNTS_ADMIN_PASSWORD="admin")
    with pytest.raises(PreflightError, match=r"HOST=0\.0\.0\.0 lets other machines in, and MARQUEE_ACCOUNTS_ADMIN"):
        check_exposure(chosen)
    check_exposure(settings(tmp_path, MARQUEE_GATEWAY_HOST="0.0.0.0", MARQUEE_AIRFLOW_PASSWORD="admin"))


@pytest.mark.parametrize(
    ("monitoring", "parts"),
    [("no", "HDFS, YARN, Hive, MLflow"), ("yes", "HDFS, YARN, Hive, MLflow, Prometheus and the exporter")],
)
def test_what_asks_for_no_login_is_not_opened_unless_that_is_asked_for(
    tmp_path: Path, monitoring: str, parts: str
) -> None:
    public = {"MARQUEE_BIND_HOST": "0.0.0.0", "MARQUEE_MONITORING": monitoring}
    with pytest.raises(PreflightError) as raised:
        check_exposure(settings(tmp_path, **public))
    assert str(raised.value) == (
        f"MARQUEE_BIND_HOST=0.0.0.0 lets other machines use {parts}, which ask for no login. Open the gateway alone "
        "(MARQUEE_GATEWAY_HOST). Where a firewall keeps other machines out, you can set MARQUEE_OPEN_WITHOUT_LOGIN=yes."
    )
    check_exposure(settings(tmp_path, **public, **OPEN))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_short_password_on_loopback_is_accepted(tmp_path: Path, host: str) -> None:
    check_exposure(settings(tmp_path, MARQUEE_BIND_HOST=host, MARQUEE_AIRFLOW_PASSWORD="admin"))

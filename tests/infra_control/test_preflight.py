import errno
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from infra.control.machine.listeners import MARK, listener
from infra.control.preflight import (
    PreflightError,
    check_addresses,
    check_exposure,
    check_paths,
    check_ports,
    check_space,
    check_tools,
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
        assert listener(unused.getsockname()[1]) is None


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


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "marquee.example"])
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


def test_an_address_of_another_machine_is_refused_as_one(tmp_path: Path) -> None:
    with pytest.raises(PreflightError) as raised:
        check_ports(settings(tmp_path, MARQUEE_BIND_HOST="192.0.2.7"))
    assert str(raised.value) == (
        "MARQUEE_BIND_HOST=192.0.2.7 is no address of this machine. "
        "`ip -4 address` lists its addresses: set one in .env."
    )


def test_a_name_that_nobody_knows_is_refused_as_one(tmp_path: Path) -> None:
    with pytest.raises(PreflightError, match=r"^MARQUEE_GATEWAY_HOST=no\.invalid is a name without an IPv4 address \("):
        check_addresses(settings(tmp_path, MARQUEE_GATEWAY_HOST="no.invalid"))


def test_a_port_that_only_root_may_open_is_refused_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Probe(socket.socket):
        def bind(self, address: tuple[str, int]) -> None:
            if 0 < address[1] < 1024:
                raise PermissionError(errno.EACCES, "Permission denied")
            super().bind(address)

    monkeypatch.setattr(socket, "socket", Probe)
    with pytest.raises(PreflightError) as raised:
        check_ports(settings(tmp_path, MARQUEE_PORT_OFFSET="0", MARQUEE_GATEWAY_PORT="80"))
    first = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text(encoding="ascii").strip()
    assert str(raised.value) == (
        f"Port 80, which Gateway needs, is one that only root may open, as all below {first}. Set a greater one in .env."
    )


def test_the_platforms_own_process_that_holds_a_port_is_named_with_its_instance(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    program = "import socket, sys; s = socket.socket(); s.bind(('127.0.0.1', int(sys.argv[1]))); s.listen(); print(flush=True); input()"
    port = str(chosen.port("MLFLOW"))
    for instance, words in (
        (
            "/x/instances/other",
            " of the instance /x/instances/other. Stop that one with its `make down`, or set another",
        ),
        (str(chosen.instance), ", which an earlier start of this instance left. End it with `make down`."),
    ):
        with subprocess.Popen(
            [sys.executable, "-c", program, port],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {MARK: instance},
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            with pytest.raises(PreflightError) as raised:
                check_ports(chosen)
            process.communicate(b"\n")
        assert f"is taken by pid {process.pid} (" in str(raised.value)
        assert words in str(raised.value)


def test_a_connection_that_holds_a_port_is_named_with_its_state() -> None:
    with socket.socket() as server, socket.socket() as client:
        server.bind(("127.0.0.1", 0))
        server.listen()
        client.connect(server.getsockname())
        accepted, _ = server.accept()
        accepted.close()
        client.close()
        port = server.getsockname()[1]
    # The side that closed first waits; no process holds it.
    holder = listener(port)
    assert holder is not None
    assert holder.words == "a connection that is not closed yet (TIME_WAIT)"
    assert holder.instance == ""


def test_a_connection_that_is_going_away_does_not_keep_a_start_from_its_port(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    with socket.socket() as server, socket.socket() as client:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", chosen.port("API")))
        server.listen()
        client.connect(server.getsockname())
        accepted, _ = server.accept()
        accepted.close()
    check_ports(chosen)


@pytest.mark.parametrize(
    ("content", "mode", "message"),
    [
        ("#!/bin/sh\n", 0o644, "can't be run: Permission denied. Set JAVA_HOME to a JDK 17 in .env."),
        ("rubbish", 0o755, "can't be run: Exec format error. Set JAVA_HOME to a JDK 17 in .env."),
        ("#!/no/such\n", 0o755, "can't be run: No such file or directory. Set JAVA_HOME to a JDK 17 in .env."),
        ("#!/bin/sh\necho broken >&2\n", 0o755, "does not say its version, but: 'broken'. Set JAVA_HOME to a JDK 17"),
    ],
)
def test_a_java_that_is_none_is_refused_with_its_cause(tmp_path: Path, content: str, mode: int, message: str) -> None:
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text(content, encoding="ascii")
    java.chmod(mode)
    with pytest.raises(PreflightError) as raised:
        check_tools(settings(tmp_path, JAVA_HOME=str(tmp_path)))
    assert str(raised.value).startswith(f"{java} {message}")


def test_a_version_managers_java_is_not_taken_for_java_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shim = tmp_path / "shims" / "java"
    shim.parent.mkdir()
    shim.write_text("#!/bin/sh\n", encoding="ascii")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", str(shim.parent))
    with pytest.raises(PreflightError, match=r"java on PATH does not lie in a JDK's bin folder\. Set"):
        check_tools(settings(tmp_path))


def test_a_file_in_the_place_of_the_state_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PreflightError) as raised:
        check_paths(settings(tmp_path, MARQUEE_STATE=f"{tmp_path}/file/state"))
    assert str(raised.value) == (
        f"{tmp_path}/file is a file, and MARQUEE_STATE needs a folder there. Set another one in .env."
    )


def test_a_folder_that_this_user_may_not_write_to_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_paths(settings(tmp_path, MARQUEE_STATE=f"{tmp_path}/new/state"))
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(
        PreflightError, match=rf"can't write to {tmp_path}, which belongs to \w+\. Run the command as that"
    ):
        check_paths(settings(tmp_path, MARQUEE_STATE=f"{tmp_path}/new/state"))


def test_an_old_python_is_refused_before_its_imports_fail() -> None:
    program = "import sys; sys.version_info = (3, 9, 2); import infra.control.__main__"
    ended = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr == (
        "marquee: mrjob needs Python 3.11, and this one is older. Make Python 3.11 the first `python3` on PATH.\n"
    )

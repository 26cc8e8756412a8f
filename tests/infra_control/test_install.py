import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from infra.control.install import InstallError, check_jars, install_packages, missing_packages
from infra.control.settings import REPOSITORY, Settings

# `sha256sum` of files that hold foo and bar.
FOO = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"  # pragma: allowlist secret
BAR = "fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9"  # pragma: allowlist secret


@pytest.fixture
def software(tmp_path: Path) -> Path:
    """Return a folder with two jars in hive/lib, and what does not count: a pom, and a jar of another folder."""
    for name, text in (("lib/a.jar", "foo"), ("lib/deep/b.jar", "bar"), ("lib/a.pom", "pom"), ("beeline/c.jar", "c")):
        file = tmp_path / "hive" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="ascii")
    (tmp_path / "jars.sha256").write_text(
        f"{FOO}  hive/lib/a.jar\n{BAR}  hive/lib/deep/b.jar\n{BAR}  hive/library/other.jar\n", encoding="ascii"
    )
    return tmp_path


def test_jars_that_are_just_those_of_the_lock_are_accepted(software: Path) -> None:
    check_jars(software, software / "jars.sha256", ["hive/lib"])


@pytest.mark.parametrize("name", ["a.jar", "deep/b.jar", "c.jar"])
def test_a_jar_of_other_content_and_one_that_the_lock_has_not_are_refused(software: Path, name: str) -> None:
    (software / "hive" / "lib" / name).write_text("other", encoding="ascii")
    with pytest.raises(InstallError) as raised:
        check_jars(software, software / "jars.sha256", ["hive/lib"])
    assert str(raised.value) == (
        f"Maven delivered other files than jars.sha256 has (1, the first hive/lib/{name}). If a pom was changed on purpose, "
        "run `make lock-jars` and read the difference. If not, do not use the files."
    )


def test_a_missing_jar_is_refused(software: Path) -> None:
    (software / "hive" / "lib" / "a.jar").unlink()
    with pytest.raises(InstallError, match=r"\(1, the first hive/lib/a\.jar\)"):
        check_jars(software, software / "jars.sha256", ["hive/lib"])


def test_the_files_that_an_image_copies_before_its_layers_are_enough_to_install_them(tmp_path: Path) -> None:
    dockerfile = (REPOSITORY / "infra" / "deploy" / "images" / "Dockerfile").read_text(encoding="utf-8")
    (copied,) = re.findall(r"^COPY (.*infra/control/install\.py.*) infra/control/$", dockerfile, re.MULTILINE)
    (folder,) = re.findall(r"^COPY (infra/control/\S+) infra/control/\S+$", dockerfile, re.MULTILINE)
    shutil.copytree(REPOSITORY / folder, tmp_path / folder)
    for name in copied.split():
        shutil.copy(REPOSITORY / name, tmp_path / name)
    program = "from infra.control.install import Settings, install_part; print(Settings.load().state)"
    variables = {"PATH": os.environ["PATH"], "MARQUEE_STATE": "elsewhere"}
    printed = subprocess.check_output([sys.executable, "-c", program], cwd=tmp_path, env=variables, text=True)
    assert printed == f"{tmp_path}/elsewhere\n"


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """Return the root of a system with all that a start without monitoring needs, and with no program for tests."""
    for name in ("usr/lib/postgresql/15/bin/postgres", "usr/sbin/nginx", "usr/bin/python3", "usr/bin/apt-get"):
        program = tmp_path / "system" / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text("#!/bin/sh\nexit 0\n", encoding="ascii")
        program.chmod(0o755)
    return tmp_path / "system"


def missing(system: Path, *, prometheus: bool = False, tests: bool = False) -> list[str]:
    folder = system / "usr" / "bin"
    return missing_packages(
        prometheus=prometheus, tests=tests, root=system, path=str(folder), python=str(folder / "python3")
    )


def test_no_package_is_missing_where_its_program_is(system: Path) -> None:
    assert missing(system) == []
    for name in ("prometheus", "chromium", "faketime", "npm", "vagrant"):
        shutil.copy(system / "usr" / "bin" / "apt-get", system / "usr" / "bin" / name)
    for name in ("tc", "iptables", "sysctl"):
        shutil.copy(system / "usr" / "bin" / "apt-get", system / "usr" / "sbin" / name)
    assert missing(system, prometheus=True, tests=True) == []


def test_prometheus_and_the_programs_of_tests_are_missing_only_where_they_are_wanted(system: Path) -> None:
    assert missing(system, prometheus=True) == ["prometheus"]
    programs, network = (
        ["chromium", "faketime", "npm", "vagrant", "vagrant-libvirt"],
        ["iproute2", "iptables", "procps"],
    )
    assert missing(system, tests=True) == programs + network


def test_each_package_is_named_whose_program_is_not_there(system: Path) -> None:
    (system / "usr" / "lib" / "postgresql" / "15" / "bin" / "postgres").unlink()
    (system / "usr" / "sbin" / "nginx").unlink()
    (system / "usr" / "bin" / "python3").write_text("#!/bin/sh\nexit 1\n", encoding="ascii")
    assert missing(system) == ["postgresql", "nginx-light", "python3-venv"]


def test_a_user_who_may_not_install_packages_gets_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path)})
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    install_packages(settings, [])
    with pytest.raises(InstallError) as raised:
        install_packages(settings, ["nginx-light", "prometheus"])
    assert str(raised.value) == (
        "Missing: nginx-light, prometheus. Install with `sudo apt-get install nginx-light prometheus`, then run the command again."
    )

"""Installs what the platform needs below the state folder; a step is skipped while its inputs are unchanged."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from infra.control.ambient import UMASK, download_settings, for_downloads, maven_proxy
from infra.control.settings import REPOSITORY, Settings, SettingsError

# GNU tar's options for the same bytes of the same files.
_UNTIMED = "--sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=0644"
# What Tez's application master and tasks need in addition to Hadoop's own jars, which they take from the cluster.
_TEZ_JARS = [
    "tez-*.jar",
    "hadoop-shim*.jar",
    "RoaringBitmap*.jar",
    "shims-0*.jar",
    "protobuf-java-3*.jar",
    "commons-collections4*.jar",
    "commons-collections-3*.jar",
    "commons-lang-2*.jar",
    "async-http-client*.jar",
]
# Hadoop's jars that Hive needs, without its log4j 1 binding, which would take over Hive's logging.
_HADOOP_JARS_FOR_HIVE = [
    "hadoop-*",
    "re2j*",
    "woodstox*",
    "stax2*",
    "commons-configuration2*",
    "commons-collections4*",
    "dnsjava*",
    "leveldbjni*",
    "kerb*",
    "token-provider*",
    "nimbus*",
    "snappy-java*",
]

_JAR_LOCK = REPOSITORY / "requirements" / "jars.sha256"
# The folders that Maven fills. The installation adds links and an archive next to them.
_JAR_FOLDERS = ("hadoop/lib", "hadoop/web", "hive/lib", "hive/beeline", "hive/metastore")
# The folder and the title of each environment, by the name of its lock.
_ENVIRONMENTS = {
    "platform": ("venv", "Python packages"),
    "serving": ("serving-venv", "Python packages of the API"),
    "accounts": ("accounts-venv", "Python packages of the accounts service"),
    "reviews": ("reviews-venv", "Python packages of the reviews service"),
    "sentiment": ("sentiment-venv", "Python packages of the sentiment training"),
}

# For drills on a network: Debian's packages, and a program of each where Debian puts it. Not every PATH has usr/sbin.
_NETWORK_TOOLS = {"iproute2": "usr/sbin/tc", "iptables": "usr/sbin/iptables", "procps": "usr/sbin/sysctl"}


class InstallError(Exception):
    """A step failed; the message says which one, and shows the end of its output."""


def _digest(*files: Path) -> str:
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def _run(settings: Settings, step: str, command: list[str], **environment: str) -> None:
    variables = for_downloads(settings) | environment
    log = settings.state / "install.log"
    with log.open("ab") as output:
        output.write(f"\n$ {' '.join(command)}\n".encode())
        output.flush()
        ended = subprocess.run(
            command, stdout=output, stderr=subprocess.STDOUT, cwd=REPOSITORY, env=variables, check=False
        )
    if ended.returncode != 0:
        tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:]
        used = ", ".join(download_settings(variables))
        hint = f"\nVariables of your shell had a part in it: {used}. Check them." if used else ""
        raise InstallError(
            f"Installing {step} failed (exit {ended.returncode}). The end of {log}:\n  " + "\n  ".join(tail) + hint
        )


def _step(settings: Settings, name: str, stamp: str, inputs: str, work: Callable[[], None]) -> None:
    mark = settings.software / f"{stamp}.installed"
    if mark.is_file() and mark.read_text(encoding="ascii") == inputs:
        return
    print(f"install  {name} ...", flush=True)
    started = time.monotonic()
    mark.unlink(missing_ok=True)
    work()
    mark.write_text(inputs, encoding="ascii")
    print(f"install  {name}: done in {time.monotonic() - started:.0f} s", flush=True)


def missing_packages(
    *, prometheus: bool, tests: bool, root: Path = Path("/"), path: str | None = None, python: str = sys.executable
) -> list[str]:
    """Return the Debian packages that are needed and not installed.

    PostgreSQL, nginx and the network's tools are looked for below `root`, the other programs on `path` (None: PATH), and
    pip in `python`.
    """
    missing = [] if list(root.glob("usr/lib/postgresql/*/bin/postgres")) else ["postgresql"]
    if not (root / "usr/sbin/nginx").exists():
        missing.append("nginx-light")
    if prometheus and not shutil.which("prometheus", path=path):
        missing.append("prometheus")
    if tests:
        missing += [package for package in ("chromium", "faketime", "npm") if not shutil.which(package, path=path)]
        # The second one is a plugin of the first: the Vagrantfile names both of its providers.
        missing += [] if shutil.which("vagrant", path=path) else ["vagrant", "vagrant-libvirt"]
        missing += [package for package, program in _NETWORK_TOOLS.items() if not (root / program).exists()]
    if subprocess.run([python, "-I", "-c", "import ensurepip"], capture_output=True, check=False).returncode != 0:
        missing.append("python3-venv")
    return missing


def install_packages(settings: Settings, missing: list[str]) -> None:
    """Install Debian packages.

    Raises InstallError where this user or this system can't.
    """
    if not missing:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise InstallError(
            f"Missing: {', '.join(missing)}. Install with `sudo apt-get install {' '.join(missing)}`, then run the command "
            "again."
        )
    print(f"install  Debian packages {', '.join(missing)} ...", flush=True)
    cluster = Path("/etc/postgresql-common/createcluster.conf")
    if "postgresql" in missing and not cluster.exists():
        # The platform runs its own server. Without this, Debian starts another one on port 5432.
        cluster.parent.mkdir(parents=True, exist_ok=True)
        cluster.write_text("create_main_cluster = false\n", encoding="ascii")
    service = Path("/etc/systemd/system/prometheus.service")
    if "prometheus" in missing and not service.is_symlink() and not service.exists():
        # As `systemctl mask` does. The platform runs its own, and Debian's would start now and at each boot.
        service.parent.mkdir(parents=True, exist_ok=True)
        service.symlink_to("/dev/null")
    _run(settings, "Debian's package lists", ["apt-get", "update"])
    _run(
        settings,
        ", ".join(missing),
        ["apt-get", "install", "-y", "--no-install-recommends", *missing],
        DEBIAN_FRONTEND="noninteractive",
    )


def _uv(settings: Settings) -> Path:
    return settings.software / "uv" / "bin" / "uv"


def _install_uv(settings: Settings) -> None:
    folder = settings.software / "uv"
    _run(settings, "uv", [sys.executable, "-m", "venv", "--clear", str(folder)])
    requirements = str(REPOSITORY / "requirements" / "bootstrap.txt")
    _run(settings, "uv", [str(folder / "bin" / "pip"), "install", "-q", "--require-hashes", "-r", requirements])


def _environment(settings: Settings, venv: str, lock: Path) -> None:
    folder = settings.software / venv
    if not (folder / "bin" / "python").exists():
        _run(settings, venv, [str(_uv(settings)), "venv", "--python", sys.executable, str(folder)])
    sync = [
        str(_uv(settings)),
        *("pip", "sync", "--python", str(folder / "bin" / "python")),
        *("--require-hashes", "--build-constraints", str(REPOSITORY / "requirements" / "build.txt")),
        "--compile-bytecode",
        str(lock),
    ]
    _run(settings, venv, sync)


def _maven(settings: Settings, step: str, pom: str, target: str, *folders: str) -> None:
    """Run a pom and compare the files in its folders with the lock.

    Maven's option `-C` checks each download against the checksum of its server.
    """
    proxy = maven_proxy(for_downloads(settings))
    _run(settings, step, ["mvn", "-B", "-C", "-ntp", *proxy, "-f", pom, "package", target])
    check_jars(settings.software, _JAR_LOCK, folders)


def check_jars(software: Path, lock: Path, folders: Sequence[str]) -> None:
    """Check that the folders hold the lock's files byte by byte, and no others.

    Raises InstallError for a difference.
    """
    lines = (line.partition("  ") for line in lock.read_text(encoding="utf-8").splitlines())
    locked = {name: digest for digest, _, name in lines if name.startswith(tuple(f"{folder}/" for folder in folders))}
    files = [file for folder in folders for file in (software / folder).rglob("*") if file.is_file()]
    found = {str(file.relative_to(software)): _digest(file) for file in files if file.suffix != ".pom"}
    wrong = sorted({name for name, _ in found.items() ^ locked.items()})
    if wrong:
        raise InstallError(
            f"Maven delivered other files than {lock.name} has ({len(wrong)}, the first {wrong[0]}). If a pom was changed "
            "on purpose, run `make lock-jars` and read the difference. If not, do not use the files."
        )


def _monitoring(settings: Settings) -> None:
    pom, folder = "infra/monitoring/hive_agent/pom.xml", settings.jmx_agent.parent
    shutil.rmtree(folder, ignore_errors=True)
    _maven(settings, "the JMX agent", pom, f"-Dtarget={folder}", "monitoring")


def _link(target: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / target.name
    link.unlink(missing_ok=True)
    link.symlink_to(os.path.relpath(target, folder))


def _jars(settings: Settings) -> None:
    hadoop, hive = settings.software / "hadoop", settings.software / "hive"
    for folder in (hadoop, hive):
        shutil.rmtree(folder, ignore_errors=True)
    _maven(settings, "the jars", "infra/services/pom.xml", f"-Dsoftware={settings.software}", *_JAR_FOLDERS)
    for stray in (hive / "lib").glob("*.pom"):
        stray.unlink()
    for pattern in _HADOOP_JARS_FOR_HIVE:
        for jar in (hadoop / "lib").glob(pattern):
            if "streaming" not in jar.name:
                _link(jar, hive / "hadoop-lib")
    for jar in (hadoop / "lib").glob("reload4j-*.jar"):
        _link(jar, hive / "last-lib")
    (scripts,) = (hive / "metastore").glob("**/scripts")
    (hive / "scripts").symlink_to(os.path.relpath(scripts, hive))
    jars = sorted({jar.name for pattern in _TEZ_JARS for jar in (hive / "lib").glob(pattern)})
    command = ["tar", "-I", "gzip -1 -n", "-cf", str(hive / "tez.tar.gz"), "-C", str(hive / "lib"), *jars]
    _run(settings, "Tez's archive", command, TAR_OPTIONS=_UNTIMED)


def _ensure_uv(settings: Settings) -> None:
    _step(settings, "uv", "uv", _digest(REPOSITORY / "requirements" / "bootstrap.txt"), lambda: _install_uv(settings))


def install_part(settings: Settings, part: str) -> None:
    """Install an environment by its lock's name, jars or monitoring, if it changed.

    Raises InstallError.
    """
    settings.software.mkdir(parents=True, exist_ok=True)
    agent = REPOSITORY / "infra" / "monitoring" / "hive_agent" / "pom.xml"
    if part in _ENVIRONMENTS:
        _ensure_uv(settings)
        venv, title = _ENVIRONMENTS[part]
        lock = REPOSITORY / "requirements" / f"{part}.txt"
        _step(settings, title, venv, _digest(lock), lambda: _environment(settings, venv, lock))
    elif part == "monitoring":
        _step(settings, "Prometheus's JMX agent", "monitoring", _digest(agent), lambda: _monitoring(settings))
    else:
        poms = sorted(pom for pom in (REPOSITORY / "infra").glob("**/pom.xml") if pom != agent)
        _step(settings, "Hadoop, Hive and Tez (322 MB of jars)", "jars", _digest(*poms), lambda: _jars(settings))


def install(settings: Settings, *, tests: bool = False) -> None:
    """Install packages, environments and jars; `tests` adds what `make test` needs.

    The tests' lock holds every package of the platform's lock at the same version. An environment with the tests' packages
    is therefore kept. Raises InstallError.
    """
    settings.software.mkdir(parents=True, exist_ok=True)
    requirements = REPOSITORY / "requirements"
    # Prometheus's package has promtool, which the tests run.
    install_packages(settings, missing_packages(prometheus=tests or settings.monitoring, tests=tests))
    _ensure_uv(settings)
    with_tests = _digest(requirements / "platform.txt", requirements / "dev.txt")
    mark = settings.software / "venv.installed"
    if tests or (mark.is_file() and mark.read_text(encoding="ascii") == with_tests):
        _step(
            settings,
            "Python packages with the tests'",
            "venv",
            with_tests,
            lambda: _environment(settings, "venv", requirements / "dev.txt"),
        )
    else:
        install_part(settings, "platform")
    environments = [part for part in _ENVIRONMENTS if part != "platform"]
    for part in (*environments, *(["monitoring"] if settings.monitoring else []), "jars"):
        install_part(settings, part)


if __name__ == "__main__":
    # `python3 -m infra.control.install PART ...` makes the layers of an image, and needs only settings and given of infra/control.
    os.umask(UMASK)
    try:
        for wanted in sys.argv[1:]:
            install_part(Settings.load(), wanted)
    except (SettingsError, InstallError) as error:
        sys.exit(f"marquee: {error}")

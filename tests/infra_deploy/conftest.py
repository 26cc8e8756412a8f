"""A repository with versions of a small platform, and two environments for it."""

import contextlib
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.deploy.environments.environment import Environment
from infra.release.package import make_package

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass
class Place:
    """A repository of the small platform, with its state folder."""

    repository: Path
    state: Path
    staging: Environment
    production: Environment

    def git(self, *arguments: str) -> str:
        identity = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
        command = ["git", *identity, "-C", str(self.repository), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def version(self, name: str, behaviour: str = "good") -> str:
        """Commit a version that behaves so, make its package and return its commit."""
        (self.repository / "behaviour").write_text(f"{behaviour} {name}\n", encoding="ascii")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", f"version {name}")
        commit = self.git("rev-parse", "HEAD")
        make_package(self.repository, self.state, commit)
        return commit

    def add_real_programs(self) -> None:
        """Add the real Makefile with its programs of release and deployment.

        What runs in an environment stays the small platform; checks of arguments and the state folder are the real program's.
        """
        shutil.copy(REPOSITORY / "Makefile", self.repository)
        for folder in ("infra/release", "infra/deploy/environments", "infra/control", ".github"):
            shutil.copytree(REPOSITORY / folder, self.repository / folder, dirs_exist_ok=True)
        control = self.repository / "infra" / "control"
        (control / "__main__.py").rename(control / "real.py")
        choose = (
            "import os, sys\n"
            "if sys.argv[1:2] in (['given'], ['state']):\n"
            "    from infra.control.real import main\n"
            "    sys.exit(main())\n"
        )
        small = Path(__file__).with_name("small_platform.py").read_text(encoding="utf-8")
        (control / "__main__.py").write_text(choose + small, encoding="utf-8")

    def answers(self, environment: Environment) -> Any:
        """Return the version that answers, None if nothing does."""
        try:
            with urllib.request.urlopen(f"{gateway(environment)}/health", timeout=5) as answer:
                return json.load(answer)["version"]
        except OSError:
            return None

    def command(self, *arguments: str) -> list[str]:
        """Return the program's command line, for this repository."""
        code = (
            "import sys; from pathlib import Path; import infra.deploy.environments.__main__ as program; "
            f"program.REPOSITORY = Path({str(self.repository)!r}); sys.exit(program.main())"
        )
        return [sys.executable, "-u", "-c", code, *arguments]

    @property
    def variables(self) -> dict[str, str]:
        """Return the program's environment."""
        return {**os.environ, "MARQUEE_STATE": str(self.state)}

    def program(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the program in a process of its own."""
        command = self.command(*arguments)
        return subprocess.run(command, cwd=REPOSITORY, env=self.variables, capture_output=True, text=True, check=False)

    def kill_at(self, step: str, *arguments: str) -> bool:
        """Run the program and kill it as soon as it says that it begins a step; return whether it came there."""
        out = subprocess.PIPE
        with subprocess.Popen(
            self.command(*arguments), cwd=REPOSITORY, env=self.variables, stdout=out, stderr=out, text=True
        ) as going:
            assert going.stdout is not None
            for line in going.stdout:
                if line.endswith(f": {step} ...\n"):
                    going.kill()
                    return True
        return False


def ledger(environment: Environment) -> list[dict[str, Any]]:
    return [json.loads(line) for line in environment.ledger.read_text(encoding="utf-8").splitlines()]


def ended(environment: Environment) -> list[tuple[str, str]]:
    """Return commit and result of each deployment that ended."""
    ends = ("live", "undone", "failed")
    return [(entry["commit"], entry["result"]) for entry in ledger(environment) if entry["result"] in ends]


def steps(environment: Environment) -> list[str]:
    return (environment.folder / "log").read_text(encoding="utf-8").splitlines()


def gateway(environment: Environment) -> str:
    """Return the address that visitors of an environment know."""
    text = (environment.folder / ".env").read_text(encoding="ascii")
    offset = next(line.partition("=")[2] for line in text.splitlines() if line.startswith("MARQUEE_PORT_OFFSET"))
    return f"http://127.0.0.1:{8090 + int(offset)}"


def free_offset() -> int:
    """Return an offset with which all ports of an environment are free.

    All lie below those that the system gives to connections, one of which may begin before the environment starts.
    """
    while True:
        offset = random.randrange(10_000, 16_900)
        ports = [
            first + shift + offset for first in (8000, 8001, 8002, 8090, 15432) for shift in (0, 100, 200, 300, 400)
        ]
        with contextlib.suppress(OSError), contextlib.ExitStack() as probes:
            for port in ports:
                probes.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return offset


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    repository, state = tmp_path / "repository", tmp_path / "state"
    copied = [f"infra/deploy/environments/{name}.py" for name in ("__init__", "smoke", "smoke_person")]
    for source, target in (
        (Path(__file__).with_name("small_platform.py"), "infra/control/__main__.py"),
        *((REPOSITORY / name, name) for name in copied),
    ):
        (repository / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, repository / target)
    made = Place(repository, state, Environment("staging", state), Environment("production", state))
    subprocess.run(["git", "init", "-q", "-b", "main", str(repository)], check=True)
    for environment in (made.staging, made.production):
        environment.folder.mkdir(parents=True)
        settings = f"MARQUEE_PORT_OFFSET={free_offset()}\nMARQUEE_DEPLOY_WATCH_SECONDS=1\nMARQUEE_DEPLOY_BATCH=no\n"
        # Without a batch side there is no run in staging that production could ask for.
        settings += "MARQUEE_DEPLOY_WITHOUT_RUN=yes\n" if environment is made.production else ""
        (environment.folder / ".env").write_text(settings, encoding="ascii")
    yield made
    for environment in (made.staging, made.production):
        for pid in environment.folder.glob("*/instances/*/pid"):
            subprocess.run(["kill", pid.read_text(encoding="ascii").strip()], check=False)

"""`python3 -m infra.control COMMAND`: the program behind `make up`, `make down` and others."""

from __future__ import annotations

import argparse
import os
import sys
import xmlrpc.client
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import infra.control.given.python_version  # noqa: F401

# isort: split
from infra.control import lifecycle, status
from infra.control.ambient import UMASK
from infra.control.backup.commands import backup, restore
from infra.control.backup.programs import BackupError
from infra.control.given.arguments import check_arguments
from infra.control.install import InstallError, install
from infra.control.preflight import PreflightError, check
from infra.control.settings import REPOSITORY, Settings, SettingsError, env_example
from infra.control.supervisor import SupervisorError
from infra.control.systems.gateway import reload_gateway
from infra.control.variables import process_environment


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="infra.control", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    installing = commands.add_parser(
        "install", help="install packages, Python environments and jars below the state folder"
    )
    installing.add_argument("--tests", action="store_true", help="with what the tests need")
    checking = commands.add_parser("preflight", help="check this machine: tools, disk, memory, ports")
    checking.add_argument("--tools", action="store_true", help="check the tools alone, as for an installation")
    commands.add_parser("state", help="print the folder of everything installed, stored or logged")
    commands.add_parser("up", help="start everything and wait until it serves")
    commands.add_parser("down", help="stop everything; data is kept")
    commands.add_parser("migrate", help="run this instance's preparations, such as migrations, and start nothing")
    commands.add_parser("reload-gateway", help="have the running gateway take its settings again; no request breaks")
    commands.add_parser("status", help="show one row for each service; exit 1 unless all serve")
    logs = commands.add_parser("logs", help="show a service's log")
    logs.add_argument("service")
    logs.add_argument("--follow", action="store_true")
    clean = commands.add_parser("clean", help="delete this instance's data, logs and secrets")
    clean.add_argument("--yes", action="store_true", help="do not ask")
    commands.add_parser("backup", help="write databases, HDFS metadata, publications and models to a folder")
    restoring = commands.add_parser("restore", help="replace this instance's data by a backup")
    restoring.add_argument("backup", help="folder that `backup` named")
    given = commands.add_parser("given", help="check arguments of a make target, which the environment holds")
    given.add_argument("names", nargs="+", metavar="NAME")
    commands.add_parser("env-example", help="print .env.example")
    commands.add_parser("service", help="become one service or preparation, as a container does").add_argument("name")
    run = commands.add_parser("exec", help="run a command with the platform's environment")
    run.add_argument("arguments", nargs=argparse.REMAINDER)
    return parser


def _dispatch(arguments: argparse.Namespace) -> int:
    if arguments.command == "env-example":
        sys.stdout.write(env_example())
        return 0
    if arguments.command == "given":
        check_arguments(arguments.names, os.environ)
        return 0
    settings = Settings.load()
    run: dict[str, Callable[[], object]] = {
        "install": lambda: install(settings, tests=arguments.tests),
        "preflight": lambda: check(settings, tools_alone=arguments.tools),
        "state": lambda: print(settings.state),
        "up": lambda: lifecycle.up(settings),
        "down": lambda: lifecycle.down(settings),
        "migrate": lambda: lifecycle.migrate(settings),
        "reload-gateway": lambda: reload_gateway(settings),
        "logs": lambda: status.logs(settings, arguments.service, follow=arguments.follow),
        "clean": lambda: lifecycle.clean(settings, confirmed=arguments.yes),
        "backup": lambda: backup(settings),
        "restore": lambda: restore(settings, _folder(arguments.backup)),
        "service": lambda: lifecycle.become(settings, arguments.name),
        "exec": lambda: _execute(settings, arguments.arguments),
    }
    if arguments.command == "status":
        return 0 if status.status(settings) else 1
    run[arguments.command]()
    return 0


def _execute(settings: Settings, words: list[str]) -> NoReturn:
    """Become a command, with the platform's environment."""
    command = words[1:] if words[:1] == ["--"] else words
    if not command:
        raise SettingsError("`exec` has no command to run. Give one, as in: exec -- env.")
    os.chdir(REPOSITORY)
    variables = process_environment(settings)
    # Nothing may have been started in this instance yet.
    Path(variables["TMPDIR"]).mkdir(parents=True, exist_ok=True)
    os.execvpe(command[0], command, variables)  # noqa: S606


def _folder(given: str) -> Path:
    """Return a folder that a person gave.

    `~` is expanded here, since not every shell does that in `BACKUP=~/x`.
    """
    if not given:
        raise BackupError("No backup is given. Give the folder that `make backup` named: make restore BACKUP=folder.")
    return Path(os.path.expanduser(given)).resolve()  # noqa: PTH111 - it leaves an unknown user's ~ as it is


def main() -> int:
    """Run one command and return its exit status.

    An error that a user can fix ends with a message and exit status 1.
    """
    os.umask(UMASK)
    try:
        return _dispatch(_parser().parse_args())
    except (
        SettingsError,
        PreflightError,
        InstallError,
        BackupError,
        lifecycle.StartError,
        status.LogError,
        SupervisorError,
    ) as error:
        print(f"marquee: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(
            f"marquee: {error.filename or 'The system'}: {error.strerror or error}. "
            "Check that it exists, that this user may use it and that its disk has free space, then run the command again.",
            file=sys.stderr,
        )
        return 1
    except xmlrpc.client.Fault as fault:
        print(
            f"marquee: supervisord refuses ({fault.faultString}). If it is shutting down, wait and run the command again.",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print("marquee: interrupted. `make status` shows what runs, and `make down` stops it.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())

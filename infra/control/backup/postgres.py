"""PostgreSQL in a backup: dumps of the databases, and a server of its own for a restore."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

from infra.control.backup.programs import BackupError, Programs
from infra.control.settings import Settings

_SCRIPT = "infra/services/postgres/postgres.sh"


class Postgres:
    """The server of an instance, as its administrator. Methods raise BackupError."""

    def __init__(self, settings: Settings, variables: dict[str, str], programs: Programs) -> None:
        self.settings, self.variables, self.programs = settings, variables, programs

    def databases(self) -> list[str]:
        """Return the names of the server's databases, without PostgreSQL's own."""
        query = "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres' ORDER BY 1"
        return self._run("psql", "-d", "postgres", "-X", "-tAc", query).split()

    def dump(self, name: str, file: Path) -> None:
        """Write a database to a file, as it is at one moment."""
        self._run("pg_dump", "-Fc", "-f", str(file), name)

    def restore(self, name: str, file: Path) -> None:
        """Fill an empty database from a file that `dump` wrote."""
        self._run("pg_restore", "--exit-on-error", "-d", name, str(file))

    @contextlib.contextmanager
    def temporary_server(self) -> Iterator[None]:
        """Run a new PostgreSQL with empty databases, and stop it at the end."""
        for folder in ("logs", "tmp"):
            (self.settings.instance / folder).mkdir(parents=True, exist_ok=True)
        self.programs.run([_SCRIPT, "prepare"], self.variables)
        log = self.settings.instance / "logs" / "restore.log"
        process = self.programs.start([_SCRIPT, "run"], self.variables, log)
        try:
            try:
                self.programs.run([_SCRIPT, "databases"], self.variables)
            except BackupError as error:
                raise BackupError(f"{error} The server's log is {log}.") from error
            yield
        finally:
            process.send_signal(signal.SIGINT)  # PostgreSQL's fast shutdown
            process.wait(60)

    def _run(self, program: str, *arguments: str) -> str:
        host, port = self.variables["MARQUEE_POSTGRES_HOST"], str(self.settings.port("POSTGRES"))
        command = [self._path_of(program), "-h", host, "-p", port, "-U", "postgres", *arguments]
        return self.programs.run(command, self.variables | {"PGPASSWORD": self.variables["MARQUEE_POSTGRES_PASSWORD"]})

    def _path_of(self, program: str) -> str:
        paths = {path.parts[-3]: path for path in self.programs.postgresql.glob(f"*/bin/{program}")}
        if not paths:
            raise BackupError(f"PostgreSQL's {program} is not installed. Run `make install`.")
        # The newest version reads what older servers write. As numbers, 15 is newer than 9.6.
        return str(paths[max(paths, key=lambda version: [int(part) for part in version.split(".")])])

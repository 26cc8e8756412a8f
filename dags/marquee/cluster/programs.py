"""Start a job's program, log its output, and stop it with its children."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from typing import IO, Any, Protocol

from marquee import settings

# Long enough for mrjob and spark-submit to report to YARN that they stop.
SECONDS_TO_STOP = 10
LINES_IN_ERROR = 15

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """Let the kernel kill this process with its parent, before any retry."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Log(Protocol):
    """Describe a task's log; Airflow's is not a logging.Logger."""

    def info(self, event: str, /, *arguments: Any) -> Any:
        """Write a line."""

    def warning(self, event: str, /, *arguments: Any) -> Any:
        """Write a line that is marked as a warning."""


class ProgramError(RuntimeError):
    """Report a program that ended with a status other than 0, with its last lines."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class RunningProgram:
    """Run one program in its own process group.

    A signal therefore reaches its children (hadoop, java) too.
    """

    def __init__(self, argv: Sequence[str], log: Log, environment: Mapping[str, str] | None = None) -> None:
        self._argv = [str(argument) for argument in argv]
        self._log = log
        self._stopped = False
        self._last_lines: deque[str] = deque(maxlen=LINES_IN_ERROR)
        log.info("Running in %s: %s", settings.HOME, " ".join(self._argv))
        self._process = subprocess.Popen(
            self._argv,
            cwd=settings.HOME,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="backslashreplace",
            start_new_session=True,
            preexec_fn=end_with_parent,
        )

    def wait(self) -> list[str]:
        """Return the non-empty lines of standard output; raise ProgramError on failure."""
        errors = threading.Thread(target=self._stream, args=(self._process.stderr,), daemon=True)
        errors.start()
        output = self._stream(self._process.stdout)
        errors.join()
        status = self._process.wait()
        if self._stopped:
            raise ProgramError(f"{self._name} was stopped because its task was.")
        if status != 0:
            cause = f"signal {-status}" if status < 0 else f"status {status}"
            tail = "\n".join(self._last_lines)
            raise ProgramError(f"{self._name} ended with {cause}. Its last lines:\n{tail}", status)
        return output

    def stop(self) -> None:
        """End the process group: send SIGTERM, and SIGKILL after 10 seconds."""
        self._stopped = True
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(SECONDS_TO_STOP)
                # The leader has ended. Its group may still have children that ignored the signal.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)
                return

    @property
    def _name(self) -> str:
        return " ".join(self._argv[1:4])

    def _stream(self, lines: IO[str] | None) -> list[str]:
        kept = []
        with lines or contextlib.nullcontext(()) as open_lines:
            for line in open_lines:
                text = line.rstrip()
                self._log.info("%s", text)
                self._last_lines.append(text)
                if text:
                    kept.append(text)
        return kept


def result_of(line: str) -> dict[str, Any]:
    """Return the JSON object of a program's last line; raise ProgramError if none."""
    try:
        result = json.loads(line)
    except ValueError:
        result = None
    if not isinstance(result, dict):
        raise ProgramError(f"The program's last line of output should be a JSON object, not {line!r}.")
    return result

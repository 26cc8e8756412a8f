"""What kinds of processes use: processor seconds, and the most memory that all of a kind held at once.

Wall time on a shared machine says little. Memory is what a process alone holds (USS): pages that several share, such as
Python's, would count many times.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import psutil

KINDS = ("JVM", "Python workers", "other Python")
MIB = 1024 * 1024


def kind_of(command: list[str]) -> str:
    """Return which of KINDS a process with this command line is."""
    if command and command[0].endswith("java"):
        return "JVM"
    return "Python workers" if "pyspark.daemon" in command else "other Python"


@dataclass
class Usage:
    """Processor seconds, and the most bytes, by kind."""

    seconds: float = 0.0
    cpu: Counter[str] = field(default_factory=Counter)
    peak: Counter[str] = field(default_factory=Counter)

    def row(self) -> list[str]:
        """Return wall seconds, then processor seconds and mebibytes of each of KINDS."""
        cpu, peak = [f"{self.cpu[kind]:.0f}" for kind in KINDS], [str(self.peak[kind] // MIB) for kind in KINDS]
        return [f"{self.seconds:.0f}", *cpu, *peak]


class Watch(threading.Thread):
    """Adds up what processes use, by the name of what they work on.

    ``look`` returns the processes of now, and ``task`` the name of what they all work on. What a process uses after the
    last look at it is missed: ``pause`` seconds each, or more where a look takes long.
    """

    def __init__(
        self, look: Callable[[], Iterable[psutil.Process]], task: Callable[[], str | None], pause: float = 0.5
    ) -> None:
        super().__init__(daemon=True)
        self.usage: dict[str, Usage] = {}
        self._look, self._task, self._pause = look, task, pause
        self._ended = threading.Event()
        self._spent: dict[tuple[int, float], float] = {}

    def run(self) -> None:
        """Look until ``stop``."""
        before = time.monotonic()
        while not self._ended.is_set():
            task, held, now = self._task(), Counter[str](), time.monotonic()
            usage = self.usage.setdefault(task, Usage()) if task else Usage()
            for process in self._look():
                try:
                    kind, key = kind_of(process.cmdline()), (process.pid, process.create_time())
                    times, memory = process.cpu_times(), process.memory_full_info().uss
                except psutil.Error:  # it ended meanwhile
                    continue
                spent = times.user + times.system
                usage.cpu[kind] += spent - self._spent.get(key, 0.0)
                self._spent[key] = spent
                held[kind] += memory
            usage.peak |= held
            usage.seconds += now - before
            before = now
            # To ask for the memory of many processes takes the kernel's time: at most a twentieth of a core.
            self._ended.wait(max(self._pause, 19 * (time.monotonic() - now)))

    def stop(self) -> dict[str, Usage]:
        """End; return what each task used."""
        self._ended.set()
        self.join()
        return self.usage


def family(program: psutil.Process) -> list[psutil.Process]:
    """Return a program and all that it started, or nothing when it has ended."""
    try:
        return [program, *program.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []

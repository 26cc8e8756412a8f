"""What a program's YARN containers use, by looking at this machine's processes; the NodeManager must run here.

Wall time on a shared machine says little; processor seconds are what the work costs.
"""

from __future__ import annotations

import re
import threading
from pathlib import Path

import psutil

SECONDS_BETWEEN_LOOKS = 0.5
APPLICATION = re.compile(rb"application_\d+_\d+")


class ContainerUsage(threading.Thread):
    """Adds up processor seconds and peak memory of all containers of the applications that ``log`` names.

    What a process uses after the last look at it is missed: at most half a second each.
    """

    def __init__(self, log: Path) -> None:
        super().__init__(daemon=True)
        self._log = log
        self._ended = threading.Event()
        self._seconds: dict[tuple[int, float], float] = {}
        self.peak_mib = 0.0

    def run(self) -> None:
        """Look until ``stop``."""
        while not self._ended.wait(SECONDS_BETWEEN_LOOKS):
            applications = {name.decode() for name in APPLICATION.findall(self._log.read_bytes())}
            if applications:
                self._look(applications)

    def _look(self, applications: set[str]) -> None:
        resident = 0
        for process in psutil.process_iter():
            try:
                # A container works in .../appcache/<application>/<container>, and so do its children.
                if applications.isdisjoint(Path(process.cwd()).parts):
                    continue
                times = process.cpu_times()
                self._seconds[process.pid, process.create_time()] = times.user + times.system
                resident += process.memory_info().rss
            except psutil.Error:  # it ended meanwhile
                continue
        self.peak_mib = max(self.peak_mib, resident / 2**20)

    def stop(self) -> float:
        """End; returns the processor seconds."""
        self._ended.set()
        self.join()
        return sum(self._seconds.values())

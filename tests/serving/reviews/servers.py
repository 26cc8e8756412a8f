"""The service as a process of its own, on a free port."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx


class Server:
    """A running service; `kill` ends it without a word."""

    def __init__(self, environment: dict[str, str], log: Path, *, workers: int = 1, port: int | None = None) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = port or free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        command = [
            sys.executable,
            "-m",
            "serving.reviews",
            "serve",
            "--port",
            str(self.port),
            "--workers",
            str(workers),
        ]
        with log.open("ab") as output:
            self.process = subprocess.Popen(command, env=os.environ | environment, stdout=output, stderr=output)
        deadline = time.monotonic() + 60
        while True:
            try:
                if httpx.get(f"{self.address}/ready", timeout=5).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise AssertionError(log.read_text())
            time.sleep(0.05)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def workers(self) -> list[int]:
        """The processes of this server that answer requests."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        commands = {int(pid): Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children}
        return [pid for pid, command in commands.items() if b"resource_tracker" not in command]

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(timeout=30)

    def peak_memory(self) -> int:
        """The largest resident size so far, in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmHWM"))

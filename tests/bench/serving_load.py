"""How fast the recommendation API answers, against Flask saying hello on the same server in the same run.

python tests/bench/serving_load.py [--users 20000] [--seconds 5] [--rounds 3] [--history FILE]

Needs wrk (apt-get install wrk). Server and load generator share the machine, so compare figures of one run only. Prints a
table, and one JSON object as the last line.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from generated_publication import write_exports
from history import add_option, compare_and_keep

from serving.publications.building.build import build_publication
from serving.publications.store import PublicationStore
from serving.publications.transfer import pull

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).with_name("load.lua")
DAYS = ("20261101T030000", "20261102T030000")
CONNECTIONS = 16
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def hello() -> Flask:
    """Return the application to compare with."""
    app = Flask(__name__)

    @app.get("/v1/users/<user>/recommendations")
    def greet(user: str) -> str:
        return "Hello, World!"

    return app


@dataclass(frozen=True)
class Server:
    """A server in a session of its own, so that all its processes are found."""

    address: str
    session: int

    def processes(self) -> list[Path]:
        """Return /proc/<pid> of each process that lives."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                if int(stat.read_text().rpartition(")")[2].split()[3]) == self.session:
                    found.append(stat.parent)
            except (OSError, IndexError):
                continue
        return found

    def cpu_seconds(self) -> float:
        """Return the processor time that the processes have used, user and system."""
        fields = [(process / "stat").read_text().rpartition(")")[2].split() for process in self.processes()]
        return sum(int(values[11]) + int(values[12]) for values in fields) / TICKS_PER_SECOND

    def memory_mib(self) -> dict[str, float]:
        """Return the proportional set size: all, and the part that is not the publication's file."""
        total = anonymous = 0
        for process in self.processes():
            for line in (process / "smaps_rollup").read_text().splitlines():
                name, _, rest = line.partition(":")
                total += int(rest.split()[0]) if name == "Pss" else 0
                anonymous += int(rest.split()[0]) if name == "Pss_Anon" else 0
        return {"pss": round(total / 1024, 1), "anonymous": round(anonymous / 1024, 1)}


@contextmanager
def served(command: list[str], environment: dict[str, str]) -> Iterator[Server]:
    """Run a server until it answers, and end it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    variables = {**os.environ, **environment, "MARQUEE_SERVING_PORT": str(port), "PYTHONPATH": str(REPOSITORY)}
    variables["MARQUEE_SERVING_LOG_LEVEL"] = environment.get("MARQUEE_SERVING_LOG_LEVEL", "warning")
    arguments = [part.replace("PORT", str(port)) for part in command]
    process = subprocess.Popen(
        arguments, cwd=Path(__file__).parent, env=variables, start_new_session=True, stdout=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            try:
                with urllib.request.urlopen(f"{address}/v1/users/1/recommendations", timeout=5):
                    break
            except urllib.error.HTTPError as error:
                error.close()
                break
            except OSError:
                time.sleep(0.1)
        yield Server(address, process.pid)
    finally:
        process.terminate()
        process.wait(timeout=30)


def load(
    server: Server, seconds: float, users: int, connections: int = CONNECTIONS, **environment: str
) -> dict[str, Any]:
    """Load the server and return wrk's figures, with the server's CPU microseconds for each request."""
    before = server.cpu_seconds()
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "-s", str(SCRIPT), server.address]
    variables = {**os.environ, "USERS": str(users), **environment}
    ran = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
    figures: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    figures["per_second"] = round(figures["requests"] / figures["seconds"], 1)
    figures["cpu_us"] = round((server.cpu_seconds() - before) / max(1, figures["requests"]) * 1e6, 1)
    return figures


def make_store(
    folder: Path,
    users: int,
    items: int,
    days: Sequence[str] = DAYS,
    lineage: dict[str, Any] | None = None,
    **of_movies: int,
) -> PublicationStore:
    """Return a store with a publication for each day, the first one live.

    `of_movies` are the number of movies and of their factors: see write_exports.
    """
    store = PublicationStore(folder / "store")
    for version, day in enumerate(days):
        print(f"Making a publication of {users} users x {items} movies ...", file=sys.stderr)
        exports = write_exports(folder / f"exports-{day}", users, items, version, **of_movies)
        build_publication(exports, lineage or {}, day, folder / day)
        shutil.rmtree(exports)
        pull(store, str(folder / day), day, "bench", "bench")
        shutil.rmtree(folder / day)
    store.activate(days[0], "bench", "")
    return store


def switch_each_second(store: PublicationStore, until: threading.Event, switches: list[str]) -> None:
    """Make the two publications live in turn."""
    while not until.wait(1.0):
        day = DAYS[(len(switches) + 1) % 2]
        store.pin(day, "bench", "")
        store.unpin("bench", "")
        switches.append(day)


def median_of(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return each figure's median over the runs."""
    return {name: round(statistics.median(run[name] for run in runs), 3) for name in runs[0]}


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=20_000, help="users with a list (default: %(default)s)")
    parser.add_argument("--items", type=int, default=100, help="movies in a list (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="medians are over these (default: %(default)s)")
    add_option(parser)
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("There is no wrk: apt-get install wrk.")
    with tempfile.TemporaryDirectory(prefix="bench-serving-") as folder:
        result = bench(options, make_store(Path(folder), options.users, options.items))
    report(result)
    held = options.history is None or compare_and_keep(
        options.history, ratios(result), {"users": options.users, "items": options.items}
    )
    print(json.dumps(result))
    if not held:
        sys.exit(1)


def ratios(result: dict[str, Any]) -> dict[str, float]:
    """Return what is compared with the last run: hello-world's processor time for a request by ours.

    Rates are not: on a busy machine they doubled from one run to the next, and these ratios moved by a sixth at most.
    """
    names = ("fast path", "through Flask", "with access log")
    return {f"{name}: hello-world's CPU by ours": result["hello"]["cpu_us"] / result[name]["cpu_us"] for name in names}


def bench(options: argparse.Namespace, store: PublicationStore) -> dict[str, Any]:
    """Return all figures."""
    ours = [sys.executable, "-m", "serving.recommendations.server"]
    greeting = [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--factory", "--workers", "2", "--http", "1"),
        *("--blocking-threads", "4", "--no-ws", "--log-level", "warning", "--port", "PORT", "serving_load:hello"),
    ]
    variables = {"MARQUEE_PUBLICATION_STORE": str(store.root), "OPENBLAS_NUM_THREADS": "1"}
    runs: dict[str, list[dict[str, Any]]] = {"hello": [], "fast path": [], "through Flask": [], "with access log": []}
    with (
        served(greeting, {}) as flask,
        served(ours, variables) as server,
        served(ours, {**variables, "MARQUEE_SERVING_LOG_LEVEL": "info"}) as logging,
    ):
        for each in (flask, server, logging):
            load(each, 2, options.users)
        for turn in range(options.rounds):
            print(f"Round {turn + 1} of {options.rounds} ...", file=sys.stderr)
            runs["hello"].append(load(flask, options.seconds, options.users))
            runs["fast path"].append(load(server, options.seconds, options.users))
            runs["through Flask"].append(load(server, options.seconds, options.users, QUERY="?limit=10"))
            runs["with access log"].append(load(logging, options.seconds, options.users))
        result: dict[str, Any] = {name: median_of(each) for name, each in runs.items()}
        # Half of the full load: each connection waits between its requests.
        pause = max(1, round(2 * 64 * 1000 / result["fast path"]["per_second"]))
        result["half load"] = load(server, options.seconds, options.users, connections=64, DELAY_MS=str(pause))
        switches: list[str] = []
        done = threading.Event()
        switching = threading.Thread(target=switch_each_second, args=(store, done, switches))
        switching.start()
        result["switching"] = load(server, 2 * options.seconds, options.users, CHECK="yes")
        done.set()
        switching.join()
        result["switching"]["switches"] = len(switches)
        result["memory_mib"] = server.memory_mib()
    size = sum(path.stat().st_size for path in store.path(DAYS[0]).iterdir())
    return {"users": options.users, "items": options.items, "publication_mib": round(size / 2**20, 1), **result}


def report(result: dict[str, Any]) -> None:
    """Print the table."""
    hello_rate = result["hello"]["per_second"]
    print("| | requests/s | of hello-world | p50, ms | p99, ms | server CPU, us/request | errors | over 2 s |")
    print("|---|---|---|---|---|---|---|---|")
    for name in ("hello", "fast path", "through Flask", "with access log", "half load", "switching"):
        figures = result[name]
        share = f"{figures['per_second'] / hello_rate:.2f}"
        columns = (f"{figures['per_second']:.0f}", share, f"{figures['p50_ms']:.2f}", f"{figures['p99_ms']:.2f}")
        print(
            f"| {name} | {' | '.join(columns)} | {figures['cpu_us']:.0f} | {figures['errors']:.0f} | {figures['timeouts']:.0f} |"
        )
    checked = result["switching"]
    print(f"Switches {checked['switches']}, answers checked {checked['checked']}, mixed or wrong {checked['wrong']}.")
    print(
        f"{result['users']} users x {result['items']} movies, {result['publication_mib']} MiB; {result['memory_mib']} MiB."
    )


if __name__ == "__main__":
    main()

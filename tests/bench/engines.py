"""Compares mrjob and Spark on YARN, Spark in one process and DuckDB, on cleaning ratings and on a yearly mean per movie.

    python -m infra.control exec -- python tests/bench/engines.py run --rows 100000 1000000 --results engines.jsonl
    python tests/bench/engines.py report --results engines.jsonl --plot docs/engines.png

``run`` needs HDFS and YARN (make up). It adds one JSON line for each measurement to the results; ``report`` fits them,
prints the tables and draws the plot. All engines must give the same rows, else the bench fails.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from yarn_usage import ContainerUsage

BENCH = Path(__file__).resolve().parent
REPOSITORY = BENCH.parents[1]
HDFS_ROOT = "/marquee-bench"
YEAR = 2010
LATEST = ("--latest-timestamp", "1600000000")
ENGINES = ("mrjob on YARN", "Spark on YARN", "Spark, one process", "DuckDB")
TITLES = {"clean": "Cleaning", "average": "Mean rating per movie of one year"}
WORKS = tuple(TITLES)
MEASURES = {"seconds": "start to end", "cpu_seconds": "all processors"}
# A gibibyte for one process's heap; on YARN, spark-defaults.conf says what each part gets.
LOCAL_SPARK = ("--master", "local[2]", "--driver-memory", "2g")
COLOURS = dict(zip(ENGINES, ("#c44e52", "#4c72b0", "#8da0cb", "#55a868"), strict=True))


class Size:
    """One number of rows: its files, here and in HDFS, and the commands of each engine over them."""

    def __init__(self, rows: int, folder: Path) -> None:
        self.rows = rows
        self.source = folder / f"ratings-{rows}.csv"
        self.folder = folder
        self.hdfs_source = f"{HDFS_ROOT}/raw/{self.source.name}"

    def output(self, engine: str, work: str) -> str:
        """Where an engine writes: a folder in HDFS for those on YARN, a path on this machine for the others."""
        name = f"{self.rows}-{work}-{ENGINES.index(engine)}"
        return f"{HDFS_ROOT}/{name}" if "YARN" in engine else str(self.folder / name)

    def command(self, engine: str, work: str) -> list[str]:
        """The program and its arguments. Each averages what it cleaned itself."""
        output, cleaned = self.output(engine, work), self.output(engine, "clean")
        on_yarn, python = "YARN" in engine, sys.executable
        if engine == "DuckDB":
            arguments = [str(self.source), output] if work == "clean" else [cleaned, output, str(YEAR)]
            return [python, str(BENCH / "duckdb_engine.py"), work, *arguments]
        scheme = "hdfs://" if on_yarn else "file://"
        source = scheme + (self.hdfs_source if on_yarn else str(self.source))
        output, cleaned = scheme + output, scheme + cleaned
        if engine == "mrjob on YARN":
            hadoop = ("-r", "hadoop", "--output-dir", output)
            if work == "clean":
                return [python, str(REPOSITORY / "mr_jobs/mr_clean_ratings.py"), source, *hadoop, *LATEST]
            return [python, str(BENCH / "mr_average_ratings.py"), cleaned, *hadoop, "--year", str(YEAR)]
        submit = ["spark-submit", *(("--master", "yarn") if on_yarn else LOCAL_SPARK)]
        if work == "clean":
            return [*submit, str(REPOSITORY / "spark_jobs/clean_ratings.py"), source, "--output-dir", output, *LATEST]
        return [*submit, str(BENCH / "spark_average_ratings.py"), cleaned, output, str(YEAR)]

    def remove(self, engine: str, work: str) -> None:
        """Remove what an engine wrote."""
        output = self.output(engine, work)
        if "YARN" in engine:
            subprocess.run(["hdfs", "dfs", "-rm", "-r", "-f", "-skipTrash", output], check=True, capture_output=True)
        elif Path(output).is_dir():
            shutil.rmtree(output)
        else:
            Path(output).unlink(missing_ok=True)

    def lines(self, engine: str, work: str) -> Iterator[bytes]:
        """Yield the rows that an engine wrote."""
        output = self.output(engine, work)
        if "YARN" in engine:
            with subprocess.Popen(["hdfs", "dfs", "-cat", f"{output}/part-*"], stdout=subprocess.PIPE) as reader:
                assert reader.stdout is not None
                yield from reader.stdout
        else:
            path = Path(output)
            for part in sorted(path.glob("part-*")) if path.is_dir() else [path]:
                with part.open("rb") as file:
                    yield from file


def digest(lines: Iterable[bytes]) -> tuple[int, int]:
    """Return number and fingerprint of rows in any order; fingerprints compare within one process only."""
    count = total = 0
    for line in lines:
        count += 1
        total += hash(line)
    return count, total % 2**64


def measure(command: list[str], log: Path) -> dict[str, float]:
    """Run a program to its end; returns its wall seconds, processor seconds, and MiB of memory.

    Processor seconds and ``yarn_mib`` count its YARN containers too; ``client_mib`` is the most that one process held.
    """
    started = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        containers = ContainerUsage(log)
        containers.start()
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    cpu = containers.stop() + usage.ru_utime + usage.ru_stime
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}; its output is in {log}.")
    memory = {"client_mib": round(usage.ru_maxrss / 1024), "yarn_mib": round(containers.peak_mib)}
    return {"seconds": round(seconds, 2), "cpu_seconds": round(cpu, 2), **memory}


def prepare(size: Size) -> None:
    """Generate the ratings, here and in HDFS, where they are not there yet."""
    if not size.source.exists():
        partial = size.source.with_suffix(".part")
        subprocess.run(
            [
                sys.executable,
                BENCH / "movielens_like.py",
                "--rows",
                str(size.rows),
                "--ratings-only",
                "--output",
                partial,
            ],
            check=True,
        )
        partial.rename(size.source)
    if subprocess.run(["hdfs", "dfs", "-test", "-e", size.hdfs_source], check=False).returncode != 0:
        subprocess.run(["hdfs", "dfs", "-mkdir", "-p", f"{HDFS_ROOT}/raw"], check=True)
        subprocess.run(["hdfs", "dfs", "-put", size.source, size.hdfs_source], check=True)


def run(options: argparse.Namespace) -> None:
    """Measure every engine on every size and add the measurements to the results."""
    folder = Path(os.environ["MARQUEE_INSTANCE_DIR"]) / "data" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    for rows in options.rows:
        size = Size(rows, folder)
        prepare(size)
        for work in options.works:
            found = {}
            for engine in options.engines:
                size.remove(engine, work)
                load = os.getloadavg()[0]
                log = folder / f"{rows}-{work}-{ENGINES.index(engine)}.log"
                figures = measure(size.command(engine, work), log)
                result = {"rows": rows, "work": work, "engine": engine, "load_before": round(load, 1), **figures}
                print(
                    f"{engine:<20} {work:<8} {rows:>10,} rows {figures['seconds']:8.1f} s, processors {figures['cpu_seconds']:7.1f} s",
                    flush=True,
                )
                with options.results.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(result) + "\n")
                found[engine] = digest(size.lines(engine, work))
            if len(set(found.values())) > 1:
                raise SystemExit(f"The engines differ on {work} of {rows} rows: {found}.")
            print(f"{len(found)} engines gave the same {next(iter(found.values()))[0]:,} rows of {work}.", flush=True)
        # The rows of a large size would fill the disk, three times over in HDFS.
        for engine, work in product(options.engines, options.works):
            size.remove(engine, work)


def best(measurements: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one result for each engine, work and size: of repeated measurements the least seconds, the most memory."""
    results: dict[tuple[Any, ...], dict[str, Any]] = {}
    for found in measurements:
        before = results.setdefault((found["engine"], found["work"], found["rows"]), dict(found))
        before |= {name: min(before[name], found[name]) for name in MEASURES}
        before |= {name: max(before[name], found[name]) for name in ("client_mib", "yarn_mib")}
    return list(results.values())


def fit(points: list[dict[str, Any]], measure: str) -> tuple[float, float]:
    """Return fixed seconds and seconds a million rows, by least squares on relative errors; neither is below 0."""
    rows = np.array([point["rows"] for point in points]) / 1e6
    seconds = np.array([point[measure] for point in points])
    slope, fixed = np.polyfit(rows, seconds, 1, w=1 / seconds)
    return max(float(fixed), 0.0), max(float(slope), 0.0)


def report(options: argparse.Namespace) -> None:
    """Print the tables, and draw the plot."""
    results = best([json.loads(line) for line in options.results.read_text(encoding="utf-8").splitlines()])
    for work in WORKS:
        of_work = [result for result in results if result["work"] == work]
        sizes = sorted({result["rows"] for result in of_work})
        for measure, name in MEASURES.items():
            print(f"\n| {TITLES[work]}, {name} | " + " | ".join(f"{rows:,} rows" for rows in sizes), end="")
            print(" | fixed | a million rows |\n" + "|---" * (len(sizes) + 3) + "|")
            for engine in ENGINES:
                points = [result for result in of_work if result["engine"] == engine]
                seconds = {point["rows"]: f"{point[measure]:.1f}" for point in points}
                cells = " | ".join(seconds.get(rows, "") for rows in sizes)
                fitted = "{:.1f} | {:.2f}".format(*fit(points, measure)) if len(points) > 1 else " | "
                print(f"| {engine} | {cells} | {fitted} |")
        for engine in ENGINES:
            peaks = [(r["client_mib"], r["yarn_mib"]) for r in of_work if r["engine"] == engine]
            client, yarn = (max(column) for column in zip(*peaks, strict=True))
            print(f"{engine}: at most {client} MiB in one process of the client, {yarn} MiB in containers")
    draw(results, options.plot)


def draw(results: list[dict[str, Any]], path: Path) -> None:
    """Draw seconds over rows, both logarithmic, with the fitted lines; a panel for each measure and piece of work."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, panels = plt.subplots(len(MEASURES), len(WORKS), figsize=(10, 7.5), sharex=True)
    for row, (measure, name) in zip(panels, MEASURES.items(), strict=True):
        for panel, work in zip(row, WORKS, strict=True):
            for engine in ENGINES:
                points = [result for result in results if (result["work"], result["engine"]) == (work, engine)]
                label = engine
                if len(points) > 1:
                    fixed, slope = fit(points, measure)
                    along = np.geomspace(min(p["rows"] for p in points), max(p["rows"] for p in points), 100)
                    panel.plot(along, fixed + slope * along / 1e6, color=COLOURS[engine], linewidth=1)
                    label = f"{engine}: {fixed:.1f} s + {slope:.2f} s a million rows"
                seconds = [point[measure] for point in points]
                panel.plot([p["rows"] for p in points], seconds, "o", color=COLOURS[engine], label=label)
            panel.set(title=TITLES[work], xscale="log", yscale="log")
            panel.grid(visible=True, which="major", alpha=0.3)
            panel.legend(fontsize=7)
        row[0].set_ylabel(f"seconds, {name}")
    for panel in panels[-1]:
        panel.set_xlabel("rows")
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main() -> None:
    """Run one of the two commands."""
    parser = argparse.ArgumentParser(description="Compare the engines.")
    commands = parser.add_subparsers(required=True)
    running = commands.add_parser("run", help="measure")
    running.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    running.add_argument("--engines", nargs="+", choices=ENGINES, default=ENGINES, metavar="ENGINE")
    running.add_argument("--works", nargs="+", choices=WORKS, default=WORKS, metavar="WORK")
    running.set_defaults(command=run)
    reporting = commands.add_parser("report", help="print the tables, draw the plot")
    reporting.add_argument("--plot", type=Path, required=True)
    reporting.set_defaults(command=report)
    for command in (running, reporting):
        command.add_argument("--results", type=Path, required=True, help="file of JSON lines")
    options = parser.parse_args()
    options.command(options)


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        name = Path(str(error.cmd[0])).name
        sys.exit(
            f"bench: {name} ended with status {error.returncode}; it says why above. Is all up? See `make status`."
        )

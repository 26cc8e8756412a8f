"""Tables and a plot of what each task costs at several sizes, from a file of JSON lines.

    python tests/bench/scale_report.py --results pipeline-scale.jsonl --plot docs/pipeline-scale.png

A line is one task at one size: ``rows``, ``executors``, ``task``, ``seconds``, ``cpu`` and ``mib`` by kind of process, and
what else the bench found of it.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from process_usage import KINDS, MIB, Usage

ALL = "all tasks"


def line(rows: int, executors: int, task: str, usage: Usage, **found: Any) -> dict[str, Any]:
    """Return a task's line of the results."""
    return {
        "rows": rows,
        "executors": executors,
        "task": task,
        "seconds": round(usage.seconds, 1),
        "cpu": {kind: round(usage.cpu[kind], 1) for kind in KINDS},
        "mib": {kind: usage.peak[kind] // MIB for kind in KINDS},
        **found,
    }


def per_million(lines: list[dict[str, Any]]) -> dict[str, tuple[float, float]]:
    """Return each task's fixed processor seconds, and those of a million rows.

    They fit all sizes by least squares on relative errors. A task that was measured at one size is left out.
    """
    fitted = {}
    for task in dict.fromkeys(entry["task"] for entry in lines):
        points = [(entry["rows"] / 1e6, sum(entry["cpu"].values())) for entry in lines if entry["task"] == task]
        if len({rows for rows, _ in points}) > 1:
            rows, cpu = np.array(points).T
            slope, fixed = np.polyfit(rows, cpu, 1, w=1 / np.maximum(cpu, 1))
            fitted[task] = max(float(fixed), 0.0), max(float(slope), 0.0)
    return fitted


def with_sums(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the lines, each run's followed by one for all its tasks: sums, and of memory the most."""
    whole: list[dict[str, Any]] = []
    for rows, executors in dict.fromkeys((entry["rows"], entry["executors"]) for entry in lines):
        run = [entry for entry in lines if (entry["rows"], entry["executors"]) == (rows, executors)]
        summed = {"rows": rows, "executors": executors, "task": ALL, "seconds": sum(entry["seconds"] for entry in run)}
        summed["cpu"] = {kind: sum(entry["cpu"][kind] for entry in run) for kind in KINDS}
        summed["mib"] = {kind: max(entry["mib"][kind] for entry in run) for kind in KINDS}
        whole += [*run, summed]
    return whole


def table(lines: list[dict[str, Any]]) -> str:
    """Return the lines as a table in Markdown."""
    columns = ["rows", "executors", "task", "wall, s", *(f"{kind}, CPU s" for kind in KINDS)]
    columns += [*(f"{kind}, MiB" for kind in KINDS), "shuffled, MiB", ""]
    text = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for entry in lines:
        cells = [f"{entry['rows']:,}", str(entry["executors"]), entry["task"], f"{entry['seconds']:.0f}"]
        cells += [f"{entry['cpu'][kind]:.0f}" for kind in KINDS] + [str(entry["mib"][kind]) for kind in KINDS]
        cells += [str(entry.get("shuffled_mib", "")), str(entry.get("remark", ""))]
        text.append(f"| {' | '.join(cells)} |")
    return "\n".join(text)


def draw(lines: list[dict[str, Any]], path: Path) -> None:
    """Draw processor seconds over rows, both logarithmic, a line for each task."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, panel = plt.subplots(figsize=(8, 6))
    slopes = per_million(lines)
    for task in dict.fromkeys(entry["task"] for entry in lines):
        points = sorted((e["rows"], max(sum(e["cpu"].values()), 0.1)) for e in lines if e["task"] == task)
        label = f"{task}: {slopes[task][1]:.1f} s a million rows" if task in slopes else task
        panel.plot(*zip(*points, strict=True), "o-", label=label)
    panel.set(xscale="log", yscale="log", xlabel="rows", ylabel="processor seconds")
    panel.grid(visible=True, which="major", alpha=0.3)
    panel.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main() -> None:
    """Print the tables, and draw the plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, required=True, help="file of JSON lines")
    parser.add_argument("--plot", type=Path, required=True)
    options = parser.parse_args()
    lines = with_sums([json.loads(text) for text in options.results.read_text(encoding="utf-8").splitlines()])
    print(table(lines))
    print("\n| task | fixed, CPU s | a million rows, CPU s |\n|---|---|---|")
    for task, (fixed, slope) in per_million(lines).items():
        print(f"| {task} | {fixed:.0f} | {slope:.1f} |")
    draw(lines, options.plot)


if __name__ == "__main__":
    main()

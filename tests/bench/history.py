"""What a bench measured, kept for its next run, which is compared with it.

Figures are ratios of processor time within one run (higher is better), so that a busy machine changes them little. A figure
below `LEAST` of the last one ends the bench with status 1: the nightly job is red on the night of the change, and the next
night compares with that night.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

LEAST = 0.75


def add_option(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the file of a bench's history."""
    parser.add_argument("--history", type=Path, help="compare with the last line of this file, and add one")


def processor() -> str:
    """Return the name of this machine's processor, by which figures may be compared."""
    for line in Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def compare_and_keep(history: Path, figures: Mapping[str, float], conditions: Mapping[str, Any]) -> bool:
    """Print each figure next to that of the last run under the same conditions, and add this run to the file.

    Returns whether all of them are at least `LEAST` of the last.
    """
    under = {**conditions, "processor": processor(), "cores": os.cpu_count()}
    last = _last(history, under)
    print(f"\n| against the last run ({last['at'] if last else 'there is none'}) | last | now | now / last |")
    print("|---|---|---|---|")
    worse = []
    for name, value in figures.items():
        before = last["figures"].get(name) if last else None
        share = f"{value / before:.2f}" if before else ""
        print(f"| {name} | {'' if before is None else f'{before:.3f}'} | {value:.3f} | {share} |")
        if before and value < LEAST * before:
            worse.append(name)
    run = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "under": under, "figures": dict(figures)}
    history.parent.mkdir(parents=True, exist_ok=True)
    with history.open("a", encoding="utf-8") as file:
        file.write(json.dumps({**run, "load_average": os.getloadavg()[0]}) + "\n")
    if worse:
        print(f"Below {LEAST} of the last run: {', '.join(worse)}. Look at what changed since {last and last['at']}.")
    return not worse


def _last(history: Path, under: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the newest run under these conditions. A line that a killed bench left unfinished is passed over."""
    if not history.exists():
        return None
    for line in reversed(history.read_text(encoding="utf-8").splitlines()):
        try:
            run: dict[str, Any] = json.loads(line)
        except json.JSONDecodeError:
            continue
        if run["under"] == dict(under):
            return run
    return None

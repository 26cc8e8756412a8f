"""What the benches of size stand on: usage by kind and task, sums and slopes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from process_usage import Usage, Watch, family, kind_of
from scale_report import line, per_million, table, with_sums
from training_scale import shuffled


def entry(rows: int, task: str, cpu: float, mib: int) -> dict[str, Any]:
    kinds = {"JVM": cpu, "Python workers": 0, "other Python": 0}
    return {
        "rows": rows,
        "executors": 1,
        "task": task,
        "seconds": cpu,
        "cpu": kinds,
        "mib": {"JVM": mib, "Python workers": 0, "other Python": 1},
    }


def test_a_process_is_of_the_jvm_a_worker_or_other_python() -> None:
    assert kind_of(["/usr/bin/java", "-cp", "x"]) == "JVM"
    assert kind_of(["python", "-m", "pyspark.daemon", "pyspark.worker"]) == "Python workers"
    assert kind_of(["python", "train_als.py"]) == "other Python"
    assert kind_of([]) == "other Python"


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.05)


def test_what_processes_use_goes_to_the_task_at_work() -> None:
    work = ["first"]
    busy = "import time, sys\nheld = bytearray(60_000_000)\nwhile time.process_time() < .6: pass\nsys.stdin.read()"
    program = psutil.Popen([sys.executable, "-c", busy], stdin=subprocess.PIPE)
    watch = Watch(lambda: family(program), lambda: work[0], pause=0.05)
    watch.start()
    while sum(program.cpu_times()[:2]) < 0.5:
        time.sleep(0.05)
    # A busy machine is looked at less often.
    wait_until(lambda: watch.usage["first"].cpu["other Python"] > 0.4)
    work[0] = "second"
    wait_until(lambda: "second" in watch.usage)
    program.communicate()
    used = watch.stop()
    assert used["first"].cpu["other Python"] > 0.4 > used["second"].cpu["other Python"]
    assert used["first"].peak["other Python"] > 60_000_000
    # One process cannot use more than the time by the clock.
    assert used["first"].seconds > 0.4


def test_all_tasks_of_a_run_are_summed_but_for_memory() -> None:
    whole = with_sums([entry(1, "a", 2, 30), entry(1, "b", 3, 20), entry(5, "a", 7, 10)])
    assert [(e["rows"], e["task"], e["cpu"]["JVM"], e["mib"]["JVM"]) for e in whole] == [
        *[(1, "a", 2, 30), (1, "b", 3, 20), (1, "all tasks", 5, 30)],
        *[(5, "a", 7, 10), (5, "all tasks", 7, 10)],
    ]
    assert table(whole).splitlines()[2] == "| 1 | 1 | a | 2 | 2 | 0 | 0 | 30 | 0 | 1 |  |  |"


def test_fixed_cost_and_slope_are_told_apart_for_each_task() -> None:
    lines = [entry(rows * 10**6, "a", 20 + 3 * rows, 1) for rows in (1, 10, 25)] + [entry(10**6, "b", 1, 1)]
    assert per_million(lines) == {"a": pytest.approx((20, 3))}


def test_a_line_has_seconds_and_mebibytes() -> None:
    usage = Usage(1.26)
    usage.cpu["JVM"], usage.peak["JVM"] = 2.34, 3 << 20
    found = line(7, 2, "load", usage, remark="x")
    assert (found["seconds"], found["cpu"]["JVM"], found["mib"]["JVM"], found["remark"]) == (1.3, 2.3, 3, "x")


def test_shuffled_bytes_are_those_of_all_tasks(tmp_path: Path) -> None:
    events = [
        {"Event": "SparkListenerTaskEnd", "Task Metrics": {"Shuffle Write Metrics": {"Shuffle Bytes Written": 5}}},
        {"Event": "SparkListenerTaskEnd", "Task Metrics": {"Shuffle Write Metrics": {"Shuffle Bytes Written": 7}}},
        {"Event": "SparkListenerTaskEnd", "Task Metrics": None},
        {"Event": "SparkListenerStageCompleted"},
    ]
    log = tmp_path / "eventlog_v2_local-1" / "events_1_local-1"
    log.parent.mkdir()
    log.write_text("\n".join(map(json.dumps, events)))
    assert shuffled(tmp_path) == 12

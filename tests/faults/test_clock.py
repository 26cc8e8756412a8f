"""Drills with wrong clocks and with the two changes of the clocks in a year."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from generated_publication import write_exports

from serving.publications.building.build import build_publication
from serving.publications.ledger import live_history
from serving.publications.store import PublicationStore
from tests.faults.checker import Outcome
from tests.stack import REPOSITORY

DAYS = ("20261101T030000", "20261102T030000", "20261103T030000")
NIGHTS = """
import json
from datetime import datetime, timezone
from airflow.timetables.base import TimeRestriction
from airflow.serialization.serialized_objects import DagSerialization
from build_recommendations import dag
from marquee.settings import moment_of, stamp_of
from types import SimpleNamespace
import pendulum
timetable = DagSerialization.from_dict(DagSerialization.to_dict(dag)).timetable
found = []
for start in {starts}:
    restriction = TimeRestriction(pendulum.parse(start, tz="UTC"), None, catchup=True)
    last = None
    for _ in range(4):
        run = timetable.next_dagrun_info(last_automated_data_interval=last, restriction=restriction)
        last = run.data_interval
        found.append([run.run_after.isoformat(), stamp_of(moment_of(SimpleNamespace(logical_date=run.logical_date)))])
print(json.dumps(found))
"""


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
def test_the_nightly_run_keeps_its_hour_and_its_batch_ids_through_both_changes_of_the_clocks(
    zone: str, judge: Callable[[Outcome], None]
) -> None:
    starts = ["2026-03-28T00:00:00", "2026-10-24T00:00:00", "2026-10-31T00:00:00", "2026-03-07T00:00:00"]
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", NIGHTS.format(starts=starts)],
        env=os.environ | {"TZ": zone, "PYTHONPATH": str(REPOSITORY / "dags"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    nights = [(datetime.fromisoformat(at), batch) for at, batch in json.loads(ended.stdout.splitlines()[-1])]
    outcome = Outcome("change of the clocks", f"Airflow's own timetable over four nights about each change, TZ={zone}")
    wrong = [str(at) for at, batch in nights if at.astimezone(UTC).strftime("%H%M") != "0300"]
    wrong += [batch for at, batch in nights if at.astimezone(UTC).strftime("%Y%m%dT%H%M%S") != batch]
    for turn in range(len(starts)):
        steps = pairwise(at for at, _ in nights[4 * turn : 4 * turn + 4])
        wrong += [f"{a} to {b}" for a, b in steps if b - a != timedelta(days=1)]
    outcome.wrong[4] = ", ".join(wrong)
    outcome.note = f"{len(nights)} nights, each at 03:00 UTC with a batch id of its own"
    judge(outcome)


@pytest.mark.skipif(shutil.which("faketime") is None, reason="needs Debian's faketime")
def test_a_node_whose_clock_is_an_hour_slow_keeps_order_and_goes_back_to_the_right_publication(
    tmp_path: Path, judge: Callable[[Outcome], None]
) -> None:
    for version, day in enumerate(DAYS):
        build_publication(write_exports(tmp_path / f"exports-{day}", 3, 10, version), {}, day, tmp_path / day)
    store = PublicationStore(tmp_path / "store")

    def publications(shift: str, *words: str) -> str:
        command = ["faketime", "-f", shift, sys.executable, "-m", "serving.publications", *words]
        ended = subprocess.run(
            [*command, "--store", str(store.root)], cwd=REPOSITORY, capture_output=True, text=True, check=True
        )
        return ended.stdout

    for shift, day in zip(("+0", "-1h", "+1h"), DAYS, strict=True):
        publications(shift, "pull", "--from", str(tmp_path), "--publication", day)
        publications(shift, "activate", "--publication", day)
    entries = store.ledger.entries()
    outcome = Outcome(
        "clock an hour off", "three publications activated at the right time, an hour before, an hour after"
    )
    stamps = [datetime.fromisoformat(entry.at) for entry in entries if entry.action == "activated"]
    assert stamps[1] < stamps[0] < stamps[2], "the clock was not off"
    outcome.wrong[4] = (
        "" if live_history(entries) == list(DAYS) and store.live() == DAYS[2] else str(live_history(entries))
    )
    publications("-1h", "rollback")
    outcome.wrong[5] = "" if store.live() == DAYS[1] else f"rolled back to {store.live()}"
    now = store.live_at(datetime.now(UTC) + timedelta(hours=2))
    outcome.wrong[1] = "" if now is not None and now.publication == DAYS[1] else f"the ledger says that {now} is live"
    outcome.note = "the ledger's order is that of its lines, not of its clocks"
    judge(outcome)

"""A backfill of another night gives the first run's bytes, and what is live stays live.

The file's name sorts after test_platform.py, which counts the first run's applications on YARN. `make faults` has a
backfill over two nights in which each task is killed (test_tasks_killed_in_a_backfill.py).
"""

import pytest

from tests.e2e.backfills import backfilled, create_backfill, end_last_nights_run, unfinished
from tests.e2e.warehouse import airflow, partition_bytes
from tests.faults.faults import wait_until
from tests.stack import BATCH, Stack

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1800)]
NIGHT, NIGHTS_BATCH = "2026-01-03T03:00:00Z", "20260103T030000"


def test_a_backfill_of_a_later_night_gives_the_same_bytes_and_never_moves_what_is_live(
    stack: Stack, first_run: str
) -> None:
    api, live = airflow(stack), stack.store("live").resolve()
    create_backfill(stack, NIGHT, NIGHT)

    def has_ended() -> bool:
        end_last_nights_run(api)
        runs = backfilled(api, NIGHT, NIGHT)
        return bool(runs) and not unfinished(runs)

    wait_until("the backfill has ended", has_ended, 1500, pause=3)
    runs = backfilled(api, NIGHT, NIGHT)
    assert [(run["state"], run["run_type"]) for run in runs.values()] == [("success", "backfill")]
    assert partition_bytes(stack, NIGHTS_BATCH) == partition_bytes(stack, BATCH)
    assert stack.store("publications", NIGHTS_BATCH, "publication.sqlite").is_file()
    assert (stack.api("/v1/publication")["publication"], stack.store("live").resolve()) == (BATCH, live)

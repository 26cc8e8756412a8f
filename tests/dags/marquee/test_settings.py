"""Test what the batch id is made from, and where tasks read it."""

import re
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marquee import settings
from marquee.ingest.snapshot import RAW_ROOT


def run(logical_date: datetime | None, run_after: datetime) -> SimpleNamespace:
    return SimpleNamespace(logical_date=logical_date, run_after=run_after)


def task_of(batch_id: Any) -> SimpleNamespace:
    return SimpleNamespace(xcom_pull=lambda task_ids: batch_id if task_ids == "wait_for_other_runs" else None)


def test_a_runs_moment_is_its_logical_date() -> None:
    dated = run(datetime(2026, 11, 23, 3, 0, 0, tzinfo=UTC), datetime(2026, 11, 24, 3, 0, 7, tzinfo=UTC))
    assert settings.stamp_of(settings.moment_of(dated)) == "20261123T030000"


def test_a_run_without_logical_date_takes_run_after() -> None:
    dated = run(None, datetime(2026, 11, 24, 3, 0, 7, 999, tzinfo=UTC))
    assert settings.stamp_of(settings.moment_of(dated)) == "20261124T030007"


def test_the_moment_is_utc_whatever_the_zone_of_the_date() -> None:
    dated = run(datetime(2026, 7, 1, 1, 30, tzinfo=timezone(timedelta(hours=2))), datetime.now(UTC))
    assert settings.stamp_of(settings.moment_of(dated)) == "20260630T233000"


@given(st.datetimes(max_value=datetime(9999, 1, 1)))
def test_a_stamp_has_one_form_and_orders_like_time(moment: datetime) -> None:
    at = moment.replace(tzinfo=UTC)
    assert re.fullmatch(r"\d{8}T\d{6}", settings.stamp_of(at))
    assert settings.stamp_of(at) < settings.stamp_of(at + timedelta(seconds=1))


def test_every_task_reads_the_batch_id_that_the_first_one_claimed() -> None:
    assert settings.batch_id_of(task_of("20261123T030001")) == "20261123T030001"


@pytest.mark.parametrize("result", [None, [], {}])
def test_a_run_without_a_batch_id_says_what_to_clear(result: Any) -> None:
    with pytest.raises(LookupError, match=r"This run has no batch id\. Clear wait_for_other_runs"):
        settings.batch_id_of(task_of(result))


def test_ratings_of_a_batch_end_at_its_id_not_at_the_clock() -> None:
    assert settings.latest_timestamp_of(task_of("20261123T030000")) == 1795402800


def test_every_published_table_is_a_table() -> None:
    assert set(settings.PUBLISHED_TABLES) <= {*settings.WAREHOUSE_TABLES, *settings.TOP_N_TABLES}


def test_the_claims_know_where_ingest_stores_snapshots() -> None:
    assert settings.RAW == RAW_ROOT

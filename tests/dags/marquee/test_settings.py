"""Test the rule of the batch id, and its consequences."""

import re
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st
from marquee import settings


def run(logical_date: datetime | None, run_after: datetime) -> SimpleNamespace:
    return SimpleNamespace(logical_date=logical_date, run_after=run_after)


def test_the_batch_id_is_the_logical_date() -> None:
    dated = run(datetime(2026, 11, 23, 3, 0, 0, tzinfo=UTC), datetime(2026, 11, 24, 3, 0, 7, tzinfo=UTC))
    assert settings.batch_id_of(dated) == "20261123T030000"


def test_a_run_without_logical_date_takes_run_after() -> None:
    assert settings.batch_id_of(run(None, datetime(2026, 11, 24, 3, 0, 7, 999, tzinfo=UTC))) == "20261124T030007"


def test_the_batch_id_is_utc_whatever_the_zone_of_the_date() -> None:
    berlin = timezone(timedelta(hours=2))
    assert settings.batch_id_of(run(datetime(2026, 7, 1, 1, 30, tzinfo=berlin), datetime.now(UTC))) == "20260630T233000"


@given(st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(9999, 1, 1)))
def test_the_batch_id_has_one_form_and_orders_like_time(moment: datetime) -> None:
    at = moment.replace(tzinfo=UTC)
    batch_id = settings.batch_id_of(run(at, at))
    assert re.fullmatch(r"\d{8}T\d{6}", batch_id)
    later = at + timedelta(seconds=1)
    assert batch_id < settings.batch_id_of(run(later, later))


def test_ratings_of_a_batch_end_at_its_date_not_at_the_clock() -> None:
    dated = run(datetime(2026, 11, 23, 3, 0, 0, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC))
    assert settings.latest_timestamp_of(dated) == 1795402800


def test_every_published_table_is_a_table() -> None:
    assert set(settings.PUBLISHED_TABLES) <= {*settings.WAREHOUSE_TABLES, *settings.TOP_N_TABLES}

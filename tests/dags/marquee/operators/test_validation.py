"""Test that what fails for good is not tried again, and what may pass is."""

import sys
from typing import Any

import pytest


@pytest.mark.parametrize(("status", "for_good"), [(3, True), (1, False), (137, False)])
def test_a_broken_rule_ends_the_task_and_an_unreachable_hdfs_leaves_it_its_tries(
    rendered: Any, context: dict[str, Any], status: int, for_good: bool
) -> None:
    from airflow.sdk.exceptions import AirflowFailException
    from marquee.cluster.programs import ProgramError

    task = rendered("validate_warehouse")
    task.argv = [sys.executable, "-c", f"import sys; print('too many rows', file=sys.stderr); sys.exit({status})"]
    with pytest.raises(AirflowFailException if for_good else ProgramError, match=f"status {status}"):
        task.execute(context)


@pytest.mark.parametrize(("may_pass", "expected"), [(False, "AirflowFailException"), (True, "IngestError")])
def test_an_archive_that_is_refused_is_not_read_again(
    context: dict[str, Any], monkeypatch: pytest.MonkeyPatch, may_pass: bool, expected: str
) -> None:
    from marquee import settings, tasks
    from marquee.ingest.errors import IngestError
    from marquee.ingest.own_data.snapshots import ingest

    def refuse(*_: Any, **__: Any) -> None:
        raise IngestError("The archive is another one. Give the right one.", may_pass=may_pass)

    monkeypatch.setattr(ingest, "ingest", refuse)
    monkeypatch.setattr(tasks.hdfs, "client", lambda: None)
    monkeypatch.setattr(settings, "ACCOUNTS_PYTHON", "")
    with pytest.raises(Exception, match="The archive is another one") as raised:
        tasks.ingest_movielens.function(
            **{**context, "params": {"dataset": "ml-latest-small", "archive": "", "mapping": None}}
        )
    assert type(raised.value).__name__ == expected


def test_the_status_is_the_program_s_own() -> None:
    from marquee.operators import program

    from expectations import validate

    assert program.FAILED_FOR_GOOD == validate.FAILED_FOR_GOOD

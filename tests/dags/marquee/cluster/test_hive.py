"""Test that a Hive statement ends with its task, against a server that speaks Thrift."""

import json
import logging
import os
import signal
import threading
import time

import pytest
from marquee.cluster.hive import HiveError, HiveStatements

from tests.dags.hive_server import HiveServer

LOG = logging.getLogger("test")


def test_statements_run_in_their_order_after_a_check_each(hive: HiveServer) -> None:
    checked: list[int] = []
    HiveStatements(LOG).run(["A", "B"], lambda: checked.append(len(hive.statements)))
    assert hive.statements == ["A", "B"]
    assert checked == [0, 1]


def test_a_check_that_fails_keeps_the_next_statement_from_beginning(hive: HiveServer) -> None:
    def check() -> None:
        if hive.statements:
            raise PermissionError("a later try has begun")

    with pytest.raises(PermissionError):
        HiveStatements(LOG).run(["A", "B"], check)
    assert hive.statements == ["A"]


def test_a_statement_that_hive_refuses_is_reported_in_hives_words(hive: HiveServer) -> None:
    with pytest.raises(HiveError, match=r"^Hive refused a statement: Table not found\n.*refused"):
        HiveStatements(LOG).run(["SELECT refused", "B"])
    assert hive.statements == ["SELECT refused"]


def test_a_statement_that_fails_while_it_runs_is_reported_in_hives_words(hive: HiveServer) -> None:
    def fail(statement: str) -> None:
        raise RuntimeError

    hive.run = fail
    with pytest.raises(HiveError, match=r"^Hive ended a statement in state ERROR_STATE: Tez has no memory\nA$"):
        HiveStatements(LOG).run(["A"])


def test_a_stop_cancels_the_statement_and_no_other_begins(hive: HiveServer) -> None:
    hive.endless = "INSERT"
    statements = HiveStatements(LOG)
    stopping = threading.Timer(0.3, statements.stop)
    stopping.start()
    with pytest.raises(HiveError, match="stopped because its task was"):
        statements.run(["INSERT A", "B"])
    stopping.join()
    assert hive.state_of("INSERT A") == "CANCELED_STATE"
    assert hive.statements == ["INSERT A"]


def test_a_signal_in_the_middle_of_a_call_cancels_the_statement(hive: HiveServer) -> None:
    hive.endless = "INSERT"
    statements = HiveStatements(LOG)
    before = signal.signal(signal.SIGTERM, lambda number, frame: statements.stop())
    pressed = threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGTERM))
    try:
        pressed.start()
        with pytest.raises(HiveError, match="stopped because its task was"):
            statements.run(["INSERT A"])
    finally:
        pressed.join()
        signal.signal(signal.SIGTERM, before)
    assert hive.state_of("INSERT A") == "CANCELED_STATE"


def test_a_timeout_in_the_middle_of_a_statement_cancels_it(hive: HiveServer) -> None:
    from airflow.sdk.exceptions import AirflowTaskTimeout
    from airflow.sdk.execution_time.timeout import timeout

    hive.endless = "INSERT"
    with pytest.raises(AirflowTaskTimeout), timeout(1):
        HiveStatements(LOG).run(["INSERT A"])
    assert hive.state_of("INSERT A") == "CANCELED_STATE"


def test_a_stop_before_the_first_statement_lets_none_begin(hive: HiveServer) -> None:
    statements = HiveStatements(LOG)
    statements.stop()
    with pytest.raises(HiveError, match="stopped because its task was"):
        statements.run(["A"])
    assert hive.statements == []


def test_a_stop_while_hive_reads_the_statement_cancels_it_as_soon_as_it_has_a_name(hive: HiveServer) -> None:
    statements = HiveStatements(LOG)
    hive.endless = "A"
    hive.run = lambda statement: statements.stop()
    with pytest.raises(HiveError, match="stopped because its task was"):
        statements.run(["A", "B"])
    assert hive.state_of("A") == "CANCELED_STATE"
    assert hive.statements == ["A"]


def test_a_server_that_has_gone_is_a_warning_of_the_stop(
    hive: HiveServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hive.endless = "INSERT"
    statements = HiveStatements(LOG)
    extra = {"auth_mechanism": "NOSASL"}
    gone = json.dumps({"conn_type": "hiveserver2", "host": "127.0.0.1", "port": 9, "login": "x", "extra": extra})

    def stop() -> None:
        monkeypatch.setenv("AIRFLOW_CONN_HIVESERVER2_DEFAULT", gone)
        statements.stop()

    stopping = threading.Timer(0.3, stop)
    begun = time.monotonic()
    stopping.start()
    with pytest.raises(HiveError, match="stopped because its task was"):
        statements.run(["INSERT A"])
    stopping.join()
    assert time.monotonic() - begun < 10
    assert "HiveServer2 did not take the cancellation: Could not connect to any of [('127.0.0.1', 9)]" in caplog.text

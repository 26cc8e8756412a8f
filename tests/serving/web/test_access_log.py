from __future__ import annotations

import json
import logging
import os
import threading
from typing import Any

import pytest

from serving.web import access_log as module
from serving.web.access_log import AccessLog
from serving.web.logs import JsonFormatter


def added(log: AccessLog, path: str = "/", **changed: Any) -> None:
    fields = {"request_id": "abc-1", "method": "GET", "path": path, "status": 200, "seconds": 0.0123456, **changed}
    log.add(**fields, publication=None)


@pytest.mark.parametrize("path", ["/", '/"\\', "/\x00\x1f\x7f\n", "/\u00e9\u2028\U0001f3ac"])
@pytest.mark.parametrize("publication", [None, "20261123T190000"])
def test_a_line_is_what_the_formatter_of_the_other_logs_would_write(path: str, publication: str | None) -> None:
    written: list[bytes] = []
    log = AccessLog(written.append)
    log.add("abc-1", "GET", path, 200, 0.0123456, publication)
    log.flush()
    line = b"".join(written).decode()
    fields = {
        "request_id": "abc-1",
        "method": "GET",
        "path": path,
        "status": 200,
        "milliseconds": 12.346,
        "publication": publication,
    }
    record = logging.LogRecord("marquee.serving.access", logging.INFO, "", 0, "request", None, None)
    record.fields = fields
    formatted = JsonFormatter().format(record) + "\n"
    assert line.partition('", ')[2] == formatted.partition('", ')[2]
    assert len(json.loads(line)["at"]) == len("2026-11-28T05:30:05.123Z")


def test_lines_are_written_whole_in_pieces_that_a_pipe_keeps_together() -> None:
    written: list[bytes] = []
    log = AccessLog(written.append)
    for number in range(500):
        added(log, f"/{number}/\u00e9" if number % 7 == 0 else f"/{number}")
    added(log, "/" + "x" * 10_000)
    log.flush()
    assert all(piece.endswith(b"\n") for piece in written if piece)
    assert [len(piece) > 4096 for piece in written].count(True) == 1, "only the line that is longer itself"
    paths = [json.loads(line)["path"] for line in b"".join(written).splitlines()]
    assert [path.split("/")[1] for path in paths[:-1]] == [str(number) for number in range(500)]


def test_requests_wait_and_nothing_is_dropped_while_the_output_is_stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_PENDING", 10)
    monkeypatch.setattr(module, "_PAUSE_SECONDS", 0.001)
    stuck, written = threading.Event(), []

    def write(piece: bytes) -> None:
        stuck.wait(30)
        written.append(piece)

    log = AccessLog(write)
    adding = threading.Thread(target=lambda: [added(log) for _ in range(5000)])
    adding.start()
    adding.join(0.3)
    assert adding.is_alive(), "the queue is bounded"
    stuck.set()
    adding.join(30)
    log.flush()
    assert b"".join(written).count(b"\n") == 5000


def test_an_output_that_fails_is_reported_once_and_stops_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    def full(_piece: bytes) -> None:
        raise OSError(28, "No space left on device")

    log = AccessLog(full)
    for _ in range(3):
        added(log)
        log.flush()
    assert capsys.readouterr().err.count("No space left on device") == 1


def test_a_forked_process_writes_its_own_lines_and_not_its_parents() -> None:
    reading, writing = os.pipe()

    def write(piece: bytes) -> None:
        os.write(writing, piece)

    log = AccessLog(write)
    added(log, "/parent")
    child = os.fork()
    if child == 0:
        added(log, "/child")
        log.flush()
        os._exit(0)
    os.waitpid(child, 0)
    log.flush()
    os.close(writing)
    with os.fdopen(reading, "rb") as lines:
        paths = [json.loads(line)["path"] for line in lines]
    assert sorted(paths) == ["/child", "/parent"]

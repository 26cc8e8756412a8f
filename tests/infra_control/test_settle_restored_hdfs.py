"""What the first start after a restore does, with a NameNode and a DataNode that only have JMX pages."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from infra.control.settings import REPOSITORY
from tests.local_server import local_server

FUTURE = "Safe mode is ON. The reported blocks 4 has reached the threshold. Name node detected blocks with generation stamps in future."


class Daemon:
    """NameNode and DataNode on one port."""

    def __init__(self) -> None:
        self.notice = FUTURE
        # What the DataNode holds, at each look; the last stays.
        self.held = [6, 6, 5, 4]
        self.page = ""

    def bean(self, query: str) -> dict[str, Any]:
        if "NameNodeInfo" in query:
            nodes = {"localhost:1": {"infoAddr": self.page.removeprefix("http://"), "numBlocks": 4}}
            return {"Safemode": self.notice, "LiveNodes": json.dumps(nodes)}
        held = self.held.pop(0) if len(self.held) > 1 else self.held[0]
        return {"RpcPort": "9891", "VolumeInfo": json.dumps({"/disk": {"numBlocks": held}})}


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    daemon = Daemon()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"beans": [daemon.bean(self.path)]}).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Silent."""

    with local_server(Handler) as daemon.page:
        yield daemon


def settle(tmp_path: Path, page: str, datanodes: int, seconds: int) -> tuple[int, str, list[str]]:
    """Returns the exit status, what was said on standard error, and the commands that were given to HDFS."""
    (tmp_path / "hdfs").write_text(f'#!/bin/sh\necho "$*" >>{tmp_path}/commands\n', encoding="ascii")
    (tmp_path / "hdfs").chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    ended = subprocess.run(
        [sys.executable, "-m", "infra.services.hadoop.settle_restored_hdfs", page, str(datanodes), str(seconds)],
        cwd=REPOSITORY,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    commands = tmp_path / "commands"
    return ended.returncode, ended.stderr, commands.read_text().splitlines() if commands.exists() else []


def test_later_blocks_are_given_up_and_gone_before_anything_is_written(tmp_path: Path, daemon: Daemon) -> None:
    status, said, commands = settle(tmp_path, daemon.page, 1, 30)
    assert (status, said) == (0, "")
    assert commands == ["dfsadmin -safemode forceExit", "dfsadmin -triggerBlockReport 127.0.0.1:9891"]
    assert daemon.held == [4]


def test_no_force_is_used_where_safe_mode_ends_by_itself(tmp_path: Path, daemon: Daemon) -> None:
    daemon.notice = ""
    assert settle(tmp_path, daemon.page, 1, 30) == (0, "", ["dfsadmin -triggerBlockReport 127.0.0.1:9891"])


def test_no_force_is_used_while_known_blocks_are_missing(tmp_path: Path, daemon: Daemon) -> None:
    daemon.notice = "Safe mode is ON. The reported blocks 3 needs additional 1 blocks to reach the threshold 0.9990 of total blocks 4."
    shown = f"HDFS is not as it was when the backup was made: {daemon.notice}\n"
    assert settle(tmp_path, daemon.page, 1, 1) == (1, shown, [])


def test_every_datanode_is_waited_for(tmp_path: Path, daemon: Daemon) -> None:
    shown = "HDFS is not as it was when the backup was made: 1 of 2 DataNodes are live.\n"
    assert settle(tmp_path, daemon.page, 2, 1) == (1, shown, [])

"""The gateway's launcher under systemd, whose standard output is a socket."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from infra.control.settings import REPOSITORY

pytestmark = pytest.mark.skipif(not Path("/usr/sbin/nginx").exists() and not shutil.which("nginx"), reason="no nginx")

CONFIGURATION = """daemon off;
pid "{folder}/pid";
events {{}}
http {{ access_log /dev/stdout; }}
"""


def test_nginx_opens_standard_output_where_that_is_a_socket(tmp_path: Path) -> None:
    configuration = tmp_path / "conf" / "gateway" / "nginx.conf"
    configuration.parent.mkdir(parents=True)
    configuration.write_text(CONFIGURATION.format(folder=tmp_path), encoding="ascii")
    ours, journal = socket.socketpair()
    with ours, journal:
        done = subprocess.run(
            ["infra/services/gateway/gateway.sh", "-t"],
            cwd=REPOSITORY,
            env=os.environ | {"MARQUEE_INSTANCE_DIR": str(tmp_path)},
            stdout=journal,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert "successful" in done.stderr

"""wait_for_hdfs.py NAMENODE_URL DATANODES SECONDS: returns when HDFS is out of safe mode and so many DataNodes live."""

from __future__ import annotations

import json
import sys
import time
import urllib.error
import urllib.request
from typing import Any


def state(namenode: str) -> tuple[str, int]:
    """Returns the safe-mode notice ('' when out of it) and the number of live DataNodes."""
    beans: dict[str, Any] = {}
    for name in ("NameNodeInfo", "FSNamesystemState"):
        with urllib.request.urlopen(f"{namenode}/jmx?qry=Hadoop:service=NameNode,name={name}", timeout=10) as answer:  # noqa: S310
            beans |= json.load(answer)["beans"][0]
    return beans["Safemode"], beans["NumLiveDataNodes"]


def main() -> None:
    """Polls the NameNode's JMX page; exits 1 with its last state when the time is over."""
    namenode, datanodes, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    deadline = time.monotonic() + seconds
    last = "no answer"
    while time.monotonic() < deadline:
        try:
            notice, live = state(namenode)
        except (urllib.error.URLError, OSError, IndexError, KeyError) as error:
            last = f"{namenode} does not answer yet: {error}"
        else:
            if not notice and live >= datanodes:
                return
            last = f"{live} of {datanodes} DataNodes live. {notice}"
        time.sleep(0.5)
    sys.exit(f"HDFS is not ready after {seconds:.0f} s: {last}")


if __name__ == "__main__":
    main()

"""Wait until HDFS is out of safe mode and enough DataNodes are live.

    python3 infra/services/hadoop/wait_for_hdfs.py NAMENODE_URL DATANODES SECONDS

It polls the NameNode's JMX page and exits with status 1 when the seconds are over.
"""

from __future__ import annotations

import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any, TypeVar

Found = TypeVar("Found")
# The proxy of a download does not know the platform's hosts.
DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class NotYetError(Exception):
    """The awaited state is not reached. The message gives the current state."""


def bean(daemon: str, query: str) -> dict[str, Any]:
    """Return a bean of a daemon's JMX page.

    Raises NotYetError if the daemon does not answer.
    """
    try:
        with DIRECTLY.open(f"{daemon}/jmx?qry=Hadoop:service={query}", timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)["beans"][0]
    except (urllib.error.URLError, OSError, ValueError, LookupError) as error:
        raise NotYetError(f"{daemon} does not answer yet: {error}") from None
    return found


def wait_for(ready: Callable[[], Found], deadline: float, otherwise: str) -> Found:
    """Return the result of `ready` as soon as it raises no NotYetError.

    At the deadline exit with `otherwise` and the message of the last NotYetError.
    """
    while True:
        try:
            return ready()
        except NotYetError as reason:
            if time.monotonic() > deadline:
                sys.exit(f"{otherwise}: {reason}")
            time.sleep(0.5)


def check_ready(namenode: str, wanted: int) -> None:
    """Raise NotYetError during safe mode or while too few DataNodes are live."""
    notice = bean(namenode, "NameNode,name=NameNodeInfo")["Safemode"]
    live = bean(namenode, "NameNode,name=FSNamesystemState")["NumLiveDataNodes"]
    if notice or live < wanted:
        raise NotYetError(f"{live} of {wanted} DataNodes are live. {notice}")


def main() -> None:
    """Poll the NameNode. Exit with status 1 and its last state when time is over."""
    namenode, datanodes, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    otherwise = f"HDFS is not ready after {seconds:.0f} s"
    wait_for(lambda: check_ready(namenode, datanodes), time.monotonic() + seconds, otherwise)


if __name__ == "__main__":
    main()

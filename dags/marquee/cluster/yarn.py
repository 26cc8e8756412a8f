"""Find and end YARN applications by tag, through the ResourceManager's REST API."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from marquee import settings
from marquee.cluster.programs import Log

SECONDS = 10
# The proxy of a download does not know the platform's hosts.
_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def application_tag(batch_id: str, task_id: str) -> str:
    """Return the tag of the task's YARN applications.

    An example is `marquee-20261123t190000-train_als`: YARN keeps tags in lower case.
    """
    return f"marquee-{batch_id}-{task_id}".lower()


def attempt_tag(attempt: str) -> str:
    """Return the tag of one try's applications.

    A try that is stopped ends those alone: the next try's have the task's tag too.
    """
    return f"marquee-{attempt}"


def kill_applications(tag: str, log: Log) -> list[str]:
    """Kill the applications with this tag that have not ended; return their ids.

    If the ResourceManager does not answer, the function logs that and returns no ids: with Spark on another master,
    there may be no ResourceManager.
    """
    query = urllib.parse.urlencode({"applicationTags": tag, "states": "NEW,NEW_SAVING,SUBMITTED,ACCEPTED,RUNNING"})
    try:
        applications = _call("GET", f"/ws/v1/cluster/apps?{query}").get("apps") or {}
        found = [application["id"] for application in applications.get("app", [])]
        for identifier in found:
            log.warning("Killing YARN application %s, left by an attempt that was stopped.", identifier)
            _call("PUT", f"/ws/v1/cluster/apps/{identifier}/state?{_as_user()}", {"state": "KILLED"})
    except (urllib.error.URLError, OSError) as error:
        log.warning("YARN's ResourceManager at %s did not answer for %s: %s", settings.YARN_RM_URL, tag, error)
        return []
    return found


def _as_user() -> str:
    return urllib.parse.urlencode({"user.name": settings.HDFS_USER})


def _call(method: str, path: str, body: dict[str, str] | None = None) -> dict[str, Any]:
    request = urllib.request.Request(  # noqa: S310 - the ResourceManager's own address
        settings.YARN_RM_URL.rstrip("/") + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "Accept": "application/json"},
    )
    with _DIRECTLY.open(request, timeout=SECONDS) as answer:
        content: dict[str, Any] = json.loads(answer.read() or b"{}")
        return content

"""Commands for stores on several machines: announce and follow."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Final

from serving.publications.announcements.announcing import announce
from serving.publications.announcements.following import Follower
from serving.publications.announcements.places import place_of
from serving.publications.announcements.status_page import StatusPage
from serving.publications.commands.arguments import (
    Commands,
    add_hdfs_user,
    add_who_and_why,
    kind,
    line,
    store_option,
    whole_number,
)
from serving.publications.commands.changing import MAX_KEPT
from serving.publications.format import KINDS, RECOMMENDATIONS, PublicationError
from serving.publications.store import PublicationStore

_ADDRESS: Final = "http://NAMENODE:9870[/folder] (WebHDFS; default folder /marquee/publications), s3://BUCKET/folder or a local folder"
# Of one step at most: a large publication over a slow network.
_STEP_SECONDS: Final = 1800


def add_announce(commands: Commands) -> None:
    """Add the command that tells followers which publication is live."""
    parser = commands.add_parser(
        "announce",
        parents=[store_option()],
        help="tell followers which publication is live",
        description="Write which publication is live, and its SHA-256, next to the publications. Followers read it there.",
    )
    parser.add_argument("--to", type=line, required=True, metavar="URL_OR_DIR", help=_ADDRESS)
    parser.add_argument("--take-over", action="store_true", help="also if another store announced last")
    add_hdfs_user(parser)
    add_who_and_why(parser, "announced by hand")
    parser.set_defaults(run=_announce)


def add_follow(commands: Commands) -> None:
    """Add the command that keeps a store as the announcements say."""
    parser = commands.add_parser(
        "follow",
        parents=[store_option()],
        help="keep a store as the announcements say",
        description="Pull the publication that the latest announcement names, verify it and make it live. Without --every "
        "that is done once.",
    )
    parser.add_argument("--from", dest="source", type=line, required=True, metavar="URL_OR_DIR", help=_ADDRESS)
    parser.add_argument(
        "--kind",
        type=kind,
        default=RECOMMENDATIONS,
        metavar="KIND",
        help=f"what to follow: {' or '.join(KINDS)} (default: {RECOMMENDATIONS.name})",
    )
    parser.add_argument("--every", type=whole_number(1, 3600), metavar="SECONDS", help="go on, with this pause")
    parser.add_argument("--port", type=whole_number(1, 65535), help="answer /metrics, /started and /alive on this port")
    parser.add_argument(
        "--keep", type=whole_number(1, MAX_KEPT), default=2, help="rollback targets to keep (default: %(default)s)"
    )
    add_hdfs_user(parser)
    parser.set_defaults(run=_follow)


def _announce(options: argparse.Namespace) -> int:
    store = PublicationStore(options.store)
    place = place_of(options.to, options.user, store.kind())
    change = announce(store, place, options.actor, options.reason, take_over=options.take_over)
    done = "announced" if change.changed else "is announced already"
    print(f"{change.publication} {done}.", file=sys.stderr)
    print(json.dumps(asdict(change)))
    return 0


def _follow(options: argparse.Namespace) -> int:
    store = PublicationStore(options.store)
    store.folder.mkdir(parents=True, exist_ok=True)
    follower = Follower(store, options.source, options.user, options.keep, options.kind)
    if options.every is None:
        latest = follower.step()
        if follower.failing:
            raise PublicationError(follower.failing)
        print(json.dumps({"publication": store.live(), "changed": latest is not None, "announced": follower.announced}))
        return 0
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    page = StatusPage(follower, _STEP_SECONDS)
    if options.port is not None:
        # Every address: the kubelet and Prometheus ask from elsewhere.
        page.serve(os.environ.get("MARQUEE_SERVING_HOST") or "0.0.0.0", options.port)  # noqa: S104
    while not stop.is_set():
        _step(follower)
        page.step_ended()
        stop.wait(options.every)
    return 0


def _step(follower: Follower) -> None:
    """Take one step, and log what changed."""
    failed_before = follower.failing
    latest = follower.step()
    if follower.failing and follower.failing != failed_before:
        _log(level="error", event="not-followed", announced=follower.announced, detail=follower.failing)
    elif failed_before and not follower.failing:
        _log(level="info", event="follows-again", announced=follower.announced)
    if latest is not None:
        _log(level="info", event="live", announced=latest.number, publication=latest.publication)


def _log(**fields: object) -> None:
    print(json.dumps({"at": datetime.now(UTC).isoformat(timespec="milliseconds"), **fields}), flush=True)

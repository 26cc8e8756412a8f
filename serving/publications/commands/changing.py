"""Commands that change a store.

Pull, activate, rollback, pin, unpin, refuse and prune.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict
from typing import Any, Final

from serving.publications.announcements.announcing import announce
from serving.publications.announcements.places import place_of
from serving.publications.commands.arguments import (
    ANNOUNCE_VARIABLE,
    Commands,
    add_actor,
    add_hdfs_user,
    add_publication,
    add_who_and_why,
    line,
    store_option,
    system_user,
    whole_number,
)
from serving.publications.diff import churn
from serving.publications.format import RECOMMENDATIONS, PublicationError
from serving.publications.reading.reader import Publication
from serving.publications.store import Change, PublicationStore
from serving.publications.transfer import pull

MAX_KEPT: Final = 10_000


def add_pull(commands: Commands) -> None:
    """Add the command that copies a publication into the store."""
    parser = commands.add_parser(
        "pull",
        parents=[store_option()],
        help="copy a publication into a store",
        description="Copy a publication into a store, verified.",
    )
    parser.add_argument(
        "--from",
        dest="source",
        type=line,
        required=True,
        metavar="URL_OR_DIR",
        help="http://NAMENODE:9870[/folder] (WebHDFS; default folder /marquee/publications), s3://BUCKET/folder or a local folder that "
        "holds <id>/ or the publication's files",
    )
    add_hdfs_user(parser)
    add_actor(parser)
    add_publication(parser)
    parser.set_defaults(run=_pull)


def add_activate(commands: Commands) -> None:
    """Add the command that makes a publication live."""
    parser = commands.add_parser(
        "activate",
        parents=[store_option()],
        help="make a publication live",
        description="Verify a publication and make it live by one atomic rename. It is held back (exit status 3) if "
        "another one is pinned or a newer one is live.",
    )
    add_publication(parser)
    _add_announce(parser)
    add_who_and_why(parser, "activated by hand")
    parser.set_defaults(run=_activate)


def add_rollback(commands: Commands) -> None:
    """Add the command that goes back to an earlier publication."""
    parser = commands.add_parser(
        "rollback",
        parents=[store_option()],
        help="go back to the publication that was live before",
        description="Make an earlier publication live: the previous one, or the one that --to names. Two rollbacks go "
        "back by two.",
    )
    parser.add_argument(
        "--to", type=line, metavar="ID", help="publication to go back to (default: the previous live one)"
    )
    _add_announce(parser)
    add_who_and_why(parser, "rolled back by hand")
    parser.set_defaults(run=_roll_back)


def add_pin(commands: Commands) -> None:
    """Add the command that makes a publication live and keeps it."""
    parser = commands.add_parser(
        "pin",
        parents=[store_option()],
        help="make a publication live and keep it",
        description="Make a publication live and keep it live until unpin, whatever else is activated.",
    )
    add_publication(parser)
    _add_announce(parser)
    add_who_and_why(parser, "pinned by hand")
    parser.set_defaults(run=_pin)


def add_unpin(commands: Commands) -> None:
    """Add the command that removes the pin."""
    parser = commands.add_parser(
        "unpin",
        parents=[store_option()],
        help="remove the pin",
        description="Remove the pin. The live publication stays live.",
    )
    _add_announce(parser)
    add_who_and_why(parser, "unpinned by hand")
    parser.set_defaults(run=_unpin)


def add_refuse(commands: Commands) -> None:
    """Add the command that records a refusal."""
    parser = commands.add_parser(
        "refuse",
        parents=[store_option()],
        help="record that a publication was refused",
        description="Record in the ledger that a gate (the model's or the lists') refused a publication.",
    )
    add_publication(parser)
    add_who_and_why(parser, "refused by hand")
    parser.set_defaults(run=_refuse)


def add_prune(commands: Commands) -> None:
    """Add the command that deletes old publications."""
    parser = commands.add_parser(
        "prune",
        parents=[store_option()],
        help="delete old publications from the store",
        description="Delete old publications. These stay: the live one, the pinned one, the nearest rollback targets, "
        "the latest arrivals and all that are newer than the live one. HDFS keeps its copies.",
    )
    parser.add_argument(
        "--keep",
        type=whole_number(1, MAX_KEPT),
        default=7,
        help="rollback targets, and latest arrivals, to keep (default: %(default)s)",
    )
    parser.add_argument("--dry-run", action="store_true", help="only print what would be deleted")
    add_who_and_why(parser, "pruned by hand")
    parser.set_defaults(run=_prune)


def _pull(options: argparse.Namespace) -> int:
    store = PublicationStore(options.store)
    return _report(pull(store, options.source, options.publication, options.user, options.actor))


def _activate(options: argparse.Namespace) -> int:
    store = PublicationStore(options.store)
    detail = _churn_against_live(store, options.publication)
    return _announced(options, store.activate(options.publication, options.actor, options.reason, detail))


def _churn_against_live(store: PublicationStore, publication: str) -> dict[str, Any] | None:
    """Return how far the lists differ from the live ones.

    None where no other is live, or where models are published.
    """
    live = store.live()
    if live in (None, publication) or publication not in store.publications() or store.kind() != RECOMMENDATIONS:
        return None
    try:
        return churn(*(Publication(store.path(name), name) for name in (str(live), publication)))
    except PublicationError as error:
        # The switch itself refuses a new publication that is not sound. A damaged live one must not block a sound one.
        print(f"activate: the lists were not compared: {error}", file=sys.stderr)
        return None


def _roll_back(options: argparse.Namespace) -> int:
    return _announced(options, PublicationStore(options.store).roll_back(options.to, options.actor, options.reason))


def _pin(options: argparse.Namespace) -> int:
    return _announced(options, PublicationStore(options.store).pin(options.publication, options.actor, options.reason))


def _unpin(options: argparse.Namespace) -> int:
    return _announced(options, PublicationStore(options.store).unpin(options.actor, options.reason))


def _refuse(options: argparse.Namespace) -> int:
    return _report(PublicationStore(options.store).record_refusal(options.publication, options.actor, options.reason))


def _prune(options: argparse.Namespace) -> int:
    store = PublicationStore(options.store)
    names = (
        store.prunable(options.keep) if options.dry_run else store.prune(options.keep, options.actor, options.reason)
    )
    print(json.dumps({"pruned": [] if options.dry_run else names, "prunable": names, "live": store.live()}))
    return 0


def _add_announce(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--announce",
        type=line,
        default=os.environ.get(ANNOUNCE_VARIABLE) or None,
        metavar="URL_OR_DIR",
        help=f"announce what is live there, as the command announce does (default: {ANNOUNCE_VARIABLE}, else nowhere)",
    )


def _announced(options: argparse.Namespace, change: Change) -> int:
    """Announce what is live, then report the change.

    A change of an earlier try is announced too, where that try could not.
    """
    if options.announce:
        try:
            store = PublicationStore(options.store)
            place = place_of(options.announce, system_user(), store.kind())
            announce(store, place, options.actor, options.reason)
        except PublicationError as error:
            raise PublicationError(f"{change.live} is live here, but followers do not know. {error}") from None
    return _report(change)


def _report(change: Change) -> int:
    done = f"{change.publication}: {change.action}" if change.changed else f"{change.publication}: nothing to do"
    print(f"{done}; live is {change.live or 'nothing'}.", file=sys.stderr)
    print(json.dumps(asdict(change)))
    return 0

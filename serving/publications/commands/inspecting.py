"""Commands that change nothing: list, show, ledger, verify and diff."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from serving.publications.commands.arguments import EXIT_FAILED, Commands, line, store_option
from serving.publications.diff import compare, compare_user, describe
from serving.publications.format import PublicationError
from serving.publications.lineage import value_at
from serving.publications.reading.reader import Publication
from serving.publications.store import PublicationStore
from serving.publications.times import format_time, parse_moment


def add_list(commands: Commands) -> None:
    """Add the command that lists the store's publications."""
    parser = commands.add_parser(
        "list",
        parents=[store_option()],
        help="list the publications in a store",
        description="List the publications, and show which one is live and which one is pinned.",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.set_defaults(run=_list)


def add_show(commands: Commands) -> None:
    """Add the command that prints a manifest."""
    parser = commands.add_parser(
        "show",
        parents=[store_option()],
        help="print a manifest with its lineage",
        description="Print a manifest with its lineage.",
    )
    parser.add_argument("--publication", type=line, metavar="ID", help="publication id (default: the live one)")
    parser.set_defaults(run=_show)


def add_ledger(commands: Commands) -> None:
    """Add the command that prints the ledger."""
    parser = commands.add_parser(
        "ledger",
        parents=[store_option()],
        help="print the ledger",
        description="Print the ledger, or the entry of the publication that was live at a time.",
    )
    parser.add_argument(
        "--at", type=line, metavar="TIME", help="only the entry that was in effect at this time (ISO 8601, UTC)"
    )
    parser.set_defaults(run=_ledger)


def add_verify(commands: Commands) -> None:
    """Add the command that checks files against their manifests."""
    parser = commands.add_parser(
        "verify",
        parents=[store_option()],
        help="check files against their manifests",
        description="Check SHA-256 and size. The exit status is 1 if a publication is not sound.",
    )
    parser.add_argument("--publication", type=line, metavar="ID", help="publication id (default: all in the store)")
    parser.set_defaults(run=_verify)


def add_diff(commands: Commands) -> None:
    """Add the command that compares two publications."""
    parser = commands.add_parser(
        "diff",
        parents=[store_option()],
        help="show what changed between two publications",
        description="Show what changed from one publication to another, for all users and for one, and why: data, "
        "model or catalogue.",
    )
    parser.add_argument("--a", type=line, required=True, metavar="ID", help="the earlier publication")
    parser.add_argument("--b", type=line, required=True, metavar="ID", help="the later publication")
    parser.add_argument(
        "--user",
        type=line,
        metavar="USER",
        help="also compare this user's lists, movie by movie; for own data: the own id",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    parser.set_defaults(run=_diff)


def _list(options: argparse.Namespace) -> int:
    store = PublicationStore(options.store)
    live, pin = store.live(), store.pinned()
    rows = [_summary(store, publication, live, pin) for publication in store.publications()]
    if options.json:
        print(json.dumps(rows))
        return 0
    if not rows:
        print(f"No publication in {store.root} yet: pull one.")
        return 0
    print(f"{'publication':<17}{'went live':<22}{'data through':<22}{'model':<24}{'metric':<22}{'MiB':>8}  state")
    for row in rows:
        metric = ", ".join(f"{name} {value:.4g}" for name, value in (row["metric"] or {}).items())
        state = " ".join(word for word in ("live", "pinned") if row[word])
        print(
            f"{row['publication']:<17}{(row['live_since'] or '-')[:19]:<22}{row['data_through'] or '-':<22}"
            f"{row['model'] or '-':<24}{metric or '-':<22}"
            f"{row['bytes'] / 2**20:>8.1f}  {state}".rstrip()
        )
    return 0


def _summary(store: PublicationStore, publication: str, live: str | None, pin: str | None) -> dict[str, Any]:
    manifest = store.manifest(publication)
    model = [value_at(manifest.lineage, "model", key) for key in ("name", "version")]
    metrics = value_at(manifest.lineage, "model", "metrics")
    first = sorted(metrics.items())[:1] if isinstance(metrics, dict) else []
    ndcg = value_at(manifest.lineage, "model", "metrics", "ndcg_at_10")
    return {
        "publication": publication,
        "live_since": store.live_since(publication),
        "data_through": format_time(manifest.data_through),
        "model": " v".join(str(part) for part in model if part is not None) or None,
        "metric": {"ndcg_at_10": ndcg} if ndcg is not None else dict(first) or None,
        "bytes": manifest.size_bytes,
        "sha256": manifest.sha256,
        "live": publication == live,
        "pinned": publication == pin,
    }


def _show(options: argparse.Namespace) -> int:
    store = PublicationStore(options.store)
    chosen = options.publication or store.live()
    if chosen is None:
        raise PublicationError("Nothing is live. Give --publication, or activate a publication.")
    print(store.manifest(chosen).to_json(), end="")
    return 0


def _ledger(options: argparse.Namespace) -> int:
    store = PublicationStore(options.store)
    if options.at is None:
        for entry in store.ledger.entries():
            print(json.dumps(entry.as_dict(), ensure_ascii=False))
        return 0
    moment = parse_moment(options.at, "--at")
    found = store.live_at(moment)
    if found is None:
        raise PublicationError(f"Nothing was live at {moment.isoformat()}. The ledger begins later: give a later time.")
    print(json.dumps(found.as_dict(), ensure_ascii=False))
    return 0


def _verify(options: argparse.Namespace) -> int:
    store = PublicationStore(options.store)
    names = [options.publication] if options.publication else store.publications()
    bad = {}
    for name in names:
        try:
            store.verify(name)
        except PublicationError as error:
            bad[name] = str(error)
            print(f"verify: {error}", file=sys.stderr)
        else:
            print(f"{name}: sound", file=sys.stderr)
    print(json.dumps({"verified": len(names) - len(bad), "bad": bad}))
    return EXIT_FAILED if bad else 0


def _diff(options: argparse.Namespace) -> int:
    store = PublicationStore(options.store)
    a, b = (Publication(store.path(name), name) for name in (options.a, options.b))
    summary = compare(a, b)
    user = None if options.user is None else compare_user(a, b, options.user)
    if user is not None and not (user["in_a"] or user["in_b"]):
        raise PublicationError(f"User {options.user} has a list in neither publication. Give another user id.")
    if options.json:
        print(json.dumps({**summary, "user": user}, ensure_ascii=False))
    else:
        print(describe(summary, user))
    return 0

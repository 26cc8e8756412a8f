"""Build, fetch, switch and inspect publications.

Commands that change something print one JSON object as their last line. Exit status: 0 done (or already so),
1 failed or refused because something is wrong, 2 wrong arguments, 3 held back: the publication is sound, but a pin or a
newer live publication keeps it from going live.
"""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sqlite3
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from serving.publications.build import BuildOptions, build_publication
from serving.publications.diff import churn, compare, compare_user, describe
from serving.publications.export_rows import OPTIONAL_COLUMNS
from serving.publications.format import Manifest, PublicationError, format_time, parse_moment
from serving.publications.reader import Publication
from serving.publications.rebuild import rebuild
from serving.publications.store import Change, HeldBackError, PublicationStore
from serving.publications.transfer import pull

EXIT_FAILED = 1
EXIT_HELD_BACK = 3
_FALLBACK_ACTOR = "unknown"


def _user() -> str:
    try:
        return os.environ.get("HADOOP_USER_NAME") or getpass.getuser()
    except (KeyError, OSError):
        return _FALLBACK_ACTOR


def _publication_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--publication", required=True, metavar="ID", help="publication id, e.g. 20261123T190000")


def _who_and_why(parser: argparse.ArgumentParser, reason: str) -> None:
    parser.add_argument("--actor", default=_user(), help="who does it, for the ledger (default: the system user)")
    parser.add_argument("--reason", default=reason, help=f"why, for the ledger (default: {reason!r})")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands: their arguments are a contract, see `--help`."""
    parser = argparse.ArgumentParser(
        prog="python -m serving.publications",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    build = commands.add_parser(
        "build",
        help="make a publication from exported tables",
        description="Check the exported lists and write publication.sqlite and manifest.json. The same exports give "
        "the same database bytes.",
    )
    build.add_argument(
        "--exports",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder with movies/, recommendations/, similar_movies/, popular_movies/ and, if wanted, "
        f"{', '.join(OPTIONAL_COLUMNS)}: tab-separated text as Hive exports it",
    )
    build.add_argument(
        "--lineage",
        type=Path,
        required=True,
        metavar="FILE",
        help="JSON object that says where the tables come from; data_through in it (Unix seconds or ISO 8601) is the "
        "time of the latest rating",
    )
    build.add_argument("--batch-id", required=True, metavar="ID", help="batch id, which becomes the publication id")
    build.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder for the two files")
    build.add_argument(
        "--allow-short-lists",
        action="store_true",
        help="accept lists shorter than the longest one: for catalogues so small that few unrated movies are left",
    )

    fetch = commands.add_parser(
        "pull", help="copy a publication into a store", description="Copy a publication into a store, verified."
    )
    fetch.add_argument(
        "--from",
        dest="source",
        required=True,
        metavar="URL_OR_DIR",
        help="http://NAMENODE:9870[/folder] (WebHDFS; default folder /marquee/publications) or a local folder that "
        "holds <id>/ or the publication's files",
    )
    fetch.add_argument("--user", default=_user(), help="HDFS user name (default: HADOOP_USER_NAME, else yours)")
    fetch.add_argument("--actor", default=_user(), help="who does it, for the ledger (default: the system user)")
    _publication_argument(fetch)

    activate = commands.add_parser(
        "activate",
        help="make a publication live",
        description="Verify a publication and make it live by one atomic rename. Held back (exit status 3) if another "
        "one is pinned or a newer one is live.",
    )
    _publication_argument(activate)
    _who_and_why(activate, "activated by hand")

    rollback = commands.add_parser(
        "rollback",
        help="go back to the publication that was live before",
        description="Make an earlier publication live: the one before, or --to. Twice goes back by two.",
    )
    rollback.add_argument("--to", metavar="ID", help="publication to go back to (default: the one live before)")
    _who_and_why(rollback, "rolled back by hand")

    pin = commands.add_parser(
        "pin",
        help="make a publication live and keep it",
        description="Hold one live until unpin, whatever is activated.",
    )
    _publication_argument(pin)
    _who_and_why(pin, "pinned by hand")

    unpin = commands.add_parser("unpin", help="take the pin off", description="Take the pin off; the live one stays.")
    _who_and_why(unpin, "unpinned by hand")

    refuse = commands.add_parser(
        "refuse",
        help="record that a publication was refused",
        description="Record in the ledger that a gate (the model's or the lists') refused a publication.",
    )
    _publication_argument(refuse)
    _who_and_why(refuse, "refused by hand")

    listing = commands.add_parser(
        "list", help="list the publications in a store", description="List publications, and which is live and pinned."
    )
    listing.add_argument("--json", action="store_true", help="print JSON instead of a table")

    show = commands.add_parser("show", help="print a manifest with its lineage", description="Print a manifest.")
    show.add_argument("--publication", metavar="ID", help="publication id (default: the live one)")

    ledger = commands.add_parser(
        "ledger", help="print the ledger", description="Print the ledger, or what was live at a time."
    )
    ledger.add_argument("--at", metavar="TIME", help="only the entry that was in effect then (ISO 8601, UTC)")

    verify = commands.add_parser(
        "verify",
        help="check files against their manifests",
        description="Check SHA-256 and size; exit status 1 if bad.",
    )
    verify.add_argument("--publication", metavar="ID", help="publication id (default: all in the store)")

    diff = commands.add_parser(
        "diff",
        help="what changed between two publications",
        description="Say what changed from one publication to another, for all users and for one, and why: data, model "
        "or catalogue.",
    )
    diff.add_argument("--a", required=True, metavar="ID", help="the earlier publication")
    diff.add_argument("--b", required=True, metavar="ID", help="the later publication")
    diff.add_argument("--user", type=int, metavar="N", help="also compare this user's lists, movie by movie")
    diff.add_argument("--json", action="store_true", help="print JSON instead of text")

    prune = commands.add_parser(
        "prune",
        help="delete old publications from the store",
        description="Delete old publications. The live one, the pinned one, the nearest rollback targets, those that came "
        "last and all that are newer than the live one stay; HDFS keeps its copies.",
    )
    prune.add_argument(
        "--keep", type=int, default=7, help="rollback targets, and last arrivals, to keep (default: %(default)s)"
    )
    prune.add_argument("--dry-run", action="store_true", help="only say what would be deleted")
    _who_and_why(prune, "pruned by hand")

    rebuild_parser = commands.add_parser(
        "rebuild",
        help="build a publication anew and compare its bytes",
        description="Fetch the exports of the publication's batch from HDFS, build it anew and compare the SHA-256; "
        "exit status 1 if it differs. Also prints the command that runs the whole batch again from its snapshot.",
    )
    _publication_argument(rebuild_parser)
    rebuild_parser.add_argument(
        "--from",
        dest="source",
        required=True,
        metavar="URL",
        help="http://NAMENODE:9870[/folder] (WebHDFS; default folder /marquee/exports)",
    )
    rebuild_parser.add_argument(
        "--user", default=_user(), help="HDFS user name (default: HADOOP_USER_NAME, else yours)"
    )

    for command in (
        diff,
        prune,
        rebuild_parser,
        fetch,
        activate,
        rollback,
        pin,
        unpin,
        refuse,
        listing,
        show,
        ledger,
        verify,
    ):
        command.add_argument("--store", type=Path, required=True, metavar="DIR", help="publication store")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    options = build_parser().parse_args(arguments)
    try:
        return _run(options)
    except HeldBackError as error:
        return _fail(options.command, error, EXIT_HELD_BACK)
    except PublicationError as error:
        return _fail(options.command, error, EXIT_FAILED)
    except OSError as error:
        what = f"{error.filename or 'The store'}: {error.strerror or error}"
        return _fail(options.command, f"{what}. Make it writable, with room enough, and try again.", EXIT_FAILED)
    except sqlite3.Error as error:
        advice = "Make room in the output folder and the temporary one; if there is, verify the publications."
        return _fail(options.command, f"SQLite gave up ({error}). {advice}", EXIT_FAILED)


def _fail(command: str, error: object, status: int) -> int:
    print(f"{command}: {error}", file=sys.stderr)
    outcome = "held-back" if status == EXIT_HELD_BACK else "failed"
    print(json.dumps({"command": command, "outcome": outcome, "error": str(error)}))
    return status


def _run(options: argparse.Namespace) -> int:
    if options.command == "build":
        return _build(options)
    store = PublicationStore(options.store)
    match options.command:
        case "pull":
            return _report(pull(store, options.source, options.publication, options.user, options.actor))
        case "activate":
            detail = _churn_against_live(store, options.publication)
            return _report(store.activate(options.publication, options.actor, options.reason, detail))
        case "rollback":
            return _report(store.roll_back(options.to, options.actor, options.reason))
        case "pin":
            return _report(store.pin(options.publication, options.actor, options.reason))
        case "unpin":
            return _report(store.unpin(options.actor, options.reason))
        case "refuse":
            return _report(store.record_refusal(options.publication, options.actor, options.reason))
        case "diff":
            return _diff(store, options)
        case "prune":
            return _prune(store, options)
        case "rebuild":
            return _rebuild(store.manifest(options.publication), options.source, options.user)
        case "list":
            return _list(store, options.json)
        case "show":
            return _show(store, options.publication)
        case "ledger":
            return _ledger(store, options.at)
        case _:
            return _verify(store, options.publication)


def _report(change: Change) -> int:
    done = f"{change.publication}: {change.action}" if change.changed else f"{change.publication}: nothing to do"
    print(f"{done}; live is {change.live or 'nothing'}.", file=sys.stderr)
    print(json.dumps(asdict(change)))
    return 0


def _build(options: argparse.Namespace) -> int:
    try:
        lineage = json.loads(options.lineage.read_text(encoding="utf-8"))
    except ValueError as error:
        raise PublicationError(f"{options.lineage} is not JSON ({error}): write a JSON object.") from None
    if not isinstance(lineage, dict):
        raise PublicationError(f"{options.lineage} is not a JSON object: write the lineage as one.")
    build_options = BuildOptions(full_lists=not options.allow_short_lists)
    manifest = build_publication(options.exports, lineage, options.batch_id, options.output, build_options)
    size = f"{manifest.size_bytes / 2**20:.1f} MiB"
    print(f"{manifest.batch_id}: built {size}, SHA-256 {manifest.sha256[:12]}.", file=sys.stderr)
    result = {"output": str(options.output), "publication": manifest.batch_id, "sha256": manifest.sha256}
    print(json.dumps({**result, "bytes": manifest.size_bytes, "rows": manifest.rows}))
    return 0


def _churn_against_live(store: PublicationStore, publication: str) -> dict[str, Any] | None:
    """Return how far the lists differ from the live ones; None where there are none to compare with."""
    live = store.live()
    if live in (None, publication) or publication not in store.publications():
        return None
    try:
        return churn(*(Publication(store.path(name), name) for name in (str(live), publication)))
    except PublicationError as error:
        # What is not sound is refused by the switch itself; a damaged live one must not keep a sound one back.
        print(f"activate: the lists were not compared: {error}", file=sys.stderr)
        return None


def _diff(store: PublicationStore, options: argparse.Namespace) -> int:
    a, b = (Publication(store.path(name), name) for name in (options.a, options.b))
    summary = compare(a, b)
    user = None if options.user is None else compare_user(a, b, options.user)
    if user is not None and not (user["in_a"] or user["in_b"]):
        raise PublicationError(f"User {options.user} has a list in neither publication: give another user id.")
    if options.json:
        print(json.dumps({**summary, "user": user}, ensure_ascii=False))
    else:
        print(describe(summary, user))
    return 0


def _prune(store: PublicationStore, options: argparse.Namespace) -> int:
    names = (
        store.prunable(options.keep) if options.dry_run else store.prune(options.keep, options.actor, options.reason)
    )
    print(json.dumps({"pruned": [] if options.dry_run else names, "prunable": names, "live": store.live()}))
    return 0


def _rebuild(manifest: Manifest, source: str, user: str) -> int:
    result = rebuild(manifest, source, user)
    verdict = "the same bytes" if result["same"] else "OTHER BYTES"
    print(f"{manifest.batch_id}: rebuilt from its exports, {verdict}.", file=sys.stderr)
    print(f"One level deeper, from the raw snapshot: {result['rerun']}", file=sys.stderr)
    print(json.dumps(result))
    return 0 if result["same"] else EXIT_FAILED


def _nested(document: dict[str, Any], *path: str) -> Any:
    value: Any = document
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _describe(store: PublicationStore, publication: str, live: str | None, pin: str | None) -> dict[str, Any]:
    manifest: Manifest = store.manifest(publication)
    model = [_nested(manifest.lineage, "model", key) for key in ("name", "version")]
    metrics = _nested(manifest.lineage, "model", "metrics")
    first = sorted(metrics.items())[:1] if isinstance(metrics, dict) else []
    ndcg = _nested(manifest.lineage, "model", "metrics", "ndcg_at_10")
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


def _list(store: PublicationStore, as_json: bool) -> int:
    live, pin = store.live(), store.pinned()
    rows = [_describe(store, publication, live, pin) for publication in store.publications()]
    if as_json:
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


def _show(store: PublicationStore, publication: str | None) -> int:
    chosen = publication or store.live()
    if chosen is None:
        raise PublicationError("Nothing is live: give --publication, or activate one.")
    print(store.manifest(chosen).to_json(), end="")
    return 0


def _ledger(store: PublicationStore, at: str | None) -> int:
    if at is None:
        for entry in store.ledger.entries():
            print(json.dumps(entry.as_dict(), ensure_ascii=False))
        return 0
    moment = parse_moment(at, "--at")
    found = store.live_at(moment)
    if found is None:
        raise PublicationError(f"Nothing was live at {moment.isoformat()}: the ledger begins later.")
    print(json.dumps(found.as_dict(), ensure_ascii=False))
    return 0


def _verify(store: PublicationStore, publication: str | None) -> int:
    names = [publication] if publication else store.publications()
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


if __name__ == "__main__":
    sys.exit(main())

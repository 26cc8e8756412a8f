"""Export the labelled texts of the reviews service for the next training.

`python -m serving.reviews.export --output FOLDER --batch-id 20261123T190000` writes FOLDER/20261123T190000 with

``reviews.jsonl``  text, label, language, corpus, file, line: one row for each person's opinion of a prediction
``manifest.json``  the batch, and bytes, rows and SHA-256 of the file

The label is what a person said is true, never what the model said. The text is the one that its author agreed to give: kept
with the opinion, or that of the author's own review. A review whose author does not agree is in no export, also if
others send its text. A row names no person: `file` is a digest of prediction and person. Opinions after the batch's moment are left for
a later batch.

First it deletes what belongs to accounts that are gone, as the service does each minute: the service may have been down.

The folder appears by one rename, whole, and then never changes. A second run with the same batch id checks it and prints the
same manifest. Each run removes exports with a text that is no longer given, because it, its review or its author was
deleted, and those beyond the newest ones.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import SQLAlchemyError

from serving.publications.batch_exports.kept import KEPT, drop_exports
from serving.publications.batch_exports.manifests import MANIFEST, BatchExportError, checked_manifest, moment_of
from serving.publications.durable_files import fsync_folder, locked, write_new_file
from serving.reviews.database.engine import open_database, transactions
from serving.reviews.database.errors import DatabaseError
from serving.reviews.database.models import Feedback, Review
from serving.reviews.domain.accounts_client import AccountsClient
from serving.reviews.domain.deleted_accounts import UnbelievableError, sweep
from serving.reviews.domain.prediction_ids import digest_in, digest_of
from serving.web.problems import ProblemError

ROWS: Final = "reviews.jsonl"
CORPUS: Final = "feedback-reviews"


class ExportError(BatchExportError):
    """The database is not named or cannot be read; the message says what to do."""


def export_reviews(
    url: str, output: Path, batch_id: str, keep: int = KEPT, accounts: AccountsClient | None = None
) -> dict[str, Any]:
    """Write a batch's export, or find it written, and return its manifest.

    `accounts` tells which accounts are gone. Raises BatchExportError and DatabaseError.
    """
    until = moment_of(batch_id)
    final, attempt = output / batch_id, output / f".{batch_id}.partial"
    output.mkdir(parents=True, exist_ok=True)
    engine = open_database(url)
    with locked(output / ".lock"):
        try:
            if accounts is not None:
                _forget_the_gone(engine, accounts)
            with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
                rows = list(_given(connection))
        except SQLAlchemyError as error:
            reason = str(error).splitlines()[0]
            raise ExportError(
                f"The reviews cannot be read: {reason}. Check that the database is up and migrated."
            ) from None
        finally:
            engine.dispose()
        fault_of = _giving_others_than({row["file"] for _, row in rows})
        for batch, reason in drop_exports(output, batch_id, fault_of, keep).items():
            print(f"export: {batch} is removed: {reason}.", file=sys.stderr)
        if final.exists():
            return checked_manifest(final, batch_id, [ROWS])
        attempt.mkdir()
        lines = (json.dumps(row, ensure_ascii=False).encode() + b"\n" for given_at, row in rows if given_at <= until)
        digest = write_new_file(attempt / ROWS, lines)
        written = (attempt / ROWS).read_bytes()
        file = {"name": ROWS, "bytes": len(written), "rows": written.count(b"\n"), "sha256": digest}
        manifest = {"manifest_version": 1, "batch_id": batch_id, "files": [file]}
        write_new_file(attempt / MANIFEST, [(json.dumps(manifest, indent=2, sort_keys=True) + "\n").encode()])
        fsync_folder(attempt)
        attempt.rename(final)
        fsync_folder(output)
    return manifest


def _forget_the_gone(engine: Engine, accounts: AccountsClient) -> None:
    try:
        sweep(transactions(engine), accounts, waiting=True)
    except (ProblemError, UnbelievableError) as error:
        reason = error.detail if isinstance(error, ProblemError) else str(error)
        raise ExportError(
            f"Nobody tells which accounts are gone: {reason} Nothing was exported. Run the export again."
        ) from None


def _given(connection: Connection) -> Iterator[tuple[datetime, dict[str, Any]]]:
    """Yield when each labelled text was given, and its row, in an order of its own."""
    opinions = connection.execute(
        select(
            Feedback.prediction, Feedback.user_id, Feedback.truth, Feedback.language, Feedback.text, Feedback.given_at
        )
    ).all()
    own: dict[tuple[int, bytes], str] = {}
    refused: dict[bytes, set[int]] = defaultdict(set)
    for author, written, may_train in connection.execute(select(Review.author_id, Review.text, Review.may_train)):
        if may_train:
            own[author, digest_of(written)] = written
        else:
            refused[digest_of(written)].add(author)
    rows = []
    for prediction, user, truth, language, text, given_at in opinions:
        content = text if text is not None else own.get((user, digest_in(prediction)))
        # Who copies another's review can't agree for its author.
        if content is None or refused[digest_of(content)] - {user}:
            continue
        key = hashlib.sha256(f"{prediction}:{user}".encode()).hexdigest()[:32]
        row = {"text": content, "label": truth, "language": language, "corpus": CORPUS, "file": key, "line": 1}
        rows.append((given_at, row))
    yield from sorted(rows, key=lambda item: str(item[1]["file"]))


def _giving_others_than(given: set[str]) -> Callable[[Path], str | None]:
    return lambda export: None if _keys(export / ROWS) <= given else "it has a text that is no longer given"


def _keys(rows: Path) -> set[str]:
    if not rows.exists():
        return set()
    return {json.loads(line)["file"] for line in rows.read_bytes().split(b"\n") if line}


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m serving.reviews.export",
        description="Export the labelled texts that users of the reviews service agreed to give.",
        epilog="The last line of standard output is the manifest as one JSON object.",
    )
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER", help="the export is FOLDER/BATCH_ID")
    parser.add_argument("--batch-id", required=True, metavar="STAMP", help="UTC stamp YYYYMMDDTHHMMSS")
    parser.add_argument(
        "--database",
        default=os.environ.get("MARQUEE_REVIEWS_DATABASE"),
        metavar="URL",
        help="default: MARQUEE_REVIEWS_DATABASE, which keeps a password out of the process list",
    )
    return parser


def _accounts(environment: Mapping[str, str]) -> AccountsClient | None:
    """Return the accounts service, if the client that lists accounts is set."""
    names = ("MARQUEE_ACCOUNTS_URL", "MARQUEE_REVIEWS_CLIENT_ID", "MARQUEE_REVIEWS_CLIENT_SECRET")
    address, client_id, secret = (environment.get(name, "") for name in names)
    return AccountsClient(address, client_id, secret) if address and client_id and secret else None


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    options = build_parser().parse_args(argv)
    try:
        if not options.database:
            raise ExportError("No database is named. Set MARQUEE_REVIEWS_DATABASE or give --database.")
        accounts = _accounts(os.environ)
        if accounts is None:
            print("export: texts of deleted accounts may stay: MARQUEE_REVIEWS_CLIENT_ID is not set.", file=sys.stderr)
        manifest = export_reviews(options.database, options.output, options.batch_id, accounts=accounts)
    except (BatchExportError, DatabaseError, OSError) as error:
        print(f"export: {error}", file=sys.stderr)
        return 1
    print(json.dumps(manifest, sort_keys=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())

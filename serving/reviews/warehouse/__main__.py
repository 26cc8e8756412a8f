"""Export reviews for scoring, and load the mart that comes back.

The last line of standard output is one JSON object; exit status 0 only if the program succeeded.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from serving.publications.batch_exports.manifests import BatchExportError
from serving.reviews.database.engine import open_database, transactions
from serving.reviews.database.errors import DatabaseError
from serving.reviews.warehouse.movie_mart import load_mart
from serving.reviews.warehouse.stored_reviews import WarehouseError, export_reviews


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m serving.reviews.warehouse",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="MARQUEE_REVIEWS_DATABASE names the database, which keeps its password out of the process list.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    export = commands.add_parser("export-reviews", help="write the reviews that are not hidden as JSON Lines")
    export.add_argument("--output", type=Path, required=True, metavar="FOLDER", help="new folder of reviews.jsonl")
    load = commands.add_parser("load-mart", help="replace the mart movie_sentiment")
    load.add_argument("--rows", type=Path, required=True, metavar="FOLDER", help="Hive's export of the table")
    load.add_argument("--publication", required=True, metavar="STAMP", help="publication of the model that scored")
    load.add_argument("--batch-id", required=True, metavar="STAMP", help="UTC stamp YYYYMMDDTHHMMSS")
    return parser


def _run(options: argparse.Namespace) -> dict[str, Any]:
    address = os.environ.get("MARQUEE_REVIEWS_DATABASE")
    if not address:
        raise WarehouseError("MARQUEE_REVIEWS_DATABASE is not set. Give postgresql+psycopg://...")
    engine = open_database(address)
    try:
        if options.command == "export-reviews":
            return export_reviews(engine, options.output)
        return load_mart(transactions(engine), options.rows, options.batch_id, options.publication)
    finally:
        engine.dispose()


def main(argv: list[str] | None = None) -> int:
    """Run one command; return the exit status."""
    options = build_parser().parse_args(argv)
    try:
        result = _run(options)
    except SQLAlchemyError as error:
        reason = str(error).splitlines()[0]
        advice = "Check that the reviews database is up and migrated."
        print(f"{options.command}: The database failed: {reason}. {advice}", file=sys.stderr)
        return 1
    except (WarehouseError, BatchExportError, DatabaseError, OSError, UnicodeDecodeError) as error:
        print(f"{options.command}: {error}", file=sys.stderr)
        return 1
    print(json.dumps(result, sort_keys=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())

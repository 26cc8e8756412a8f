"""Run ingest by hand: ``python -m marquee.ingest --dataset D --batch-id B``."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from pathlib import Path

from hdfs import InsecureClient
from requests.exceptions import RequestException

from marquee.ingest.connections import look_in_airflows_database
from marquee.ingest.datasets import DATASETS, EMBEDDED
from marquee.ingest.errors import IngestError
from marquee.ingest.own_data.snapshots.ingest import ingest_data


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(
        prog="python -m marquee.ingest",
        description="Store a data set as an immutable, checksummed snapshot in HDFS.",
        epilog="The last line of standard output is one JSON object that describes the snapshot.",
    )
    parser.add_argument(
        "--dataset", default=EMBEDDED.name, metavar="NAME", help=f"one of {', '.join(DATASETS)}, or a name of own data"
    )
    parser.add_argument(
        "--archive", type=Path, metavar="PATH", help="zip file or folder to read; without it: the official address"
    )
    parser.add_argument("--mapping", type=Path, metavar="FILE", help="how own data is read, see docs/own-data.md")
    parser.add_argument(
        "--source", metavar="SOURCE", help="connection of Airflow, s3://connection@bucket/folder or hdfs:///folder"
    )
    parser.add_argument("--query", metavar="SELECT", help="rows to read from a database")
    parser.add_argument("--since", metavar="COLUMN[:VALUE]", help="column that only grows, to read newer rows alone")
    parser.add_argument(
        "--quarantine-limit",
        type=float,
        default=0.2,
        metavar="SHARE",
        help="share of own data's rows of which more may not break a rule (default: %(default)s)",
    )
    parser.add_argument(
        "--feedback",
        type=Path,
        metavar="DIR",
        help="export of the accounts service for this batch, whose ratings join the snapshot",
    )
    parser.add_argument("--batch-id", required=True, metavar="STAMP", help="UTC stamp YYYYMMDDTHHMMSS")
    parser.add_argument("--webhdfs", default="http://127.0.0.1:9870", metavar="URL", help="NameNode's HTTP address")
    parser.add_argument("--user", required=True, help="HDFS user")
    parser.add_argument(
        "--cache-dir",
        type=Path,
        default=Path(".marquee/downloads"),
        metavar="DIR",
        help="folder for downloaded archives (default: %(default)s)",
    )
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    options = parse_arguments(arguments)
    look_in_airflows_database()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(message)s")
    logging.getLogger("hdfs").setLevel(logging.WARNING)  # it logs every call
    try:
        result = ingest_data(
            InsecureClient(options.webhdfs, user=options.user),
            dataset=options.dataset,
            batch_id=options.batch_id,
            cache_dir=options.cache_dir,
            archive=options.archive,
            mapping=options.mapping,
            limit=options.quarantine_limit,
            feedback=options.feedback,
            source=options.source,
            query=options.query,
            since=options.since,
        )
    except IngestError as error:
        print(f"ingest: {error}", file=sys.stderr)
        return 1
    except RequestException as error:
        print(f"ingest: HDFS at {options.webhdfs} does not answer ({error}). Start it with make up.", file=sys.stderr)
        return 1
    print(json.dumps(result, sort_keys=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())

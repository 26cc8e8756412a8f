"""Say what a file of ratings or events holds, and propose a mapping.

    make inspect ARCHIVE=ratings.zip
    make inspect ARCHIVE=ratings.zip MAPPING=mapping.toml
    make inspect SOURCE=shop QUERY='SELECT * FROM ratings'

No service has to run. Without a mapping the program writes mapping.toml. With one it reads the sample by it.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from marquee.ingest.connections import look_in_airflows_database
from marquee.ingest.errors import IngestError
from marquee.ingest.own_data.inspection.propose import propose
from marquee.ingest.own_data.inspection.report import files_part, report, rows_part, values_part
from marquee.ingest.own_data.inspection.tried import try_mapping
from marquee.ingest.own_data.snapshots.from_source import with_query
from marquee.ingest.own_data.sources.storages import fetch_to_inspect
from marquee.ingest.reading.containers.members import Member
from marquee.ingest.reading.containers.opening import open_members
from marquee.ingest.reading.mapping.reading import read_mapping
from marquee.ingest.reading.mapping.writing import write_mapping


def _path(given: str) -> Path:
    if not given:
        raise argparse.ArgumentTypeError("it is empty. Name a file: make inspect ARCHIVE=path.")
    # Not every shell expands the ~ of `ARCHIVE=~/x.zip`.
    return Path(os.path.expanduser(given))  # noqa: PTH111 - it leaves an unknown user's ~ as it is


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(
        prog="python -m marquee.ingest.own_data", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    looked_at = parser.add_mutually_exclusive_group(required=True)
    looked_at.add_argument("--archive", type=_path, metavar="PATH", help="file, archive or folder to look at")
    looked_at.add_argument("--source", metavar="SOURCE", help="connection of Airflow, s3://... or hdfs:///...")
    parser.add_argument("--query", default="", metavar="SELECT", help="rows to look at, if the source is a database")
    parser.add_argument("--mapping", type=_path, metavar="FILE", help="mapping to read it by; without it: a proposal")
    parser.add_argument(
        "--output", type=_path, default=Path("mapping.toml"), metavar="FILE", help="where a proposal is written"
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    options = parse_arguments(arguments)
    look_in_airflows_database()
    try:
        with ExitStack() as stack:
            members = open_members(options.archive or _fetched(options, stack))
            lines = list(_looked_at(options, members))
    except IngestError as error:
        print(f"inspect: {error}", file=sys.stderr)
        return 1
    print("\n".join(lines))
    return 0


def _looked_at(options: argparse.Namespace, members: list[Member]) -> Iterator[str]:
    """Yield the report's lines, and write the proposal if no mapping is given."""
    if options.mapping is not None:
        mapping = read_mapping(options.mapping)
        tried = try_mapping(members, mapping)
        yield from (*files_part(members), "", *values_part(mapping, tried), "", *rows_part(tried))
        return
    proposal = propose(members)
    yield from report(members, proposal, try_mapping(members, proposal.mapping, proposal.ratings))
    rules = with_query(proposal.mapping, options.query)
    yield from ("", _written(options.output, write_mapping(rules, proposal.guessed)))


def _fetched(options: argparse.Namespace, stack: ExitStack) -> Path:
    """Fetch the first rows of a query, or the files of a storage, into a folder."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="marquee-inspect-")))
    fetch_to_inspect(options.source, options.query, options.mapping, folder)
    return folder


def _written(path: Path, text: str) -> str:
    """Write the proposal, unless a person's mapping is there; return what to do next."""
    target = path
    try:
        if path.exists() and path.read_text(encoding="utf-8", errors="replace") != text:
            target = path.with_name(f"{path.stem}.proposed{path.suffix}")
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise IngestError(f"{target} cannot be written ({error.strerror}). Give another --output.") from error
    if target != path:
        return f"{path} exists and stays as it is. The proposal is in {target}."
    return f"The mapping is in {path}. Correct it, and look again by MAPPING={path}."


if __name__ == "__main__":
    sys.exit(main())

"""Export the ratings given here for the nightly run, in MovieLens's layout.

`python -m serving.accounts.export --output FOLDER --batch-id 20261123T190000` writes FOLDER/20261123T190000 with

``ratings.csv``    userId,movieId,rating,timestamp: one row a user and movie, by user and movie
``movies.csv``     movieId,title,genres: the movies that were added here and not withdrawn
``manifest.json``  watermark, data_through, and bytes, rows and SHA-256 of each file

With `--own-data NAME` these are the ratings of that data set's movies, by their own ids, and the manifest names it. Its snapshot takes
no movies that were added here, nor their ratings. Without it they are the ratings of MovieLens's movies. No rating is in both.

Ratings given and movies added after the batch's moment are left for a later batch. A movie that was added here and
withdrawn by then stays out, with its ratings. A movie of the data set stays in, whether it was withdrawn here or not.

The folder appears by one rename, whole, and then never changes. A second run with the same batch id checks it and prints
the same manifest, unless an account that it names was deleted: each run removes such exports, and writes its own again.
It also removes those beyond the newest ones. A killed run leaves a hidden folder that the next run removes. Neither
loses or doubles a rating, since each export holds all ratings and not only those since the last one. The watermark names
the latest change that an export holds; programs that want only newer ratings compare it.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, false, func, or_, select, true
from sqlalchemy.exc import SQLAlchemyError

from serving.accounts.database.engine import open_database, snapshot
from serving.accounts.database.errors import AccountsError
from serving.accounts.database.models import FIRST_OWN_ID, ChangeClock, Movie, Rating, User
from serving.accounts.domain.own_data.ids import of_dataset
from serving.accounts.kept_exports import naming_others_than
from serving.publications.batch_exports.kept import KEPT, drop_exports
from serving.publications.batch_exports.manifests import MANIFEST, BatchExportError, checked_manifest, moment_of
from serving.publications.durable_files import fsync_folder, locked, write_new_file
from serving.publications.times import format_time

MANIFEST_VERSION: Final = 1
_FILES: Final = ("ratings.csv", "movies.csv")
_MOST_KEPT: Final = 1000
_NO_GENRES: Final = "(no genres listed)"


def batch_moment(batch_id: str) -> int:
    """Return a batch's moment in Unix seconds.

    Raises AccountsError if the text is not a batch id.
    """
    try:
        return int(moment_of(batch_id).timestamp())
    except BatchExportError as error:
        raise AccountsError(str(error)) from None


def export_ratings(
    url: str, output: Path, batch_id: str, keep: int = KEPT, own_data: str | None = None
) -> dict[str, Any]:
    """Write a batch's export, or find it written, and return its manifest.

    `own_data` is the name of the data set, None for MovieLens. The `keep` newest exports stay, without those that name a deleted
    account. Raises AccountsError.
    """
    until = batch_moment(batch_id)
    final, attempt = output / batch_id, output / f".{batch_id}.partial"
    output.mkdir(parents=True, exist_ok=True)
    engine = open_database(url)
    with locked(output / ".lock"):
        try:
            with snapshot(engine) as connection:
                known = set(connection.scalars(select(User.user_id)))
                for batch, reason in drop_exports(output, batch_id, naming_others_than(known), keep).items():
                    print(f"export: {batch} is removed: {reason}.", file=sys.stderr)
                if final.exists():
                    return _of_data_set(checked_manifest(final, batch_id, _FILES), final, own_data)
                attempt.mkdir()
                manifest = _write(connection, attempt, batch_id, until, own_data)
        except BatchExportError as error:
            raise AccountsError(str(error)) from None
        except SQLAlchemyError as error:
            reason = str(error).splitlines()[0]
            raise AccountsError(
                f"The ratings cannot be read: {reason}. Check that the database is up and migrated."
            ) from None
        finally:
            engine.dispose()
        fsync_folder(attempt)
        attempt.rename(final)
        fsync_folder(output)
    return manifest


def _of_data_set(manifest: dict[str, Any], folder: Path, own_data: str | None) -> dict[str, Any]:
    if manifest.get("own_data") != own_data:
        raise AccountsError(
            f"{folder} has the ratings of {manifest.get('own_data') or 'MovieLens'}, not of {own_data or 'MovieLens'}. "
            "Use a new batch id, or remove it and run this again."
        )
    return manifest


def _write(connection: Connection, folder: Path, batch_id: str, until: int, own_data: str | None) -> dict[str, Any]:
    counter, moment = connection.execute(select(ChangeClock.value, ChangeClock.moment)).one()
    by_then = Rating.rated_at <= until
    last_change = connection.execute(select(func.max(Rating.change)).where(by_then)).scalar_one()
    later = connection.execute(select(func.count()).select_from(Rating).where(~by_then)).scalar_one()
    added = or_(Movie.created_at.is_(None), Movie.created_at <= until)
    not_withdrawn = or_(Movie.withdrawn_at.is_(None), Movie.withdrawn_at > until)
    rated = Movie.movie_id if own_data is None else Movie.own_id.label("movie_id")
    given = (
        select(Rating.user_id, rated, Rating.half_stars, Rating.rated_at)
        .join(Movie, Movie.movie_id == Rating.movie_id)
        .where(by_then, or_(Movie.movie_id < FIRST_OWN_ID, not_withdrawn), of_dataset(own_data))
    )
    if own_data is not None:
        given = given.where(Movie.own_id.is_not(None))
    latest = connection.execute(select(func.max(given.subquery().c.rated_at))).scalar_one()
    ratings = connection.execution_options(yield_per=10_000).execute(given.order_by(Rating.user_id, Rating.movie_id))
    movies = connection.execute(
        select(Movie.movie_id, Movie.title, Movie.release_year, Movie.genres)
        .where(
            Movie.movie_id >= FIRST_OWN_ID,
            added,
            not_withdrawn,
            of_dataset(None),
            true() if own_data is None else false(),
        )
        .order_by(Movie.movie_id)
    )
    rating_rows = ((user, movie, half_stars / 2, rated_at) for user, movie, half_stars, rated_at in ratings)
    movie_rows = ((movie, _title(title, year), genres or _NO_GENRES) for movie, title, year, genres in movies)
    files = [
        _write_csv(folder / "ratings.csv", ("userId", "movieId", "rating", "timestamp"), rating_rows),
        _write_csv(folder / "movies.csv", ("movieId", "title", "genres"), movie_rows),
    ]
    manifest = {
        "manifest_version": MANIFEST_VERSION,
        "batch_id": batch_id,
        # Changes are numbered in the order of their moments: the export leaves out the latest ones.
        "watermark": counter if moment <= until else last_change or 0,
        "data_through": format_time(latest),
        "later_ratings": later,
        "files": files,
        **({} if own_data is None else {"own_data": own_data}),
    }
    text = json.dumps(manifest, indent=2, sort_keys=True) + "\n"
    write_new_file(folder / MANIFEST, [text.encode("utf-8")])
    return manifest


def _title(title: str, year: int | None) -> str:
    return title if year is None else f"{title} ({year})"


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> dict[str, Any]:
    counted = 0

    def lines() -> Iterator[bytes]:
        nonlocal counted
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(header)
        for counted, row in enumerate(rows, 1):
            writer.writerow(row)
            if counted % 1000 == 0:
                yield buffer.getvalue().encode("utf-8")
                buffer.seek(0)
                buffer.truncate()
        yield buffer.getvalue().encode("utf-8")

    digest = write_new_file(path, lines())
    return {"name": path.name, "bytes": path.stat().st_size, "rows": counted, "sha256": digest}


def _kept(text: str) -> int:
    if not re.fullmatch("[1-9][0-9]{0,3}", text) or int(text) > _MOST_KEPT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to {_MOST_KEPT}")
    return int(text)


def arguments() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m serving.accounts.export",
        description="Export the ratings that were given in the accounts service, in MovieLens's layout.",
        epilog="The last line of standard output is the manifest as one JSON object.",
    )
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER", help="the export is FOLDER/BATCH_ID")
    parser.add_argument("--batch-id", required=True, metavar="STAMP", help="UTC stamp YYYYMMDDTHHMMSS")
    parser.add_argument(
        "--own-data",
        metavar="NAME",
        help="export the ratings of this data set's movies by their own ids, not MovieLens's",
    )
    parser.add_argument(
        "--keep",
        type=_kept,
        default=KEPT,
        metavar="N",
        help=f"exports that stay, from 1 to {_MOST_KEPT}; default: {KEPT}",
    )
    parser.add_argument(
        "--database",
        default=os.environ.get("MARQUEE_ACCOUNTS_DATABASE"),
        metavar="URL",
        help="default: MARQUEE_ACCOUNTS_DATABASE, which keeps a password out of the process list",
    )
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    options = arguments().parse_args(argv)
    try:
        if not options.database:
            raise AccountsError("No database is named. Set MARQUEE_ACCOUNTS_DATABASE or give --database.")
        given = (options.output, options.batch_id, options.keep, options.own_data)
        manifest = export_ratings(options.database, *given)
    except (AccountsError, OSError) as error:
        print(f"export: {error}", file=sys.stderr)
        return 1
    print(json.dumps(manifest, sort_keys=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())

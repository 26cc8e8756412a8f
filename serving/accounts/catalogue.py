"""The catalogue of movies, filled from the warehouse: from the live publication, or from a folder of Hive's export.

Loading adds what is new and changes what has changed. It leaves alone what an administrator has edited, added or withdrawn,
and keeps movies that the source has no more, since ratings refer to them. Movies that were added here are exported and come
back with the next publication: they are passed over, since the row here is the newer one.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session as DatabaseSession

from serving.accounts.database import AccountsError, Transactions, now
from serving.accounts.models import FIRST_OWN_ID, CatalogueLoad, Movie
from serving.publications.building.export_files import read_export
from serving.publications.format import PublicationError
from serving.publications.reader import movie_rows
from serving.publications.store import PublicationStore
from serving.publications.titles import fold
from serving.web.observability import error_log

_BATCH: Final = 1000
_WATCH_SECONDS: Final = 20

Row = dict[str, Any]


def movie_row(movie_id: int, title: str, release_year: int | None, genres: str) -> Row:
    """Return the columns that the catalogue gives."""
    return {
        "movie_id": movie_id,
        "title": title,
        "release_year": release_year,
        "genres": genres,
        "search_text": fold(title),
    }


def rows_of_export(folder: Path) -> Iterator[Row]:
    """Yield the movies of a folder of tab-separated files: movie_id, title, release_year, genres.

    Raises AccountsError where a file is not of that form.
    """
    try:
        for place, (movie_id, title, year, genres) in read_export(folder, 4):
            try:
                yield movie_row(int(movie_id or ""), title or "", int(year) if year else None, genres or "")
            except ValueError:
                raise AccountsError(
                    f"{place} has an id or a year that is no whole number: export the table again."
                ) from None
    except PublicationError as error:
        raise AccountsError(str(error)) from None


def live_publication(store: Path) -> str | None:
    """Return the id of the publication that a store serves, or None where nothing is published."""
    return PublicationStore(store).live()


def rows_of_publication(store: Path, publication: str) -> Iterator[Row]:
    """Yield the movies of a publication of a store. Raises AccountsError if it can't be read."""
    try:
        for row in movie_rows(PublicationStore(store).path(publication)):
            yield movie_row(*row)
    except PublicationError as error:
        raise AccountsError(str(error)) from None


def load_catalogue(factory: Transactions, source: str, rows: Iterable[Row]) -> int:
    """Load all rows but those of movies that were added here, in one transaction, and return their number.

    `source` names where they come from. Raises AccountsError if an id is below 1, or no movie comes at all.
    """
    count = 0
    with factory.begin() as database:
        # First, so that two loads at once come one after the other: this row's lock is held to the end.
        load = {"load_id": 1, "source": source, "movies": 0, "loaded_at": now()}
        statement = _insert(database)(CatalogueLoad).values(load)
        database.execute(statement.on_conflict_do_update(index_elements=[CatalogueLoad.load_id], set_=load))
        pending = (row for row in rows if row["movie_id"] < FIRST_OWN_ID)
        while batch := list(islice(pending, _BATCH)):
            lowest = min(row["movie_id"] for row in batch)
            if lowest < 1:
                raise AccountsError(f"{source} has the movie id {lowest}: correct the source.")
            _merge(database, batch)
            count += len(batch)
        if count == 0:
            raise AccountsError(f"{source} has no movies: load from another publication or export.")
        database.execute(update(CatalogueLoad).values(movies=count))
    return count


def _insert(database: DatabaseSession) -> Any:
    """Return the insert of the database's dialect, which knows what to do with a row that is there."""
    return postgresql_insert if database.get_bind().dialect.name == "postgresql" else sqlite_insert


def _merge(database: DatabaseSession, batch: list[Row]) -> None:
    statement = _insert(database)(Movie).values([{**row, "edited": False} for row in batch])
    fresh = {name: statement.excluded[name] for name in ("title", "release_year", "genres", "search_text")}
    database.execute(
        statement.on_conflict_do_update(index_elements=[Movie.movie_id], set_=fresh, where=Movie.edited.is_(False))
    )


def load_live(factory: Transactions, store: Path) -> str | None:
    """Load the live publication's movies unless they are loaded already; return its id if it was loaded now."""
    publication = live_publication(store)
    if publication is None:
        return None
    with factory() as database:
        if database.scalar(select(CatalogueLoad.source)) == publication:
            return None
    load_catalogue(factory, publication, rows_of_publication(store, publication))
    return publication


def follow_live(factory: Transactions, store: Path) -> None:
    """Keep the catalogue with the live publication, in a thread of this process that ends with it."""

    def follow() -> None:
        pause = threading.Event()
        while True:
            try:
                if publication := load_live(factory, store):
                    error_log.info("catalogue loaded", extra={"fields": {"publication": publication}})
            except (AccountsError, SQLAlchemyError, OSError) as error:
                error_log.error("catalogue not loaded", extra={"fields": {"reason": str(error)}})
            pause.wait(_WATCH_SECONDS)

    threading.Thread(target=follow, name="catalogue", daemon=True).start()

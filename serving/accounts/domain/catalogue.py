"""The catalogue of movies, filled from the live publication or Hive's export.

Loading adds new movies and changes those that have changed. It leaves movies alone that an administrator has edited,
added or withdrawn. It keeps movies that are no longer in the source, since ratings refer to them. Movies that were added
here are exported and come back with the next publication. Loading skips them, since the row here is newer.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

from sqlalchemy import case, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session as DatabaseSession

from serving.accounts.database.changes import now
from serving.accounts.database.engine import Transactions
from serving.accounts.database.errors import AccountsError
from serving.accounts.database.models import FIRST_OWN_ID, CatalogueLoad, Movie
from serving.accounts.domain.own_data.keys import refuse_taken, with_keys
from serving.publications.building.export_files import read_export
from serving.publications.format import PublicationError
from serving.publications.lineage import dataset_of
from serving.publications.reading.catalogue import movie_rows
from serving.publications.store import PublicationStore
from serving.publications.verification import read_manifest
from serving.web.logs import error_log

_BATCH: Final = 1000
_WATCH_SECONDS: Final = 20

Row = dict[str, Any]


def movie_row(
    movie_id: int, title: str, release_year: int | None, genres: str, popularity: int = 0, own_id: str | None = None
) -> Row:
    """Return the columns that the catalogue gives.

    An export does not know how popular a movie is. Movies of MovieLens have no own id.
    """
    return {
        "movie_id": movie_id,
        "title": title,
        "release_year": release_year,
        "genres": genres,
        "popularity": popularity,
        "own_id": own_id,
    }


def rows_of_export(folder: Path) -> Iterator[Row]:
    """Yield the movies of a folder of tab-separated files.

    The columns are movie_id, title, release_year and genres. Raises AccountsError for a file of another form.
    """
    try:
        for place, (movie_id, title, year, genres) in read_export(folder, 4):
            try:
                yield movie_row(int(movie_id or ""), title or "", int(year) if year else None, genres or "")
            except ValueError:
                raise AccountsError(
                    f"{place} has an id or a year that is not a whole number. Export the table again."
                ) from None
    except PublicationError as error:
        raise AccountsError(str(error)) from None


def live_publication(store: Path) -> str | None:
    """Return the id of the publication that a store serves, or None."""
    return PublicationStore(store).live()


def rows_of_publication(store: Path, publication: str) -> Iterator[Row]:
    """Yield the movies of a publication of a store.

    Raises AccountsError if it can't be read.
    """
    try:
        for row in movie_rows(PublicationStore(store).path(publication)):
            yield movie_row(*row)
    except PublicationError as error:
        raise AccountsError(str(error)) from None


def dataset_of_publication(store: Path, publication: str) -> str | None:
    """Return the name of the own data that a publication has, or None for MovieLens.

    Raises AccountsError if it can't be read, or if its lineage does not name own data.
    """
    folder = PublicationStore(store).path(publication)
    try:
        manifest = read_manifest(folder, publication)
    except PublicationError as error:
        raise AccountsError(str(error)) from None
    if "ids" not in manifest.rows:
        return None
    if name := dataset_of(manifest.lineage):
        return name
    raise AccountsError(f"Publication {publication} has ids of own data, and its lineage names no data set. Run again.")


def load_catalogue(factory: Transactions, source: str, rows: Iterable[Row], dataset: str | None = None) -> int:
    """Load all movies but those that were added here, and return their number.

    All are loaded in one transaction; `source` names where they come from, and `dataset` the own data that they are of. Raises
    AccountsError if an id is below 1, if there are no movies, or if MovieLens has the key of a movie of own data.
    """
    count = 0
    with factory.begin() as database:
        # Write this row first and hold its lock to the end, so that two loads at once come one after the other.
        load = {"load_id": 1, "source": source, "movies": 0, "dataset": dataset, "loaded_at": now()}
        statement = _insert(database)(CatalogueLoad).values(load)
        database.execute(statement.on_conflict_do_update(index_elements=[CatalogueLoad.load_id], set_=load))
        pending = (row for row in rows if row["movie_id"] < FIRST_OWN_ID)
        while batch := list(islice(pending, _BATCH)):
            lowest = min(row["movie_id"] for row in batch)
            if lowest < 1:
                raise AccountsError(f"{source} has the movie id {lowest}. Correct the source.")
            if dataset is None:
                refuse_taken(database, source, batch)
            else:
                batch = with_keys(database, dataset, batch)
            _merge(database, batch)
            count += len(batch)
        if count == 0:
            raise AccountsError(f"{source} has no movies. Load from another publication or export.")
        database.execute(update(CatalogueLoad).values(movies=count))
    return count


def _insert(database: DatabaseSession) -> Any:
    """Return the insert of the database's dialect, which can update an existing row."""
    return postgresql_insert if database.get_bind().dialect.name == "postgresql" else sqlite_insert


def _merge(database: DatabaseSession, batch: list[Row]) -> None:
    statement = _insert(database)(Movie).values([{"dataset": None, **row, "edited": False} for row in batch])
    fresh = {name: statement.excluded[name] for name in ("title", "release_year", "genres", "popularity")}
    whose = {name: statement.excluded[name] for name in ("dataset", "own_id")}
    unchanged = Movie.edited.is_(False)
    kept = {name: case((unchanged, value), else_=getattr(Movie, name)) for name, value in fresh.items()}
    database.execute(statement.on_conflict_do_update(index_elements=[Movie.movie_id], set_={**kept, **whose}))


def load_live(factory: Transactions, store: Path) -> str | None:
    """Load the live publication's movies unless they are loaded already.

    Return the publication's id if this call loaded it, else None.
    """
    publication = live_publication(store)
    if publication is None:
        return None
    with factory() as database:
        if database.scalar(select(CatalogueLoad.source)) == publication:
            return None
    rows, dataset = rows_of_publication(store, publication), dataset_of_publication(store, publication)
    load_catalogue(factory, publication, rows, dataset)
    return publication


def follow_live(factory: Transactions, store: Path) -> None:
    """Follow the live publication in a thread, which ends with this process."""

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

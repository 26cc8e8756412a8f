"""The index of the catalogue's titles, which each process keeps until the catalogue changes."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakKeyDictionary

from sqlalchemy import select
from sqlalchemy.orm import Session as DatabaseSession

from serving.accounts.database.models import CatalogueLoad, ChangeClock, Movie
from serving.accounts.domain.own_data.ids import of_live
from serving.publications.search.index import SearchIndex, Title

_COLUMNS: Final = (Movie.movie_id, Movie.title, Movie.release_year, Movie.popularity)

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class _Kept:
    """An index and what it was made from.

    That is the last load, and the rows that administrators wrote. `clock` is the latest change that is known to have left
    them as they were.
    """

    index: SearchIndex
    load: Rows
    edited: Rows
    clock: int | None


_kept: WeakKeyDictionary[Any, _Kept] = WeakKeyDictionary()
_making = threading.Lock()


def search_index(database: DatabaseSession) -> SearchIndex:
    """Return the index of the live data set's titles, withdrawn movies among them."""
    # Read first what the rows below may be newer than, never older.
    load = _rows(database, CatalogueLoad.source, CatalogueLoad.loaded_at, CatalogueLoad.movies, CatalogueLoad.dataset)
    clock = database.scalar(select(ChangeClock.value))
    kept = _kept.get(database.get_bind())
    if kept is not None and (kept.load, kept.clock) == (load, clock):
        return kept.index
    # Ratings move the clock too: only edited rows tell whether titles changed.
    edited = _rows(database, *_COLUMNS, where=Movie.edited)
    with _making:
        kept = _kept.get(database.get_bind())
        if kept is None or (kept.load, kept.edited) != (load, edited):
            index = SearchIndex(Title(*row) for row in _rows(database, *_COLUMNS, where=of_live(database)))
        else:
            index = kept.index
        _kept[database.get_bind()] = _Kept(index, load, edited, clock)
    return index


def _rows(database: DatabaseSession, *columns: Any, where: Any = True) -> Rows:
    return [tuple(row) for row in database.execute(select(*columns).where(where).order_by(columns[0]))]

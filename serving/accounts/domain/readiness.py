"""Whether the database can serve requests."""

from __future__ import annotations

from sqlalchemy import func, select

from serving.accounts.database.engine import Transactions, is_current
from serving.accounts.database.models import CatalogueLoad, Movie
from serving.accounts.domain import problems
from serving.accounts.domain.own_data.ids import live_dataset, of_live
from serving.accounts.domain.schemas.operation import Ready
from serving.web.problems import ProblemError


def readiness(factory: Transactions) -> Ready:
    """Return where the catalogue comes from, and its size.

    Raises the problem unavailable for tables of another version.
    """
    with factory() as database:
        if not is_current(database.get_bind()):  # type: ignore[arg-type]
            raise ProblemError(problems.UNAVAILABLE, "The tables are of another version: migrate the database.")
        source = database.scalar(select(CatalogueLoad.source))
        shown = (Movie.withdrawn_at.is_(None), of_live(database))
        movies = database.scalar(select(func.count()).select_from(Movie).where(*shown))
        dataset = live_dataset(database)
    own_data = {} if dataset is None else {"dataset": dataset}
    return Ready(status="ready", catalogue=source, movies=movies or 0, **own_data)

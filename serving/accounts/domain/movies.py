"""Finding and changing the movies of the catalogue."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session as DatabaseSession

from serving.accounts.database.changes import next_change
from serving.accounts.database.engine import Transactions
from serving.accounts.database.models import FIRST_OWN_ID, Movie
from serving.accounts.domain import problems
from serving.accounts.domain.catalogue import movie_row
from serving.accounts.domain.schemas import movies as schemas
from serving.publications.format import MAX_ID
from serving.publications.titles import fold
from serving.web.problems import ProblemError


def shown_movie(database: DatabaseSession, movie_id: int) -> Movie:
    """Return a movie that is not withdrawn. Raises the problem not-found."""
    movie = database.get(Movie, movie_id)
    if movie is None or movie.withdrawn_at is not None:
        raise ProblemError(problems.NOT_FOUND, f"There is no movie {movie_id}.")
    return movie


def as_movie(movie: Movie) -> schemas.Movie:
    """Return a movie as answers show it."""
    return schemas.Movie(
        movie_id=movie.movie_id,
        title=movie.title,
        release_year=movie.release_year,
        genres=movie.genres.split("|") if movie.genres else [],
    )


def find_movies(database: DatabaseSession, text: str, after: int, limit: int) -> list[Movie]:
    """Return the movies whose titles have all words of a text.

    They come by id, from above `after`, up to `limit` of them.
    """
    query = select(Movie).where(Movie.withdrawn_at.is_(None), Movie.movie_id > min(after, MAX_ID))
    for word in fold(text).split():
        query = query.where(Movie.search_text.contains(word, autoescape=True))
    return list(database.scalars(query.order_by(Movie.movie_id).limit(limit)))


def without_withdrawn(database: DatabaseSession, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return those of a list's items whose movies are not withdrawn here."""
    listed = [item["movie_id"] for item in items]
    withdrawn = select(Movie.movie_id).where(Movie.movie_id.in_(listed), Movie.withdrawn_at.is_not(None))
    gone = set(database.scalars(withdrawn))
    return [item for item in items if item["movie_id"] not in gone]


def add_movie(factory: Transactions, body: schemas.MovieBody) -> schemas.Movie:
    """Add a movie that the catalogue lacks, and return it.

    Its id is above those of MovieLens.
    """
    with factory.begin() as database:
        # Holds the clock's lock, so that two additions at once get different ids.
        added_at = next_change(database).moment
        highest = database.scalar(select(func.max(Movie.movie_id)).where(Movie.movie_id >= FIRST_OWN_ID))
        movie = Movie(movie_id=(highest or FIRST_OWN_ID - 1) + 1, created_at=added_at)
        _write(movie, body)
        database.add(movie)
        return as_movie(movie)


def change_movie(factory: Transactions, movie_id: int, body: schemas.MovieBody) -> schemas.Movie:
    """Change a movie and return it. Raises the problem not-found."""
    with factory.begin() as database:
        next_change(database)
        movie = shown_movie(database, movie_id)
        _write(movie, body)
        return as_movie(movie)


def withdraw_movie(factory: Transactions, movie_id: int) -> None:
    """Withdraw a movie. Raises the problem not-found."""
    with factory.begin() as database:
        withdrawn_at = next_change(database).moment
        shown_movie(database, movie_id).withdrawn_at = withdrawn_at


def _write(movie: Movie, body: schemas.MovieBody) -> None:
    """Write an administrator's fields.

    Loading the catalogue leaves the row alone from then on.
    """
    genres = "|".join(dict.fromkeys(body.genres))
    for name, value in movie_row(movie.movie_id, body.title, body.release_year, genres).items():
        setattr(movie, name, value)
    movie.edited = True

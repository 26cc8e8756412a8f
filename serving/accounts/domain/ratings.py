"""A user's ratings, and everybody's ratings by change."""

from __future__ import annotations

from sqlalchemy import Select, select
from sqlalchemy.orm import Session as DatabaseSession

from serving.accounts.database.changes import next_change
from serving.accounts.database.engine import Transactions
from serving.accounts.database.models import ChangeClock, Movie, Rating, User
from serving.accounts.domain import problems
from serving.accounts.domain.movies import shown_movie
from serving.accounts.domain.schemas import ratings as schemas
from serving.publications.times import format_time
from serving.web.problems import ProblemError


def _ratings_of(user_id: int) -> Select[Rating, str]:
    own = select(Rating, Movie.title).join(Movie, Movie.movie_id == Rating.movie_id)
    return own.where(Rating.user_id == user_id).order_by(Rating.change.desc())


def _as_own(rating: Rating, title: str) -> schemas.OwnRating:
    return schemas.OwnRating(
        movie_id=rating.movie_id,
        title=title,
        rating=rating.half_stars / 2,
        rated_at=format_time(rating.rated_at) or "",
        change=rating.change,
    )


def all_ratings(database: DatabaseSession, user_id: int) -> list[schemas.OwnRating]:
    """Return a user's ratings, the latest first."""
    return [_as_own(rating, title) for rating, title in database.execute(_ratings_of(user_id))]


def ratings_before(database: DatabaseSession, user_id: int, before: int, limit: int) -> list[schemas.OwnRating]:
    """Return up to `limit` of a user's ratings, the latest first.

    Their changes are below `before`; 0 means any.
    """
    query = _ratings_of(user_id)
    if before:
        query = query.where(Rating.change < before)
    return [_as_own(rating, title) for rating, title in database.execute(query.limit(limit))]


def rating_of(database: DatabaseSession, user_id: int, movie_id: int) -> schemas.OwnRating:
    """Return a user's rating of a movie. Raises the problem not-found."""
    row = database.execute(_ratings_of(user_id).where(Rating.movie_id == movie_id)).one_or_none()
    if row is None:
        raise ProblemError(problems.NOT_FOUND, f"There is no rating of movie {movie_id}.")
    return _as_own(*row)


def changed_ratings(database: DatabaseSession, after: int, limit: int) -> tuple[list[schemas.ChangedRating], int]:
    """Return up to `limit` ratings with changes above `after`, and the latest change.

    The ratings come in the order of their changes, and end at the latest one.
    """
    # Read the clock first: all changes up to it have committed. A change that commits before the ratings are read
    # has a higher number. It is left for the next request, also where it replaces a rating of this page.
    latest = database.scalars(select(ChangeClock.value)).one()
    query = select(Rating).where(Rating.change > after, Rating.change <= latest)
    ratings = [
        schemas.ChangedRating(
            user_id=rating.user_id,
            movie_id=rating.movie_id,
            rating=rating.half_stars / 2,
            rated_at=format_time(rating.rated_at) or "",
            change=rating.change,
        )
        for rating in database.scalars(query.order_by(Rating.change).limit(limit))
    ]
    return ratings, latest


def rate(factory: Transactions, user_id: int, movie_id: int, half_stars: int) -> tuple[schemas.OwnRating, bool]:
    """Set a user's rating of a movie; return it, and whether it is the first one.

    The same rating again changes nothing. Raises the problem not-found for a movie that is not in the catalogue.
    """
    with factory.begin() as database:
        rating = database.get(Rating, (user_id, movie_id))
        if rating is not None and rating.half_stars == half_stars:
            return _as_own(rating, database.get_one(Movie, movie_id).title), False
    with factory.begin() as database:
        change = next_change(database)
        movie = shown_movie(database, movie_id)
        if database.get(User, user_id) is None:
            raise ProblemError(problems.NOT_FOUND, f"There is no account {user_id}.")
        rating = database.get(Rating, (user_id, movie_id))
        if rating is not None and rating.half_stars == half_stars:
            # The same request came twice at once, and the other was first: the clock goes back too.
            same = _as_own(rating, movie.title)
            database.rollback()
            return same, False
        first = rating is None
        if rating is None:
            rating = Rating(user_id=user_id, movie_id=movie_id)
            database.add(rating)
        rating.half_stars, rating.rated_at, rating.change = half_stars, change.moment, change.number
        return _as_own(rating, movie.title), first


def unrate(factory: Transactions, user_id: int, movie_id: int) -> str:
    """Delete a rating and return the movie's title.

    Raises the problem not-found where the user has not rated the movie.
    """
    with factory.begin() as database:
        next_change(database)
        rating = database.get(Rating, (user_id, movie_id))
        if rating is None:
            raise ProblemError(problems.NOT_FOUND, f"There is no rating of movie {movie_id}.")
        database.delete(rating)
        return database.get_one(Movie, movie_id).title

"""A user's ratings, and everybody's ratings by change."""

from __future__ import annotations

from sqlalchemy import Select, select
from sqlalchemy.orm import Session as DatabaseSession

from serving.accounts.database.changes import next_change
from serving.accounts.database.engine import Transactions
from serving.accounts.database.models import ChangeClock, Movie, Rating, User
from serving.accounts.domain import problems
from serving.accounts.domain.movies import shown_movie
from serving.accounts.domain.own_data.ids import movie_named, of_live, shown_ids
from serving.accounts.domain.schemas import ratings as schemas
from serving.publications.times import format_time
from serving.web.problems import ProblemError


def _ratings_of(user_id: int) -> Select[Rating, Movie]:
    own = select(Rating, Movie).join(Movie, Movie.movie_id == Rating.movie_id)
    return own.where(Rating.user_id == user_id).order_by(Rating.change.desc())


def _as_own(rating: Rating, movie: Movie) -> schemas.OwnRating:
    return schemas.OwnRating(
        **shown_ids(movie),
        title=movie.title,
        rating=rating.half_stars / 2,
        rated_at=format_time(rating.rated_at) or "",
        change=rating.change,
    )


def all_ratings(database: DatabaseSession, user_id: int) -> list[schemas.OwnRating]:
    """Return a user's ratings of all data sets, the latest first."""
    return [_as_own(rating, movie) for rating, movie in database.execute(_ratings_of(user_id))]


def live_ratings(database: DatabaseSession, user_id: int) -> list[schemas.OwnRating]:
    """Return a user's ratings of the live data set's movies, the latest first."""
    query = _ratings_of(user_id).where(of_live(database))
    return [_as_own(rating, movie) for rating, movie in database.execute(query)]


def ratings_before(database: DatabaseSession, user_id: int, before: int, limit: int) -> list[schemas.OwnRating]:
    """Return up to `limit` of a user's ratings, the latest first.

    They are of the live data set's movies. Their changes are below `before`; 0 means any.
    """
    query = _ratings_of(user_id).where(of_live(database))
    if before:
        query = query.where(Rating.change < before)
    return [_as_own(rating, movie) for rating, movie in database.execute(query.limit(limit))]


def rating_of(database: DatabaseSession, user_id: int, shown: int | str) -> schemas.OwnRating:
    """Return a user's rating of a movie. Raises the problem not-found."""
    movie = movie_named(database, shown)
    rating = None if movie is None else database.get(Rating, (user_id, movie.movie_id))
    if movie is None or rating is None:
        raise _no_rating(shown)
    return _as_own(rating, movie)


def _no_rating(shown: int | str) -> ProblemError:
    return ProblemError(problems.NOT_FOUND, f"There is no rating of movie {str(shown)[:40]}.")


def changed_ratings(database: DatabaseSession, after: int, limit: int) -> tuple[list[schemas.ChangedRating], int]:
    """Return up to `limit` ratings with changes above `after`, and the latest change.

    The ratings come in the order of their changes, and end at the latest one.
    """
    # Read the clock first: all changes up to it have committed. A change that commits before the ratings are read
    # has a higher number. It is left for the next request, also where it replaces a rating of this page.
    latest = database.scalars(select(ChangeClock.value)).one()
    query = select(Rating, Movie).join(Movie, Movie.movie_id == Rating.movie_id)
    query = query.where(Rating.change > after, Rating.change <= latest)
    ratings = [
        schemas.ChangedRating(
            user_id=rating.user_id,
            **shown_ids(movie),
            rating=rating.half_stars / 2,
            rated_at=format_time(rating.rated_at) or "",
            change=rating.change,
        )
        for rating, movie in database.execute(query.order_by(Rating.change).limit(limit))
    ]
    return ratings, latest


def rate(factory: Transactions, user_id: int, shown: int | str, half_stars: int) -> tuple[schemas.OwnRating, bool]:
    """Set a user's rating of a movie; return it, and whether it is the first one.

    The same rating again changes nothing. Raises the problem not-found for a movie that is not in the catalogue.
    """
    with factory.begin() as database:
        found = movie_named(database, shown)
        rating = None if found is None else database.get(Rating, (user_id, found.movie_id))
        if found is not None and rating is not None and rating.half_stars == half_stars:
            return _as_own(rating, found), False
    with factory.begin() as database:
        change = next_change(database)
        movie = shown_movie(database, shown)
        if database.get(User, user_id) is None:
            raise ProblemError(problems.NOT_FOUND, f"There is no account {user_id}.")
        rating = database.get(Rating, (user_id, movie.movie_id))
        if rating is not None and rating.half_stars == half_stars:
            # The same request came twice at once, and the other was first: the clock goes back too.
            same = _as_own(rating, movie)
            database.rollback()
            return same, False
        first = rating is None
        if rating is None:
            rating = Rating(user_id=user_id, movie_id=movie.movie_id)
            database.add(rating)
        rating.half_stars, rating.rated_at, rating.change = half_stars, change.moment, change.number
        return _as_own(rating, movie), first


def unrate(factory: Transactions, user_id: int, shown: int | str) -> str:
    """Delete a rating and return the movie's title.

    Raises the problem not-found where the user has not rated the movie.
    """
    with factory.begin() as database:
        next_change(database)
        movie = movie_named(database, shown)
        rating = None if movie is None else database.get(Rating, (user_id, movie.movie_id))
        if movie is None or rating is None:
            raise _no_rating(shown)
        database.delete(rating)
        return movie.title

"""A user's ratings, and all ratings by change for programs that take them on."""

from __future__ import annotations

from flask import Response
from sqlalchemy import Select, select
from sqlalchemy.orm import Session as DatabaseSession

from serving.accounts import problems, schemas
from serving.accounts.database import Transactions, next_change
from serving.accounts.endpoints import ADMIN_OR_RATINGS, OWNER, Api, answered
from serving.accounts.models import ChangeClock, Movie, Rating, User
from serving.accounts.movie_routes import shown_movie
from serving.accounts.pagination import next_address
from serving.publications.times import format_time
from serving.web.problems import ProblemError

_OWN_RATING = "/accounts/v1/users/<id:user>/ratings/<id:movie>"


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


def rate(factory: Transactions, user_id: int, movie_id: int, half_stars: int) -> tuple[schemas.OwnRating, bool]:
    """Set a user's rating of a movie; return it, and whether it is the first one. The same again changes nothing.

    Raises the problem not-found for a movie that is not in the catalogue.
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
        first = rating is None
        if rating is None:
            rating = Rating(user_id=user_id, movie_id=movie_id)
            database.add(rating)
        rating.half_stars, rating.rated_at, rating.change = half_stars, change.moment, change.number
        return _as_own(rating, movie.title), first


def unrate(factory: Transactions, user_id: int, movie_id: int) -> str:
    """Take a rating back; return the movie's title. Raises the problem not-found where there is none."""
    with factory.begin() as database:
        next_change(database)
        rating = database.get(Rating, (user_id, movie_id))
        if rating is None:
            raise ProblemError(problems.NOT_FOUND, f"There is no rating of movie {movie_id}.")
        database.delete(rating)
        return database.get_one(Movie, movie_id).title


def rating_routes(api: Api) -> None:
    """Declare the endpoints."""
    factory = api.service.transactions

    @api.endpoint(
        "GET",
        "/accounts/v1/users/<id:user>/ratings",
        OWNER,
        "One's own ratings, the latest first.",
        tag="ratings",
        query=schemas.Page,
        answer=schemas.OwnRatings,
    )
    def own_ratings(user: int, *, query: schemas.Page) -> schemas.OwnRatings:
        found = _ratings_of(user)
        if query.after:
            found = found.where(Rating.change < query.after)
        with factory() as database:
            rows = database.execute(found.limit(query.limit + 1)).all()
        shown = [_as_own(rating, title) for rating, title in rows[: query.limit]]
        following = next_address(query, shown[-1].change) if len(rows) > query.limit else None
        return schemas.OwnRatings(items=shown, next=following)

    @api.endpoint("GET", _OWN_RATING, OWNER, "One's own rating of a movie.", tag="ratings", answer=schemas.OwnRating)
    def own_rating(user: int, movie: int) -> schemas.OwnRating:
        with factory() as database:
            row = database.execute(_ratings_of(user).where(Rating.movie_id == movie)).one_or_none()
        if row is None:
            raise ProblemError(problems.NOT_FOUND, f"There is no rating of movie {movie}.")
        return _as_own(*row)

    @api.endpoint(
        "PUT",
        _OWN_RATING,
        OWNER,
        "Rate a movie, or rate it anew.",
        tag="ratings",
        body=schemas.RatingBody,
        answer=schemas.OwnRating,
    )
    def rate_movie(user: int, movie: int, *, body: schemas.RatingBody) -> Response:
        rating, first = rate(factory, user, movie, int(body.rating * 2))
        return answered(rating, 201 if first else 200)

    @api.endpoint("DELETE", _OWN_RATING, OWNER, "Take a rating back.", tag="ratings", status=204)
    def remove_rating(user: int, movie: int) -> None:
        unrate(factory, user, movie)

    @api.endpoint(
        "GET",
        "/accounts/v1/ratings",
        ADMIN_OR_RATINGS,
        "Everybody's ratings in the order of their changes, for programs that take them on. A rating that was taken back, or "
        "went with its account, is missing and nothing tells of it: read anew from the start to learn which are left.",
        tag="administration",
        query=schemas.Page,
        answer=schemas.ChangedRatings,
    )
    def changed_ratings(*, query: schemas.Page) -> schemas.ChangedRatings:
        with factory() as database:
            # Read first: all changes up to it have committed. What commits before the page is read has a higher number and is
            # left for the next request, also where it replaces a rating that would have been in this page.
            watermark = database.scalars(select(ChangeClock.value)).one()
            found = select(Rating).where(Rating.change > query.after, Rating.change <= watermark)
            rows = list(database.scalars(found.order_by(Rating.change).limit(query.limit + 1)))
        shown = rows[: query.limit]
        more = len(rows) > query.limit
        items = [
            schemas.ChangedRating(
                user_id=rating.user_id,
                movie_id=rating.movie_id,
                rating=rating.half_stars / 2,
                rated_at=format_time(rating.rated_at) or "",
                change=rating.change,
            )
            for rating in shown
        ]
        following = next_address(query, shown[-1].change) if more else None
        return schemas.ChangedRatings(items=items, watermark=shown[-1].change if more else watermark, next=following)

"""The catalogue: everybody reads it, administrators and catalogue clients change it."""

from __future__ import annotations

from typing import Any

from flask import Response
from sqlalchemy import func, select
from sqlalchemy.orm import Session as DatabaseSession

from serving.accounts import problems, schemas
from serving.accounts.catalogue import movie_row
from serving.accounts.database import next_change
from serving.accounts.endpoints import ADMIN_OR_MOVIES, EVERYBODY, Api, answered
from serving.accounts.models import FIRST_OWN_ID, Movie
from serving.accounts.pagination import next_address
from serving.publications.format import MAX_ID
from serving.publications.titles import fold
from serving.web.problems import ProblemError

_MOVIE = "/accounts/v1/movies/<id:movie>"


def shown_movie(database: DatabaseSession, movie_id: int) -> Movie:
    """Return a movie that is not withdrawn, or raise the problem not-found."""
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
    """Return movies by id, above `after`, whose titles have all the words."""
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


def _write(movie: Movie, body: schemas.MovieBody) -> None:
    genres = "|".join(dict.fromkeys(body.genres))
    for name, value in movie_row(movie.movie_id, body.title, body.release_year, genres).items():
        setattr(movie, name, value)
    movie.edited = True


def movie_routes(api: Api) -> None:
    """Declare the endpoints."""
    factory = api.service.transactions

    @api.endpoint(
        "GET",
        "/accounts/v1/movies",
        EVERYBODY,
        "The catalogue by movie id, or the movies whose titles have the words.",
        tag="movies",
        query=schemas.MovieSearch,
        answer=schemas.Movies,
    )
    def movies(*, query: schemas.MovieSearch) -> schemas.Movies:
        with factory() as database:
            found = find_movies(database, query.q, query.after, query.limit + 1)
        shown = found[: query.limit]
        following = next_address(query, shown[-1].movie_id) if len(found) > query.limit else None
        return schemas.Movies(items=[as_movie(movie) for movie in shown], next=following)

    @api.endpoint("GET", _MOVIE, EVERYBODY, "A movie.", tag="movies", answer=schemas.Movie)
    def movie_by_id(movie: int) -> schemas.Movie:
        with factory() as database:
            return as_movie(shown_movie(database, movie))

    @api.endpoint(
        "POST",
        "/accounts/v1/movies",
        ADMIN_OR_MOVIES,
        "Add a movie that the catalogue lacks; it gets an id above MovieLens's.",
        tag="movies",
        body=schemas.MovieBody,
        answer=schemas.Movie,
        status=201,
    )
    def add_movie(*, body: schemas.MovieBody) -> Response:
        with factory.begin() as database:
            # Holds the clock's lock, so that two at once get different ids.
            added_at = next_change(database).moment
            highest = database.scalar(select(func.max(Movie.movie_id)).where(Movie.movie_id >= FIRST_OWN_ID))
            movie = Movie(movie_id=(highest or FIRST_OWN_ID - 1) + 1, created_at=added_at)
            _write(movie, body)
            database.add(movie)
            response = answered(as_movie(movie), 201)
        response.headers["Location"] = f"/accounts/v1/movies/{movie.movie_id}"
        return response

    @api.endpoint(
        "PUT",
        _MOVIE,
        ADMIN_OR_MOVIES,
        "Change a movie; loading the catalogue leaves it alone from then on.",
        tag="movies",
        body=schemas.MovieBody,
        answer=schemas.Movie,
    )
    def change_movie(movie: int, *, body: schemas.MovieBody) -> schemas.Movie:
        with factory.begin() as database:
            next_change(database)
            found = shown_movie(database, movie)
            _write(found, body)
            return as_movie(found)

    @api.endpoint(
        "DELETE",
        _MOVIE,
        ADMIN_OR_MOVIES,
        "Withdraw a movie: it is neither found, recommended nor rated here any more. Its ratings are kept. One that was added "
        "here leaves the next export with its ratings; one of MovieLens stays in the data set and so in published lists.",
        tag="movies",
        status=204,
    )
    def withdraw_movie(movie: int) -> None:
        with factory.begin() as database:
            withdrawn_at = next_change(database).moment
            shown_movie(database, movie).withdrawn_at = withdrawn_at

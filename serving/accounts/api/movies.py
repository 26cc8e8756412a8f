"""The catalogue, which administrators and catalogue clients change."""

from __future__ import annotations

from urllib.parse import quote

from flask import Response

from serving.accounts.api.conventions import AccountOperations, principal
from serving.accounts.api.pagination import next_address
from serving.accounts.api.retry_keys import request_key
from serving.accounts.domain import movies as domain
from serving.accounts.domain.access import ADMIN_OR_MOVIES, EVERYBODY
from serving.accounts.domain.schemas import movies as schemas
from serving.web.operations import Operation
from serving.web.replies import answered

_MOVIE = "/accounts/v1/movies/<movie:movie>"


def movie_routes(api: AccountOperations) -> None:
    """Declare the endpoints of movies."""
    _reading(api)
    _writing(api)


def _reading(api: AccountOperations) -> None:
    factory = api.service.transactions

    @api.add(
        Operation(
            "GET",
            "/accounts/v1/movies",
            "The catalogue by movie id, or the movies whose titles have the words.",
            "movies",
            access=EVERYBODY,
            query=schemas.MovieSearch,
            answer=schemas.Movies,
        )
    )
    def movies(*, query: schemas.MovieSearch) -> schemas.Movies:
        with factory() as database:
            found = domain.find_movies(database, query.q, query.after, query.limit + 1)
        shown = found[: query.limit]
        following = next_address(query, shown[-1].movie_id) if len(found) > query.limit else None
        return schemas.Movies(items=[domain.as_movie(movie) for movie in shown], next=following)

    @api.add(Operation("GET", _MOVIE, "A movie.", "movies", access=EVERYBODY, answer=schemas.Movie))
    def movie_by_id(movie: str) -> schemas.Movie:
        with factory() as database:
            return domain.as_movie(domain.shown_movie(database, movie))


def _writing(api: AccountOperations) -> None:
    factory = api.service.transactions

    @api.add(
        Operation(
            "POST",
            "/accounts/v1/movies",
            "Add a movie that the catalogue lacks; it gets an id above MovieLens's.",
            "movies",
            access=ADMIN_OR_MOVIES,
            body=schemas.MovieBody,
            answer=schemas.Movie,
            status=201,
            retry_key=True,
        )
    )
    def add_movie(*, body: schemas.MovieBody) -> Response:
        key = request_key(api.service.tokens, principal(), body, set())
        movie = domain.add_movie(factory, body, key)
        response = answered(movie, 201)
        response.headers["Location"] = f"/accounts/v1/movies/{quote(str(movie.movie_id), safe='')}"
        return response

    @api.add(
        Operation(
            "PUT",
            _MOVIE,
            "Change a movie; loading the catalogue leaves it alone from then on.",
            "movies",
            access=ADMIN_OR_MOVIES,
            body=schemas.MovieBody,
            answer=schemas.Movie,
        )
    )
    def change_movie(movie: str, *, body: schemas.MovieBody) -> schemas.Movie:
        return domain.change_movie(factory, movie, body)

    @api.add(
        Operation(
            "DELETE",
            _MOVIE,
            "Withdraw a movie: it is neither found, recommended nor rated here any more. Its ratings are kept. One that was added "
            "here leaves the next export with its ratings; one of MovieLens stays in the data set and so in published lists.",
            "movies",
            access=ADMIN_OR_MOVIES,
            status=204,
        )
    )
    def withdraw_movie(movie: str) -> None:
        domain.withdraw_movie(factory, movie)

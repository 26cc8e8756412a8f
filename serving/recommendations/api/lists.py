"""Lists by user, movie and popularity, and the catalogue they name movies of."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from flask import Flask, Response, request

from serving.publications.live import LivePublication
from serving.publications.reader import Movie, Publication, compact_json
from serving.publications.titles import fold
from serving.recommendations.answers.chosen import chosen
from serving.recommendations.answers.lists import (
    Page,
    list_text,
    page_text,
    personal_text,
    provenance,
    render_compared,
    render_popular,
)
from serving.recommendations.answers.parameters import MovieFilter, Parameters, identifier
from serving.recommendations.answers.responses import json_answer
from serving.web import problems
from serving.web.observability import LISTS
from serving.web.problems import ProblemError

LIST_PARAMETERS = frozenset({"limit", "cursor", "genre", "year_from", "year_to", "exclude", "as_of"})


def asked_page(parameters: Parameters, position: int) -> Page:
    """Return the page of a list that the request asks for."""
    kept = tuple((name, value) for name, value in request.args.items() if name not in ("cursor", "as_of"))
    return Page(request.path, parameters.limit, position, parameters.movie_filter(), kept)


def known_movie(publication: Publication, movie_id: int) -> Movie:
    """Return a movie of the catalogue. Raises a problem for one that it does not have."""
    movie = publication.movies.get(movie_id)
    if movie is None:
        raise ProblemError(
            problems.UNKNOWN_MOVIE,
            f"There is no movie {movie_id}.",
            {"publication": publication.publication_id, "search": "/v1/movies?q="},
        )
    return movie


def _unknown_user(publication: Publication, user_id: int) -> ProblemError:
    return ProblemError(
        problems.UNKNOWN_USER,
        f"There is no list for user {user_id}: see the popular movies instead.",
        {**provenance(publication, "unknown-user"), "popular": "/v1/popular", "newcomers": "/v1/recommendations"},
    )


def list_routes(app: Flask, live: LivePublication) -> None:
    """Add the lists."""

    @app.get("/v1/users/<user>/recommendations")
    def user_recommendations(user: str) -> Response:
        user_id = identifier(user, "user")
        parameters = Parameters(request.args, LIST_PARAMETERS)
        publication, position = chosen(live, parameters)
        text = personal_text(publication, user_id, asked_page(parameters, position))
        if text is None:
            raise _unknown_user(publication, user_id)
        LISTS.labels("personalised").inc()
        return json_answer(text, publication)

    @app.get("/v1/users/<user>/recommendations/<movie>")
    def explanation(user: str, movie: str) -> Response:
        user_id, movie_id = identifier(user, "user"), identifier(movie, "movie")
        publication, _ = chosen(live, Parameters(request.args, frozenset({"as_of"})))
        entries = publication.recommendations(user_id)
        if entries is None:
            raise _unknown_user(publication, user_id)
        found = known_movie(publication, movie_id)
        ranks = {entry[0]: rank for rank, entry in enumerate(entries, 1)}
        if movie_id not in ranks:
            raise ProblemError(
                problems.NOT_RECOMMENDED,
                f"Movie {movie_id} is not among the {len(entries)} of user {user_id}: either rated already, or others "
                "score higher.",
                provenance(publication, "personalised"),
            )
        _, score, reasons = entries[ranks[movie_id] - 1]
        popularity = publication.prior(movie_id)
        cosines = {entry[0]: entry[1] for entry in publication.similar_movies(movie_id)}
        because = [
            {"movie_id": reason, "title": publication.movies[reason].title, "similarity": cosines.get(reason)}
            for reason in reasons
        ]
        answer = {
            "user_id": user_id,
            **provenance(publication, "personalised"),
            "rank": ranks[movie_id],
            "of": len(entries),
            "movie": found.as_dict(),
            "score": score,
            "personal": None if popularity is None else round(score - popularity, 6),
            "popularity": None if popularity is None else round(popularity, 6),
            "because": because,
        }
        return json_answer(answer, publication)

    @app.get("/v1/movies/<movie>")
    def movie_with_similar(movie: str) -> Response:
        movie_id = identifier(movie, "movie")
        parameters = Parameters(request.args, LIST_PARAMETERS)
        publication, position = chosen(live, parameters)
        head = {"movie": known_movie(publication, movie_id).as_dict()}
        page = asked_page(parameters, position)
        LISTS.labels("similar").inc()
        entries = publication.similar_movies(movie_id)
        return json_answer(list_text(publication, head, "similar", entries, page, render_compared), publication)

    @app.get("/v1/popular")
    def popular_movies() -> Response:
        parameters = Parameters(request.args, LIST_PARAMETERS | {"scope"})
        publication, position = chosen(live, parameters)
        scope = parameters.text("scope") or "all"
        entries = publication.popular_movies(scope)
        if entries is None:
            raise ProblemError(
                problems.UNKNOWN_SCOPE,
                f"There is no list of popular movies for {scope[:40]!r}.",
                {"scopes": publication.scopes},
            )
        page = asked_page(parameters, position)
        LISTS.labels("popular").inc()
        text = list_text(publication, {"scope": scope}, "popular", entries, page, render_popular)
        return json_answer(text, publication)

    @app.get("/v1/popular/scopes")
    def popular_scopes() -> Response:
        publication, _ = chosen(live, Parameters(request.args, frozenset({"as_of"})))
        return json_answer({"publication": publication.publication_id, "scopes": publication.scopes}, publication)


def found_movies(publication: Publication, text: str, wanted: MovieFilter, after: int = 0) -> Iterator[Movie]:
    """Yield the movies, by id, whose titles hold all the words of `text`, whatever their case and accents."""
    words = fold(text).split()
    for movie in publication.movies.values():
        if movie.movie_id > after and all(word in movie.search_text for word in words) and wanted.keeps(movie):
            yield movie


def catalogue_routes(app: Flask, live: LivePublication) -> None:
    """Add the catalogue's movies and the users."""

    @app.get("/v1/movies")
    def movies() -> Response:
        parameters = Parameters(request.args, LIST_PARAMETERS | {"q"})
        publication, after = chosen(live, parameters)
        page = asked_page(parameters, after)
        found = found_movies(publication, parameters.text("q") or "", page.wanted, after)
        shown = list(islice(found, page.limit + 1))
        end = shown[page.limit - 1].movie_id if len(shown) > page.limit else None
        items = [f"{{{movie.members}}}" for movie in shown[: page.limit]]
        head = provenance(publication, "catalogue")
        return json_answer(page_text(head, items, page.link(publication, end)), publication)

    @app.get("/v1/users")
    def users() -> Response:
        parameters = Parameters(request.args, frozenset({"limit", "cursor", "as_of"}))
        publication, after = chosen(live, parameters)
        page = asked_page(parameters, after)
        ids = publication.user_ids(after, page.limit + 1)
        end = ids[page.limit - 1] if len(ids) > page.limit else None
        head = {"publication": publication.publication_id}
        items = [compact_json(user_id) for user_id in ids[: page.limit]]
        return json_answer(page_text(head, items, page.link(publication, end)), publication)

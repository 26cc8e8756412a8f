"""Lists by user, movie and popularity."""

from __future__ import annotations

from flask import Flask, Response, request

from serving.publications.live import LivePublication
from serving.publications.reader import Publication
from serving.recommendations.answers import problems
from serving.recommendations.answers.chosen import chosen
from serving.recommendations.answers.lists import (
    asked_page,
    list_text,
    personal_text,
    provenance,
    render_compared,
    render_popular,
)
from serving.recommendations.answers.metrics import LISTS
from serving.recommendations.answers.parameters import LIST_PARAMETERS, Parameters, identifier
from serving.recommendations.answers.responses import json_answer
from serving.recommendations.answers.search import known_movie
from serving.web.problems import ProblemError


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
        asked = chosen(live, parameters)
        publication = asked.publication
        text = personal_text(publication, user_id, asked_page(request.path, parameters, asked.position))
        if text is None:
            raise _unknown_user(publication, user_id)
        LISTS.labels("personalised").inc()
        return json_answer(text, asked)

    @app.get("/v1/users/<user>/recommendations/<movie>")
    def explanation(user: str, movie: str) -> Response:
        user_id, movie_id = identifier(user, "user"), identifier(movie, "movie")
        asked = chosen(live, Parameters(request.args, frozenset({"as_of"})))
        publication = asked.publication
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
        return json_answer(answer, asked)

    @app.get("/v1/movies/<movie>")
    def movie_with_similar(movie: str) -> Response:
        movie_id = identifier(movie, "movie")
        parameters = Parameters(request.args, LIST_PARAMETERS)
        asked = chosen(live, parameters)
        publication = asked.publication
        head = {"movie": known_movie(publication, movie_id).as_dict()}
        page = asked_page(request.path, parameters, asked.position)
        LISTS.labels("similar").inc()
        entries = publication.similar_movies(movie_id)
        return json_answer(list_text(publication, head, "similar", entries, page, render_compared), asked)

    @app.get("/v1/popular")
    def popular_movies() -> Response:
        parameters = Parameters(request.args, LIST_PARAMETERS | {"scope"})
        asked = chosen(live, parameters)
        publication = asked.publication
        scope = parameters.text("scope") or "all"
        entries = publication.popular_movies(scope)
        if entries is None:
            raise ProblemError(
                problems.UNKNOWN_SCOPE,
                f"There is no list of popular movies for {scope[:40]!r}.",
                {"scopes": publication.scopes},
            )
        page = asked_page(request.path, parameters, asked.position)
        LISTS.labels("popular").inc()
        text = list_text(publication, {"scope": scope}, "popular", entries, page, render_popular)
        return json_answer(text, asked)

    @app.get("/v1/popular/scopes")
    def popular_scopes() -> Response:
        asked = chosen(live, Parameters(request.args, frozenset({"as_of"})))
        publication = asked.publication
        return json_answer({"publication": publication.publication_id, "scopes": publication.scopes}, asked)

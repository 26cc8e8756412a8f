"""The warehouse's marts as they were published: activity by year, the best of a genre, a movie's ratings, row accounting."""

from __future__ import annotations

from flask import Flask, Response, request

from serving.publications.live import LivePublication
from serving.recommendations.answers import problems
from serving.recommendations.answers.chosen import chosen
from serving.recommendations.answers.lists import asked_page, list_text, provenance, render_best_of_genre
from serving.recommendations.answers.parameters import LIST_PARAMETERS, Parameters, identifier
from serving.recommendations.answers.responses import json_answer
from serving.recommendations.answers.search import known_movie
from serving.web.problems import ProblemError

_AS_OF_ALONE = frozenset({"as_of"})


def _there(rows: list[dict[str, object]], table: str) -> list[dict[str, object]]:
    if not rows:
        raise ProblemError(problems.NOT_IN_PUBLICATION, f"This publication was built without {table}.")
    return rows


def mart_routes(app: Flask, live: LivePublication) -> None:
    """Add the marts."""

    @app.get("/v1/marts/ratings_by_year")
    def ratings_by_year() -> Response:
        asked = chosen(live, Parameters(request.args, _AS_OF_ALONE))
        publication = asked.publication
        rows = _there(publication.ratings_by_year(), "ratings_by_year")
        return json_answer({**provenance(publication, "statistics"), "items": rows}, asked)

    @app.get("/v1/marts/row_accounting")
    def row_accounting() -> Response:
        asked = chosen(live, Parameters(request.args, _AS_OF_ALONE))
        publication = asked.publication
        rows = _there(publication.row_accounting(), "row_accounting")
        return json_answer({**provenance(publication, "statistics"), "items": rows}, asked)

    @app.get("/v1/marts/popular_by_genre")
    def genres() -> Response:
        asked = chosen(live, Parameters(request.args, _AS_OF_ALONE))
        publication = asked.publication
        return json_answer({"publication": publication.publication_id, "genres": publication.genres}, asked)

    @app.get("/v1/marts/popular_by_genre/<genre>")
    def popular_by_genre(genre: str) -> Response:
        parameters = Parameters(request.args, LIST_PARAMETERS)
        asked = chosen(live, parameters)
        publication = asked.publication
        entries = publication.popular_by_genre(genre)
        if entries is None:
            detail = f"There is no list of the best movies in {genre[:40]!r}."
            raise ProblemError(problems.UNKNOWN_GENRE, detail, {"genres": publication.genres})
        page = asked_page(request.path, parameters, asked.position)
        text = list_text(publication, {"genre": genre}, "statistics", entries, page, render_best_of_genre)
        return json_answer(text, asked)

    @app.get("/v1/marts/movie_statistics/<movie>")
    def movie_statistics(movie: str) -> Response:
        movie_id = identifier(movie, "movie")
        asked = chosen(live, Parameters(request.args, _AS_OF_ALONE))
        publication = asked.publication
        found = known_movie(publication, movie_id)
        answer = {
            **provenance(publication, "statistics"),
            "movie": found.as_dict(),
            "statistics": publication.movie_statistics(movie_id),
        }
        return json_answer(answer, asked)

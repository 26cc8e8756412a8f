"""The catalogue's movies, and the users who have a list."""

from __future__ import annotations

from itertools import islice

from flask import Flask, Response, request

from serving.publications.live import LivePublication
from serving.publications.reader import compact_json
from serving.recommendations.answers.chosen import chosen
from serving.recommendations.answers.lists import asked_page, page_text, provenance
from serving.recommendations.answers.parameters import LIST_PARAMETERS, Parameters
from serving.recommendations.answers.responses import json_answer
from serving.recommendations.answers.search import found_movies


def catalogue_routes(app: Flask, live: LivePublication) -> None:
    """Add the catalogue's movies and the users."""

    @app.get("/v1/movies")
    def movies() -> Response:
        parameters = Parameters(request.args, LIST_PARAMETERS | {"q"})
        asked = chosen(live, parameters)
        publication = asked.publication
        page = asked_page(request.path, parameters, asked.position)
        found = found_movies(publication, parameters.text("q") or "", page.wanted, asked.position)
        shown = list(islice(found, page.limit + 1))
        end = shown[page.limit - 1].movie_id if len(shown) > page.limit else None
        items = [f"{{{movie.members}}}" for movie in shown[: page.limit]]
        head = provenance(publication, "catalogue")
        return json_answer(page_text(head, items, page.link(publication, end)), asked)

    @app.get("/v1/users")
    def users() -> Response:
        parameters = Parameters(request.args, frozenset({"limit", "cursor", "as_of"}))
        asked = chosen(live, parameters)
        publication = asked.publication
        page = asked_page(request.path, parameters, asked.position)
        ids = publication.user_ids(asked.position, page.limit + 1)
        end = ids[page.limit - 1] if len(ids) > page.limit else None
        head = {"publication": publication.publication_id}
        items = [compact_json(user_id) for user_id in ids[: page.limit]]
        return json_answer(page_text(head, items, page.link(publication, end)), asked)

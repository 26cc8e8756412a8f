"""The catalogue's movies, and the users who have a list."""

from __future__ import annotations

from itertools import islice

from flask import Response

from serving.publications.reading.catalogue import compact_json
from serving.recommendations.answers.chosen import Chosen
from serving.recommendations.answers.lists import page_text, provenance
from serving.recommendations.answers.parameters import SearchQuery, UsersQuery
from serving.recommendations.answers.responses import json_answer
from serving.recommendations.answers.search import found_movies
from serving.recommendations.api import schemas
from serving.web.operations import Operation, Operations


def catalogue_operations(api: Operations) -> None:
    """Declare the catalogue's movies and the users."""

    @api.add(
        Operation(
            "GET",
            "/v1/movies",
            "The catalogue by movie id, or the movies whose titles have the words.",
            "catalogue",
            query=SearchQuery,
            answer=schemas.Movies,
        )
    )
    def movies(chosen: Chosen[SearchQuery]) -> Response:
        publication, page = chosen.publication, chosen.page
        # The position is the id of the last movie before the page.
        found = found_movies(publication, chosen.query.q or "", page.wanted, page.position)
        shown = list(islice(found, page.limit + 1))
        end = shown[page.limit - 1].movie_id if len(shown) > page.limit else None
        items = [f"{{{publication.movies.members[movie.movie_id]}}}" for movie in shown[: page.limit]]
        text = page_text(provenance(publication, "catalogue"), items, page.link(publication, end))
        return json_answer(text, chosen)

    @api.add(
        Operation(
            "GET", "/v1/users", "Ids of the users who have a list.", "catalogue", query=UsersQuery, answer=schemas.Users
        )
    )
    def users(chosen: Chosen[UsersQuery]) -> Response:
        publication, page = chosen.publication, chosen.page
        ids = publication.user_ids(page.position, page.limit + 1)
        end = ids[page.limit - 1] if len(ids) > page.limit else None
        items = [compact_json(publication.shown_user(user_id)) for user_id in ids[: page.limit]]
        head = {"publication": publication.publication_id}
        return json_answer(page_text(head, items, page.link(publication, end)), chosen)

"""Recommendations for a person who has no list: the ratings come in the request, and nothing of them is kept."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, request

from serving.publications.fold_in import Recommendation
from serving.publications.live import LivePublication
from serving.publications.reader import Publication
from serving.recommendations.answers import problems
from serving.recommendations.answers.chosen import chosen
from serving.recommendations.answers.lists import provenance
from serving.recommendations.answers.metrics import LISTS
from serving.recommendations.answers.newcomer_request import parse_newcomer_request
from serving.recommendations.answers.newcomers import newcomer_recommendations
from serving.recommendations.answers.parameters import Parameters
from serving.recommendations.answers.responses import unstored
from serving.web.problems import ProblemError


def _item(publication: Publication, rank: int, entry: Recommendation) -> dict[str, Any]:
    because = [
        {"movie_id": reason.movie_id, "title": publication.movies[reason.movie_id].title, "adds": round(reason.adds, 6)}
        for reason in entry.because
    ]
    return {
        "rank": rank,
        **publication.movies[entry.movie_id].as_dict(),
        "score": round(entry.score, 6),
        "personal": round(entry.personal, 6),
        "popularity": round(entry.popularity, 6),
        "because": because,
    }


def newcomer_routes(app: Flask, live: LivePublication) -> None:
    """Add the fold-in."""

    @app.post("/v1/recommendations")
    def recommend_for_newcomer() -> Response:
        publication = chosen(live, Parameters(request.args, frozenset({"as_of"}))).publication
        if request.mimetype != "application/json":
            raise ProblemError(problems.UNSUPPORTED_MEDIA_TYPE, "Send the body with Content-Type: application/json.")
        asked = parse_newcomer_request(request.get_data())
        policy, found = newcomer_recommendations(publication, asked)
        LISTS.labels(policy).inc()
        rated = [rating.movie_id for rating in asked.ratings]
        known = publication.fold_in().table.positions(rated)
        answer = {
            **provenance(publication, policy),
            "ignored": sorted(movie_id for movie_id, at in zip(rated, known, strict=True) if at < 0),
            "items": [_item(publication, rank, entry) for rank, entry in enumerate(found, 1)],
        }
        return unstored(answer)

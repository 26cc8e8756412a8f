"""Recommend movies to a person who has no list.

The ratings come in the request, and none of them is kept.
"""

from __future__ import annotations

from typing import Any

from flask import Response

from serving.publications.newcomers.discovery import WHOLE
from serving.publications.newcomers.fold_in import Recommendation
from serving.publications.reading.reader import Publication
from serving.recommendations.answers import problems
from serving.recommendations.answers.asked import rated_movie
from serving.recommendations.answers.chosen import Chosen
from serving.recommendations.answers.lists import provenance
from serving.recommendations.answers.metrics import LISTS
from serving.recommendations.answers.newcomer_request import NewcomerRequest
from serving.recommendations.answers.newcomers import newcomer_recommendations
from serving.recommendations.answers.parameters import DEFAULT_LIMIT, AsOf
from serving.recommendations.answers.responses import unstored
from serving.recommendations.api import schemas
from serving.web.operations import Operation, Operations


def _item(publication: Publication, rank: int, entry: Recommendation) -> dict[str, Any]:
    because = [
        {
            "movie_id": publication.shown_movie(reason.movie_id),
            "title": publication.movies[reason.movie_id].title,
            "adds": round(reason.adds, 6),
        }
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


def newcomer_operation(api: Operations) -> None:
    """Declare the fold-in."""

    @api.add(
        Operation(
            "POST",
            "/v1/recommendations",
            "Movies for a person who has no list, from the ratings in the body; nothing of them is kept.",
            "lists",
            query=AsOf,
            body=NewcomerRequest,
            answer=schemas.NewcomerRecommendations,
            kinds=(problems.NOT_IN_PUBLICATION,),
        )
    )
    def recommend_for_newcomer(chosen: Chosen[AsOf], body: NewcomerRequest) -> Response:
        publication, ratings = chosen.publication, body.given
        limit = body.limit or DEFAULT_LIMIT
        policy, found = newcomer_recommendations(publication, ratings, limit, body.wanted, body.hundredths)
        LISTS.labels(policy).inc()
        rated = [rating.movie_id for rating in ratings]
        known = publication.fold_in().table.positions(rated)
        answer = {
            **provenance(publication, policy),
            **({"discovery": body.hundredths / WHOLE} if body.hundredths else {}),
            "ignored": [
                rated_movie(publication, movie_id) for movie_id, at in sorted(zip(rated, known, strict=True)) if at < 0
            ],
            "items": [_item(publication, rank, entry) for rank, entry in enumerate(found, 1)],
        }
        return unstored(answer)

"""Recommendations for a person who has no list, from the ratings in the request."""

from __future__ import annotations

from serving.publications.fold_in import Recommendation
from serving.publications.format import PublicationError
from serving.publications.reader import Publication
from serving.recommendations.answers import problems
from serving.recommendations.answers.newcomer_request import NewcomerRequest
from serving.web.logs import error_log
from serving.web.problems import ProblemError


def newcomer_recommendations(publication: Publication, asked: NewcomerRequest) -> tuple[str, list[Recommendation]]:
    """Return the policy and the list for an unknown person.

    The policy is `folded-in`, or `popular` where none of the rated movies has factors. Raises a problem where the
    publication cannot fold anybody in.
    """
    try:
        model = publication.fold_in()
    except PublicationError as error:
        error_log.warning("no fold-in", extra={"fields": {"reason": str(error)}})
        detail = "This publication was built without what folding in needs."
        raise ProblemError(problems.NOT_IN_PUBLICATION, detail) from None
    keeps = None if asked.wanted.keeps_all else lambda movie_id: asked.wanted.keeps(publication.movies[movie_id])
    found = model.recommend(asked.ratings, asked.limit, keeps)
    known = model.table.positions([rating.movie_id for rating in asked.ratings])
    return "folded-in" if (known >= 0).any() else "popular", found

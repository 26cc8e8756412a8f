"""Recommendations for a person who has no list, from the ratings in the request."""

from __future__ import annotations

from serving.publications.format import PublicationError
from serving.publications.newcomers.fold_in import Rating, Recommendation
from serving.publications.reading.reader import Publication
from serving.recommendations.answers import problems
from serving.recommendations.answers.parameters import MovieFilter
from serving.web.logs import error_log
from serving.web.problems import ProblemError


def newcomer_recommendations(
    publication: Publication, ratings: list[Rating], limit: int, wanted: MovieFilter | None, hundredths: int = 0
) -> tuple[str, list[Recommendation]]:
    """Return the policy and the list for an unknown person.

    So many hundredths of the places are discoveries. The policy is `folded-in`, or `popular` where none of the rated
    movies has factors. Raises a problem where the publication lacks what the list needs.
    """
    try:
        model = publication.fold_in()
        keeps = None if wanted is None else lambda movie_id: wanted.keeps(publication.movies[movie_id])
        found = model.blend(ratings, limit, hundredths, keeps) if hundredths else model.recommend(ratings, limit, keeps)
    except PublicationError as error:
        error_log.warning("no fold-in", extra={"fields": {"reason": str(error)}})
        detail = "This publication was built without what folding in needs."
        raise ProblemError(problems.NOT_IN_PUBLICATION, detail) from None
    known = model.table.positions([rating.movie_id for rating in ratings])
    return "folded-in" if (known >= 0).any() else "popular", found

"""The pages for finding and rating movies, with recommendations."""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from urllib.parse import urlencode

from flask import Blueprint, g, request
from werkzeug.wrappers import Response

from serving.accounts.domain import problems
from serving.accounts.domain.movies import as_movie, find_movies, without_withdrawn
from serving.accounts.domain.own_data.ids import live_dataset
from serving.accounts.domain.ratings import live_ratings, rate, unrate
from serving.accounts.domain.schemas.ratings import OwnRating
from serving.accounts.domain.service import Service
from serving.accounts.pages.recommendation_client import RecommendationClient, Recommended, UnreachableError
from serving.accounts.pages.rendering import other_data, page, then
from serving.web.problems import ProblemError
from serving.web.replies import client_address
from serving.web.texts.visible import without_invisible

_SHOWN: Final = 20
_LISTED: Final = 10


def rating_pages(pages: Blueprint, service: Service, recommendations: RecommendationClient) -> None:
    """Add the home page, the buttons that rate, and the list of one's own ratings."""
    factory = service.transactions

    @pages.get("")
    def home() -> Response:
        words = without_invisible(request.args.get("q", "")[:100])
        after = request.args.get("after", "0")
        with factory() as database:
            rated = live_ratings(database, g.user.user_id)
            dataset = live_dataset(database)
            searched = bool(words.strip())
            found = find_movies(database, words, _number(after), _SHOWN + 1) if searched else []
        stars = {rating.movie_id: rating.rating for rating in rated}
        more = f"?{urlencode({'q': words, 'after': found[_SHOWN - 1].movie_id})}" if len(found) > _SHOWN else None
        now, nightly, unreachable = _lists(service, recommendations, rated)
        return page(
            "home.html",
            words=words,
            searched=searched,
            movies=[as_movie(movie) for movie in found[:_SHOWN]],
            more=more,
            stars=stars,
            now=now,
            nightly=nightly,
            unreachable=unreachable,
            dataset=dataset,
        )

    @pages.post("/ratings/<movie:movie>")
    def rate_here(movie: str) -> Response:
        chosen = request.form.get("stars", "")
        if chosen not in ("1", "2", "3", "4", "5", "none"):
            raise ProblemError(problems.BAD_REQUEST, "stars is 1 to 5, or none.")
        with factory() as database:
            if request.form.get("dataset", "") != (live_dataset(database) or ""):
                return other_data()
        if chosen == "none":
            try:
                return then("pages.ratings", "removed", title=unrate(factory, g.user.user_id, movie))
            except ProblemError:
                # The button was pressed twice, or the answer was lost: the rating is gone, as it was asked.
                return then("pages.ratings")
        rating, _ = rate(factory, g.user.user_id, movie, 2 * int(chosen))
        return then("pages.home", "rated", title=rating.title, stars=chosen)

    @pages.get("/ratings")
    def ratings() -> Response:
        with factory() as database:
            ratings, dataset = live_ratings(database, g.user.user_id), live_dataset(database)
        return page("ratings.html", ratings=ratings, dataset=dataset)


def _number(text: str) -> int:
    """Return the id that an address of ours gives, or 0 for any other text."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 10 else 0


def _lists(
    service: Service, recommendations: RecommendationClient, rated: list[OwnRating]
) -> tuple[Recommended | None, Recommended | None, bool]:
    """Return the list of now, the nightly one, and whether the API did not answer."""
    given = [(rating.movie_id, rating.rating, rating.rated_at) for rating in rated]
    try:
        now = recommendations.now(given, client_address()) if given else None
        nightly = recommendations.nightly(g.user.user_id, client_address())
    except UnreachableError:
        return None, None, True
    return _listed(service, now), _listed(service, nightly), False


def _listed(service: Service, found: Recommended | None) -> Recommended | None:
    """Return a list's first movies that are not withdrawn here.

    The recommendation API does not know which are withdrawn.
    """
    if found is None:
        return None
    with service.transactions() as database:
        return replace(found, items=without_withdrawn(database, found.items)[:_LISTED])

"""The page on which staff hide reviews and show them again."""

from __future__ import annotations

from flask import Blueprint, g, request
from werkzeug.wrappers import Response

from serving.accounts.domain import problems
from serving.accounts.domain.movies import titles_of
from serving.accounts.domain.own_data.ids import live_dataset
from serving.accounts.pages.rendering import page
from serving.accounts.pages.reviews.client import RefusedError, UnreachableError
from serving.accounts.pages.reviews.drafts import fault_of_reason
from serving.accounts.pages.reviews.shown import shown
from serving.accounts.pages.reviews.views import Visit, acted
from serving.web.problems import ProblemError


def staff_pages(pages: Blueprint, visit: Visit) -> None:
    """Add the page for staff, and what its buttons and those on a movie's page do."""
    reviews = visit.reviews

    @pages.get("/staff/reviews")
    def staff_reviews() -> Response:
        _staff_only()
        return _staff_page(visit, request.args.get("hidden") == "yes", request.args.get("cursor", ""))

    @pages.post("/reviews/<id:review>/hide")
    def hide_review(review: int) -> Response:
        _staff_only()
        reason = request.form.get("reason", "").strip()
        if fault := fault_of_reason(reason):
            return page("error.html", 422, message=fault)
        return acted(lambda: reviews.hide(review, reason, visit.token()), "review_hidden")

    @pages.post("/reviews/<id:review>/show")
    def show_review(review: int) -> Response:
        _staff_only()
        return acted(lambda: reviews.show_again(review, visit.token()), "review_shown")


def _staff_only() -> None:
    if g.user.role != "admin":
        raise ProblemError(problems.FORBIDDEN, "This page is for staff.")


def _staff_page(visit: Visit, hidden: bool, cursor: str) -> Response:
    try:
        listed = visit.reviews.of_all_movies(hidden=hidden, cursor=cursor, token=visit.token())
    except UnreachableError:
        return page("staff_reviews.html", 503, hidden=hidden, unreachable=True)
    except RefusedError as error:
        raise ProblemError(problems.NOT_FOUND, error.kind) from None
    found = [shown(review) for review in listed.reviews]
    with visit.service.transactions() as database:
        titles = titles_of(database, {(review.given.get("dataset"), review.given["movie_id"]) for review in found})
        live = live_dataset(database)
    return page(
        "staff_reviews.html", hidden=hidden, reviews=found, titles=titles, live=live, following=listed.following
    )

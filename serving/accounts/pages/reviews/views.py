"""The page of a movie's reviews, with the form for one's own, and the buttons of readers and staff."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from flask import Blueprint, g, redirect, request, session, url_for
from werkzeug.wrappers import Response

from serving.accounts.database.models import Session
from serving.accounts.domain import problems
from serving.accounts.domain.movies import as_movie, shown_movie
from serving.accounts.domain.schemas.movies import Movie
from serving.accounts.domain.service import Service
from serving.accounts.pages.own_pages import own_page
from serving.accounts.pages.rendering import note, other_data, page
from serving.accounts.pages.reviews.client import RefusedError, ReviewsClient, UnreachableError
from serving.accounts.pages.reviews.drafts import Draft, fault_of, sent_draft, sentence
from serving.accounts.pages.reviews.shown import shares, shown
from serving.web.problems import ProblemError

_ORDERS: Final = ("newest", "helpful")
_STATUS: Final = {"already-reviewed": 409, "not-found": 404, "not-signed-in": 401}


class Visit:
    """What the pages work with.

    That is the movies, who is signed in, and the reviews service.
    """

    def __init__(self, service: Service, reviews: ReviewsClient) -> None:
        self.service = service
        self.reviews = reviews

    def movie(self, shown: str) -> Movie:
        """Return the live data set's movie of an id. Raises the problem not-found."""
        with self.service.transactions() as database:
            return as_movie(shown_movie(database, shown))

    def token(self) -> str:
        """Return a token of ten minutes for who is signed in."""
        with self.service.transactions() as database:
            return self.service.tokens.access_token(database.get_one(Session, session["sid"]))


def review_pages(pages: Blueprint, visit: Visit) -> None:
    """Add the page of a movie's reviews and what its forms do."""
    reviews = visit.reviews

    @pages.get("/movies/<movie:movie>/reviews")
    def movie_reviews(movie: str) -> Response:
        return _movie_page(visit, visit.movie(movie))

    @pages.post("/movies/<movie:movie>/review")
    def write_review(movie: str) -> Response:
        found, draft = visit.movie(movie), sent_draft()
        if request.form.get("dataset", "") != (found.dataset or ""):
            return other_data()
        if g.user is None:
            return _movie_page(visit, found, 401, draft, sentence("not-signed-in"))
        if fault := fault_of(draft.text):
            return _movie_page(visit, found, 422, draft, fault)
        try:
            return _saved(visit, found, draft)
        except UnreachableError:
            return _movie_page(visit, found, 503, draft, sentence("unreachable"))
        except RefusedError as error:
            if error.kind == "not-found":
                draft = Draft(draft.text, draft.may_train)
            return _movie_page(visit, found, _STATUS.get(error.kind, 422), draft, sentence(error.kind))

    @pages.post("/reviews/<id:review>/delete")
    def delete_review(review: int) -> Response:
        return acted(lambda: reviews.delete(review, visit.token()), "review_deleted")

    @pages.post("/reviews/<id:review>/helpful")
    def vote(review: int) -> Response:
        helpful = request.form.get("helpful") == "yes"
        return acted(lambda: reviews.vote(review, visit.token(), helpful=helpful), None, f"review-{review}")


def acted(act: Callable[[], None], notice: str | None, anchor: str | None = None) -> Response:
    """Do what a button of a page says, and return a redirect to that page.

    A review that is gone by now is no error: the button was pressed twice, or others were quicker. Raises the problems
    unavailable and forbidden.
    """
    try:
        act()
    except UnreachableError as error:
        raise ProblemError(problems.UNAVAILABLE, str(error)) from None
    except RefusedError as error:
        if error.kind != "not-found":
            raise ProblemError(problems.FORBIDDEN, error.kind) from None
        notice, anchor = "review_gone", None
    if notice is not None:
        note(notice)
    return redirect(own_page(request.form.get("back", ""), anchor) or url_for("pages.home"), 303)


def _saved(visit: Visit, movie: Movie, draft: Draft) -> Response:
    token = visit.token()
    try:
        if draft.review_id is None:
            visit.reviews.write(movie.movie_id, draft.text, token, may_train=draft.may_train)
        else:
            visit.reviews.change(draft.review_id, draft.text, token, may_train=draft.may_train)
    except RefusedError as error:
        mine = visit.reviews.mine(movie.movie_id, token) if error.kind == "already-reviewed" else None
        # The button was pressed twice, or the first answer was lost.
        if mine is None or (mine["text"], mine["may_train"]) != (draft.text, draft.may_train):
            raise
    note("review_saved", title=movie.title)
    return redirect(url_for("pages.movie_reviews", movie=movie.movie_id, _anchor="mine"), 303)


def _movie_page(
    visit: Visit, movie: Movie, status: int = 200, draft: Draft | None = None, fault: str | None = None
) -> Response:
    """Return the page of a movie's reviews.

    `draft` and `fault` are what its form had and what was wrong.
    """
    order = request.args.get("order")
    order = order if order in _ORDERS else _ORDERS[0]
    values: dict[str, Any] = {"movie": movie, "order": order, "orders": _ORDERS, "draft": draft, "fault": fault}
    try:
        token = visit.token() if g.user else None
        listed = visit.reviews.of_movie(movie.movie_id, order, request.args.get("cursor", ""), token)
        total, months = shares(visit.reviews.sentiment(movie.movie_id))
        mine = visit.reviews.mine(movie.movie_id, token) if token else None
    except UnreachableError:
        return page("reviews.html", status if draft else HTTPStatus.SERVICE_UNAVAILABLE, unreachable=True, **values)
    except RefusedError as error:
        raise ProblemError(problems.NOT_FOUND, error.kind) from None
    return page(
        "reviews.html",
        status,
        reviews=[shown(review) for review in listed.reviews],
        following=listed.following,
        total=total,
        months=months,
        mine=None if mine is None else shown(mine),
        **values,
    )

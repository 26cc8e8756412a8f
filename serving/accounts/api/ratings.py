"""A user's ratings, and all ratings by change for programs that keep a copy."""

from __future__ import annotations

from flask import Response

from serving.accounts.api.conventions import AccountOperations
from serving.accounts.api.pagination import next_address
from serving.accounts.domain import ratings as domain
from serving.accounts.domain.access import ADMIN_OR_RATINGS, OWNER
from serving.accounts.domain.schemas import ratings as schemas
from serving.accounts.domain.schemas.bases import Page
from serving.web.operations import Operation
from serving.web.replies import answered

_OWN_RATING = "/accounts/v1/users/<id:user>/ratings/<movie:movie>"


def rating_routes(api: AccountOperations) -> None:
    """Declare the endpoints of ratings."""
    _own_ratings(api)
    _all_ratings(api)


def _own_ratings(api: AccountOperations) -> None:
    factory = api.service.transactions

    @api.add(
        Operation(
            "GET",
            "/accounts/v1/users/<id:user>/ratings",
            "One's own ratings of the live data set's movies, the latest first.",
            "ratings",
            access=OWNER,
            query=Page,
            answer=schemas.OwnRatings,
        )
    )
    def own_ratings(user: int, *, query: Page) -> schemas.OwnRatings:
        with factory() as database:
            found = domain.ratings_before(database, user, query.after, query.limit + 1)
        shown = found[: query.limit]
        following = next_address(query, shown[-1].change) if len(found) > query.limit else None
        return schemas.OwnRatings(items=shown, next=following)

    @api.add(
        Operation("GET", _OWN_RATING, "One's own rating of a movie.", "ratings", access=OWNER, answer=schemas.OwnRating)
    )
    def own_rating(user: int, movie: str) -> schemas.OwnRating:
        with factory() as database:
            return domain.rating_of(database, user, movie)

    @api.add(
        Operation(
            "PUT",
            _OWN_RATING,
            "Rate a movie, or rate it again.",
            "ratings",
            access=OWNER,
            body=schemas.RatingBody,
            answer=schemas.OwnRating,
        )
    )
    def rate_movie(user: int, movie: str, *, body: schemas.RatingBody) -> Response:
        rating, first = domain.rate(factory, user, movie, int(body.rating * 2))
        return answered(rating, 201 if first else 200)

    @api.add(Operation("DELETE", _OWN_RATING, "Take a rating back.", "ratings", access=OWNER, status=204))
    def remove_rating(user: int, movie: str) -> None:
        domain.unrate(factory, user, movie)


def _all_ratings(api: AccountOperations) -> None:
    factory = api.service.transactions

    @api.add(
        Operation(
            "GET",
            "/accounts/v1/ratings",
            "Everybody's ratings in the order of their changes, for programs that take them on. A rating that was taken back, or "
            "went with its account, is missing and no page mentions it: read again from the start to learn which are left.",
            "administration",
            access=ADMIN_OR_RATINGS,
            query=Page,
            answer=schemas.ChangedRatings,
        )
    )
    def changed_ratings(*, query: Page) -> schemas.ChangedRatings:
        with factory() as database:
            found, latest = domain.changed_ratings(database, query.after, query.limit + 1)
        shown = found[: query.limit]
        if len(found) > query.limit:
            last = shown[-1].change
            return schemas.ChangedRatings(items=shown, watermark=last, next=next_address(query, last))
        return schemas.ChangedRatings(items=shown, watermark=latest, next=None)

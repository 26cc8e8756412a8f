"""Reviews of movies: reading is public, people change their own, staff hide any."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from serving.reviews.api import metrics
from serving.reviews.api.addresses import address
from serving.reviews.api.dependencies import (
    CurrentAccount,
    CurrentService,
    CurrentStaff,
    Database,
    MaybeAccount,
    MaybeModel,
)
from serving.reviews.api.problem_responses import answers
from serving.reviews.api.schemas import reviews as schemas
from serving.reviews.api.schemas.fields import MAX_BIG_ID
from serving.reviews.api.service import Service
from serving.reviews.database.models import Review
from serving.reviews.domain import problems, reviews
from serving.reviews.domain.movie_sentiment import Figures, figures_of_movie, mart_of_movie
from serving.reviews.domain.named_movies import NamedMovie
from serving.reviews.domain.reviews import Judged, Written
from serving.reviews.live_model import LoadedModel

router = APIRouter(tags=["reviews"])

MovieName = Annotated[
    str,
    Path(
        min_length=1,
        max_length=300,
        description="A number for MovieLens; for own data the own id, percent-encoded.",
        examples=["318"],
    ),
]
ReviewId = Annotated[int, Path(ge=1, le=MAX_BIG_ID, examples=[1])]


async def movie_to_read(movie: MovieName, service: CurrentService) -> NamedMovie:
    """Return the movie of an address. Raises the problems not-found and unavailable."""
    return await run_in_threadpool(service.movies.to_read, movie)


MovieToRead = Annotated[NamedMovie, Depends(movie_to_read)]
_CursorText = Annotated[str | None, Query(max_length=200, description="Where the page before ended.")]
_Limit = Annotated[int, Query(ge=1, le=100, description="Reviews a page.")]

_SIGNED_IN = (problems.NOT_SIGNED_IN, problems.FORBIDDEN)
_WITH_BODY = (problems.NOT_JSON, problems.WRONG_MEDIA_TYPE, problems.TOO_LARGE)


def _shown(review: Review) -> dict[str, Any]:
    sentiment = None
    if review.label is not None:
        sentiment = {name: getattr(review, name) for name in schemas.ReviewSentiment.model_fields}
    hidden = None if review.hidden_at is None else {"at": review.hidden_at, "reason": review.hidden_reason}
    names = ("review_id", "text", "helpful", "created_at", "changed_at")
    own = {} if review.dataset is None else {"dataset": review.dataset}
    return {
        "movie_id": review.own_id or review.movie_id,
        **own,
        **{name: getattr(review, name) for name in names},
        "author": {"user_id": review.author_id, "name": review.author_name},
        "sentiment": sentiment,
        "hidden": hidden,
    }


def _written(body: schemas.ReviewBody, loaded: LoadedModel | None) -> Written:
    if loaded is None:
        return Written(body.text, body.may_train, None)
    said = loaded.model.predict(body.text)
    metrics.count_predictions([said], loaded)
    judged = Judged(said.label, said.probability, said.confident, said.language, loaded.publication)
    return Written(body.text, body.may_train, judged)


def for_author(review: Review, service: Service) -> schemas.WrittenReview:
    """Return a review as its author gets it back."""
    prediction = None
    if review.publication is not None and review.probability is not None:
        predicted = (review.publication, review.probability, review.language or "", review.text)
        prediction = service.ids.make(*predicted, review.changed_at)
    document = {**_shown(review), "may_train": review.may_train, "prediction": prediction}
    return schemas.WrittenReview.model_validate(document)


def _next(request: Request, path: str, cursor: str | None, **parameters: str | int) -> str | None:
    """Return the address of the next page, or None after the last one."""
    if cursor is None:
        return None
    return address(request, f"{path}?{urlencode({**parameters, 'cursor': cursor})}")


@router.get(
    "/v1/movies/{movie:path}/reviews",
    responses=answers(problems.NOT_SIGNED_IN, problems.BAD_CURSOR, problems.NOT_FOUND),
)
def movie_reviews(
    named: MovieToRead,
    who: MaybeAccount,
    database: Database,
    request: Request,
    order: Annotated[schemas.Order, Query(description="Newest or most helpful first.")] = "newest",
    cursor: _CursorText = None,
    limit: _Limit = 20,
) -> schemas.Reviews:
    """List a movie's reviews, without hidden ones."""
    page, following = reviews.of_movie(database, named.key, order, cursor, limit)
    voted = set() if who is None else reviews.voted_for(database, page, who)
    items = [{**_shown(review), "voted": None if who is None else review.review_id in voted} for review in page]
    following_page = _next(
        request, f"/v1/movies/{quote(str(named.shown), safe='')}/reviews", following, order=order, limit=limit
    )
    return schemas.Reviews.model_validate({"items": items, "next": following_page})


@router.get("/v1/movies/{movie:path}/reviews/mine", responses=answers(*_SIGNED_IN, problems.NOT_FOUND))
def my_review(
    named: MovieToRead, who: CurrentAccount, service: CurrentService, database: Database
) -> schemas.WrittenReview:
    """Read one's own review of a movie, which may be hidden."""
    return for_author(reviews.of_author(database, named, who), service)


@router.get("/v1/reviews", responses=answers(*_SIGNED_IN, problems.BAD_CURSOR))
def all_reviews(
    _: CurrentStaff,
    database: Database,
    request: Request,
    hidden: Annotated[bool, Query(description="The hidden ones, or those that are shown.")] = False,
    cursor: _CursorText = None,
    limit: _Limit = 20,
) -> schemas.ReviewsOfAllMovies:
    """List the reviews of all movies, the newest first. For staff."""
    page, following = reviews.of_all_movies(database, hidden=hidden, cursor=cursor, limit=limit)
    following_page = _next(request, "/v1/reviews", following, hidden=str(hidden).lower(), limit=limit)
    items = [_shown(review) for review in page]
    return schemas.ReviewsOfAllMovies.model_validate({"items": items, "next": following_page})


@router.post(
    "/v1/movies/{movie:path}/reviews",
    status_code=201,
    responses=answers(*_WITH_BODY, *_SIGNED_IN, problems.NOT_FOUND, problems.ALREADY_REVIEWED),
)
def write_review(
    movie: MovieName,
    body: schemas.ReviewBody,
    response: Response,
    request: Request,
    who: CurrentAccount,
    service: CurrentService,
    loaded: MaybeModel,
    database: Database,
) -> schemas.WrittenReview:
    """Write a review, one a movie; the model says whether it is positive."""
    made = reviews.write(database, service.movies.to_write(movie), who, _written(body, loaded))
    response.headers["Location"] = address(request, f"/v1/reviews/{made.review_id}")
    return for_author(made, service)


@router.get("/v1/reviews/{review}", responses=answers(*_SIGNED_IN, problems.NOT_FOUND))
def read_review(review: ReviewId, who: MaybeAccount, database: Database) -> schemas.Review:
    """Read a review; a hidden one is there for its author and for staff."""
    return schemas.Review.model_validate(_shown(reviews.shown(database, review, who)))


@router.put("/v1/reviews/{review}", responses=answers(*_WITH_BODY, *_SIGNED_IN, problems.NOT_FOUND))
def change_review(
    review: ReviewId,
    body: schemas.ReviewBody,
    who: CurrentAccount,
    service: CurrentService,
    loaded: MaybeModel,
    database: Database,
) -> schemas.WrittenReview:
    """Change one's own review; the model judges the new text."""
    return for_author(reviews.change(database, review, who, _written(body, loaded)), service)


@router.delete("/v1/reviews/{review}", status_code=204, responses=answers(*_SIGNED_IN, problems.NOT_FOUND))
def delete_review(review: ReviewId, who: CurrentAccount, database: Database) -> None:
    """Delete one's own review with its votes."""
    reviews.remove(database, review, who)


@router.put("/v1/reviews/{review}/hidden", responses=answers(*_WITH_BODY, *_SIGNED_IN, problems.NOT_FOUND))
def hide_review(review: ReviewId, body: schemas.HiddenBody, who: CurrentStaff, database: Database) -> schemas.Review:
    """Hide a review with a reason, which its author sees. For staff."""
    return schemas.Review.model_validate(_shown(reviews.hide(database, review, who, body.reason)))


@router.delete("/v1/reviews/{review}/hidden", responses=answers(*_SIGNED_IN, problems.NOT_FOUND))
def show_review_again(review: ReviewId, who: CurrentStaff, database: Database) -> schemas.Review:
    """Show a hidden review again. For staff."""
    return schemas.Review.model_validate(_shown(reviews.show_again(database, review, who)))


@router.put("/v1/reviews/{review}/helpful", responses=answers(*_SIGNED_IN, problems.NOT_FOUND, problems.OWN_REVIEW))
def vote_helpful(review: ReviewId, who: CurrentAccount, database: Database) -> schemas.Review:
    """Say that another's review is helpful; once counts."""
    return schemas.Review.model_validate(_shown(reviews.vote(database, review, who, helpful=True)))


@router.delete("/v1/reviews/{review}/helpful", responses=answers(*_SIGNED_IN, problems.NOT_FOUND, problems.OWN_REVIEW))
def take_vote_back(review: ReviewId, who: CurrentAccount, database: Database) -> schemas.Review:
    """Take one's vote back."""
    return schemas.Review.model_validate(_shown(reviews.vote(database, review, who, helpful=False)))


@router.get("/v1/movies/{movie:path}/sentiment", responses=answers(problems.NOT_FOUND))
def movie_sentiment(named: MovieToRead, database: Database) -> schemas.MovieSentiment:
    """Tell what the model says of a movie's reviews: now, and in the last scoring.

    Each review was judged when it was written, by the model that was live then. The nightly scoring judges all of them by
    one model.
    """
    total, months = figures_of_movie(database, named.key)
    found = mart_of_movie(database, named.key)
    mart = None
    if found is not None:
        mart = {"batch_id": found.batch_id, "publication": found.publication, **_added_up(found.total, found.months)}
    return schemas.MovieSentiment.model_validate(
        {"movie_id": named.shown, "live": _added_up(total, months), "mart": mart}
    )


def _added_up(total: Figures, months: Mapping[str, Figures]) -> dict[str, Any]:
    by_month = [{"month": month, **vars(figures)} for month, figures in months.items()]
    return {**vars(total), "months": by_month}

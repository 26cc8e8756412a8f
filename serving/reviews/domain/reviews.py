"""Write, read, change, hide and delete reviews, and vote for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, delete, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from serving.reviews.database.models import HelpfulVote, Review
from serving.reviews.domain import problems
from serving.reviews.domain.cursors import Cursor, Order
from serving.reviews.domain.named_movies import NamedMovie
from serving.reviews.domain.principal import Principal
from serving.web.problems import ProblemError


@dataclass(frozen=True)
class Judged:
    """What the model says of a review's text."""

    label: str
    probability: float
    confident: bool
    language: str
    publication: str


@dataclass(frozen=True)
class Written:
    """A review as its author writes it; without a live model nothing is judged."""

    text: str
    may_train: bool
    judged: Judged | None


def _columns(written: Written, author: Principal) -> dict[str, Any]:
    judged = written.judged
    return {
        "author_name": author.name,
        "text": written.text,
        "may_train": written.may_train,
        "label": judged and judged.label,
        "probability": judged and judged.probability,
        "confident": judged and judged.confident,
        "language": judged and judged.language,
        "publication": judged and judged.publication,
        "changed_at": datetime.now(UTC),
    }


def write(database: Session, movie: NamedMovie, author: Principal, written: Written) -> Review:
    """Return a new review.

    Raises the problem already-reviewed if the author has one of this movie: one statement decides, whatever comes at once.
    """
    columns = _columns(written, author)
    own_id = None if movie.dataset is None else str(movie.shown)
    of_movie = {"movie_id": movie.key, "dataset": movie.dataset, "own_id": own_id}
    row = {**columns, **of_movie, "author_id": author.user_id, "created_at": columns["changed_at"]}
    statement = insert(Review).values(row).on_conflict_do_nothing(index_elements=["movie_id", "author_id"])
    made = database.scalars(statement.returning(Review)).one_or_none()
    if made is None:
        present = select(Review.review_id).where(Review.movie_id == movie.key, Review.author_id == author.user_id)
        extra = {"review": f"/v1/reviews/{database.scalar(present)}"}
        raise ProblemError(problems.ALREADY_REVIEWED, problems.ALREADY_REVIEWED.meaning, extra)
    return made


def shown(database: Session, review_id: int, who: Principal | None) -> Review:
    """Return a review; a hidden one only to its author and to staff.

    Raises the problem not-found.
    """
    review = database.get(Review, review_id)
    if review is None or (review.hidden_at is not None and not _may_see_hidden(review, who)):
        raise ProblemError(problems.NOT_FOUND, f"There is no review {review_id}.")
    return review


def _may_see_hidden(review: Review, who: Principal | None) -> bool:
    return who is not None and (who.is_staff or who.user_id == review.author_id)


def of_movie(
    database: Session, movie_id: int, order: Order, cursor: str | None, limit: int
) -> tuple[list[Review], str | None]:
    """Return a page of the reviews that are not hidden, and the next page's cursor.

    Raises the problem bad-cursor.
    """
    query: Select[Review] = select(Review).where(Review.movie_id == movie_id, Review.hidden_at.is_(None))
    return _page(database, query, order, cursor, limit)


def _page(
    database: Session, query: Select[Review], order: Order, cursor: str | None, limit: int
) -> tuple[list[Review], str | None]:
    place = Review.created_at if order == "newest" else Review.helpful
    if cursor is not None:
        last = Cursor.read(cursor, order)
        query = query.where(tuple_(place, Review.review_id) < tuple_(last.place, last.review_id))
    query = query.order_by(place.desc(), Review.review_id.desc()).limit(limit + 1)
    found = list(database.scalars(query))
    page = found[:limit]
    if len(found) <= limit:
        return page, None
    end = page[-1]
    return page, Cursor(order, end.created_at if order == "newest" else end.helpful, end.review_id).text()


def of_author(database: Session, movie: NamedMovie, author: Principal) -> Review:
    """Return the review that an account has written of a movie, hidden or not.

    Raises the problem not-found.
    """
    query = select(Review).where(Review.movie_id == movie.key, Review.author_id == author.user_id)
    review = database.scalars(query).one_or_none()
    if review is None:
        raise ProblemError(problems.NOT_FOUND, f"This account has no review of movie {movie.shown}.")
    return review


def of_person(database: Session, user_id: int) -> list[Review]:
    """Return all reviews of an account, hidden ones too, the oldest first."""
    return list(database.scalars(select(Review).where(Review.author_id == user_id).order_by(Review.review_id)))


def votes_of_person(database: Session, user_id: int) -> list[int]:
    """Return the ids of the reviews that an account finds helpful."""
    query = select(HelpfulVote.review_id).where(HelpfulVote.user_id == user_id)
    return list(database.scalars(query.order_by(HelpfulVote.review_id)))


def hidden_by_person(database: Session, user_id: int) -> list[int]:
    """Return the ids of the reviews that an account has hidden."""
    return list(
        database.scalars(select(Review.review_id).where(Review.hidden_by == user_id).order_by(Review.review_id))
    )


def of_all_movies(
    database: Session, *, hidden: bool, cursor: str | None, limit: int
) -> tuple[list[Review], str | None]:
    """Return a page of all movies' reviews, and the next page's cursor.

    The newest come first. They are either hidden or shown. Raises the problem bad-cursor.
    """
    query = select(Review).where(Review.hidden_at.is_not(None) if hidden else Review.hidden_at.is_(None))
    return _page(database, query, "newest", cursor, limit)


def voted_for(database: Session, page: list[Review], who: Principal) -> set[int]:
    """Return the ids of a page's reviews that an account finds helpful."""
    ids = [review.review_id for review in page]
    query = select(HelpfulVote.review_id).where(HelpfulVote.user_id == who.user_id, HelpfulVote.review_id.in_(ids))
    return set(database.scalars(query))


def change(database: Session, review_id: int, author: Principal, written: Written) -> Review:
    """Return a review with its new text. Raises the problems not-found and forbidden."""
    review = shown(database, review_id, author)
    if review.author_id != author.user_id:
        raise ProblemError(problems.FORBIDDEN, "Only its author may change a review.")
    for name, value in _columns(written, author).items():
        setattr(review, name, value)
    database.flush()
    return review


def remove(database: Session, review_id: int, author: Principal) -> None:
    """Delete a review with its votes. Raises the problems not-found and forbidden."""
    review = shown(database, review_id, author)
    if review.author_id != author.user_id:
        raise ProblemError(problems.FORBIDDEN, "Only its author may delete a review. Staff may hide it.")
    database.execute(delete(Review).where(Review.review_id == review_id))


def hide(database: Session, review_id: int, staff: Principal, reason: str) -> Review:
    """Return a review that is hidden from now on, or hidden for another reason.

    Raises the problem not-found.
    """
    review = shown(database, review_id, staff)
    review.hidden_at = review.hidden_at or datetime.now(UTC)
    review.hidden_by, review.hidden_reason = staff.user_id, reason
    database.flush()
    return review


def show_again(database: Session, review_id: int, staff: Principal) -> Review:
    """Return a review that is no longer hidden. Raises the problem not-found."""
    review = shown(database, review_id, staff)
    review.hidden_at = review.hidden_by = review.hidden_reason = None
    database.flush()
    return review


def vote(database: Session, review_id: int, who: Principal, *, helpful: bool) -> Review:
    """Return a review with the account's vote given or taken back.

    Either may be repeated.

    Raises the problems not-found and own-review.
    """
    # The row's lock keeps the review from being deleted before the vote is in.
    database.execute(select(Review.review_id).where(Review.review_id == review_id).with_for_update())
    review = shown(database, review_id, who)
    if review.author_id == who.user_id:
        raise ProblemError(problems.OWN_REVIEW, problems.OWN_REVIEW.meaning)
    mine = {"review_id": review_id, "user_id": who.user_id}
    if helpful:
        changed = database.scalars(
            insert(HelpfulVote).values(mine).on_conflict_do_nothing().returning(HelpfulVote.review_id)
        ).all()
    else:
        gone = delete(HelpfulVote).filter_by(**mine).returning(HelpfulVote.review_id)
        changed = database.scalars(gone).all()
    if changed:
        step = 1 if helpful else -1
        counted = update(Review).where(Review.review_id == review_id).values(helpful=Review.helpful + step)
        database.execute(counted)
        database.refresh(review)
    return review

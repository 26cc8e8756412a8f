"""How often the predictions of a publication were right, as people say who saw them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import String, cast, distinct, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from serving.reviews.database.models import Feedback
from serving.reviews.domain.prediction_ids import DIGEST_PLACE, DIGEST_SIZE


@dataclass(frozen=True)
class Labelled:
    """Texts that people labelled, and how many of them the model had right."""

    texts: int
    right: int

    @property
    def accuracy(self) -> float:
        """Return the share of right predictions; there is at least one."""
        return self.right / self.texts


def feedback_of(database: Session, publication: str) -> Mapping[str, Labelled]:
    """Return by language what people say of a publication's predictions.

    A person's opinion of a text counts once, and the last one counts: a text that is predicted and judged again and again
    weighs no more. Predictions in languages that the model does not know are among them.
    """
    # An id is base64 of 60 bytes; the digest of the text lies in it.
    content = func.decode(func.translate(cast(Feedback.prediction, String), "-_", "+/"), "base64")
    digest = func.substring(content, DIGEST_PLACE + 1, DIGEST_SIZE)
    last = (
        select(Feedback.language, (Feedback.predicted == Feedback.truth).label("right"))
        .where(Feedback.publication == publication)
        .ext(distinct_on(Feedback.user_id, digest))
        .order_by(Feedback.user_id, digest, Feedback.given_at.desc())
        .subquery()
    )
    counted = select(last.c.language, func.count(), func.count().filter(last.c.right)).group_by(last.c.language)
    return {language: Labelled(texts, right) for language, texts, right in database.execute(counted)}


def labelled_since(database: Session, languages: Collection[str], moment: datetime | None) -> int:
    """Return how many different labelled texts have come in for training.

    Those in some languages, and after a moment if there is one.
    """
    kept = select(func.count(distinct(Feedback.text))).where(Feedback.language.in_(languages))
    if moment is not None:
        kept = kept.where(Feedback.given_at > moment)
    return database.scalars(kept).one()

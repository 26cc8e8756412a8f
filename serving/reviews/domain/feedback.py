"""Keep predicted texts where their senders ask for it, and note whether predictions were right."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from serving.reviews.database.models import Feedback, KeptText
from serving.reviews.domain import problems
from serving.reviews.domain.prediction_ids import Predicted, digest_of
from serving.web.problems import ProblemError


@dataclass(frozen=True)
class Opinion:
    """What a person says of a prediction."""

    right: bool
    text: str | None
    may_train: bool


def keep_text(database: Session, prediction: str, owner_id: int, text: str) -> None:
    """Keep a predicted text for an account."""
    row = {"prediction": prediction, "owner_id": owner_id, "text": text, "kept_at": datetime.now(UTC)}
    database.execute(insert(KeptText).values(row).on_conflict_do_nothing())


def of_person(database: Session, user_id: int) -> list[Feedback]:
    """Return what an account said of predictions, the oldest first."""
    query = select(Feedback).where(Feedback.user_id == user_id)
    return list(database.scalars(query.order_by(Feedback.given_at, Feedback.prediction)))


def texts_of_person(database: Session, owner_id: int) -> list[KeptText]:
    """Return the texts that are kept for an account, the oldest first."""
    query = select(KeptText).where(KeptText.owner_id == owner_id)
    return list(database.scalars(query.order_by(KeptText.kept_at, KeptText.prediction)))


def give_feedback(database: Session, prediction: str, predicted: Predicted, user_id: int, opinion: Opinion) -> Feedback:
    """Return what was noted.

    A second opinion of the same account takes the first one's place.

    Raises the problem other-text if the text is missing for training or is not the one that was predicted.
    """
    text = opinion.text
    if text is not None and digest_of(text) != predicted.text_digest:
        raise ProblemError(
            problems.OTHER_TEXT, "This is not the text that was predicted. Send that one, letter by letter."
        )
    if text is None and opinion.may_train:
        kept = select(KeptText.text).where(KeptText.prediction == prediction, KeptText.owner_id == user_id)
        text = database.scalar(kept)
        if text is None:
            detail = "The service does not keep this text. Send it as `text`, so that the next model can learn from it."
            raise ProblemError(problems.OTHER_TEXT, detail)
    other = "negative" if predicted.label == "positive" else "positive"
    row = {
        "prediction": prediction,
        "user_id": user_id,
        "predicted": predicted.label,
        "truth": predicted.label if opinion.right else other,
        "probability": predicted.probability,
        "language": predicted.language,
        "publication": predicted.publication,
        "text": text if opinion.may_train else None,
        "given_at": datetime.now(UTC),
    }
    statement = insert(Feedback).values(row)
    changed = {name: statement.excluded[name] for name in ("truth", "text", "given_at")}
    upsert = statement.on_conflict_do_update(index_elements=["prediction", "user_id"], set_=changed)
    return database.scalars(upsert.returning(Feedback)).one()

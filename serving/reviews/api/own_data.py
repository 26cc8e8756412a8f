"""All that the service keeps about the account that asks."""

from __future__ import annotations

from fastapi import APIRouter, Request

from serving.reviews.api.dependencies import CurrentAccount, CurrentService, Database
from serving.reviews.api.jobs import shown_job
from serving.reviews.api.problem_responses import answers
from serving.reviews.api.reviews import for_author
from serving.reviews.api.schemas import own_data as schemas
from serving.reviews.domain import feedback, jobs, problems, reviews

router = APIRouter(tags=["reviews"])


# Before /v1/reviews/{review}, which would take the word for an id.
@router.get("/v1/reviews/export", responses=answers(problems.NOT_SIGNED_IN, problems.FORBIDDEN))
def export_own_data(
    who: CurrentAccount, service: CurrentService, database: Database, request: Request
) -> schemas.OwnData:
    """Read all that the service keeps about one's own account."""
    person = who.user_id
    opinions, texts = feedback.of_person(database, person), feedback.texts_of_person(database, person)
    return schemas.OwnData(
        reviews=[for_author(review, service) for review in reviews.of_person(database, person)],
        votes=reviews.votes_of_person(database, person),
        hid=reviews.hidden_by_person(database, person),
        feedback=[
            schemas.OwnFeedback(**{name: getattr(row, name) for name in schemas.OwnFeedback.model_fields})
            for row in opinions
        ],
        kept_texts=[
            schemas.OwnText(**{name: getattr(row, name) for name in schemas.OwnText.model_fields}) for row in texts
        ],
        jobs=[shown_job(job, request) for job in jobs.of_person(database, person)],
    )

"""Predict a text or a batch of texts, and take feedback on predictions."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request, Response
from pydantic_core import to_json
from starlette.concurrency import run_in_threadpool

from serving.reviews.api import metrics
from serving.reviews.api.addresses import described
from serving.reviews.api.dependencies import CurrentAccount, CurrentModel, CurrentService, Database, MaybeAccount
from serving.reviews.api.problem_responses import answers
from serving.reviews.api.schemas import sentiment as schemas
from serving.reviews.api.service import Service
from serving.reviews.domain import problems
from serving.reviews.domain.feedback import Opinion, give_feedback, keep_text
from serving.reviews.domain.prediction_ids import ID_PATTERN, PredictionIds
from serving.reviews.domain.principal import Principal
from serving.reviews.domain.texts import fault_of
from serving.reviews.live_model import LoadedModel
from serving.reviews.model.sentiment import Prediction
from serving.web.problems import ProblemError

router = APIRouter(tags=["sentiment"])
# Up to here a text costs the loop less than a millisecond; other requests wait for it so long.
PREDICT: Final = "/v1/sentiment"
INLINE_CHARACTERS: Final = 300


def _refusal(fault: str, request: Request) -> dict[str, Any]:
    kind = described(request, problems.BAD_TEXT)
    return {"error": {"type": kind.type, "title": kind.title, "detail": fault}}


def as_answer(prediction: Prediction, text: str, loaded: LoadedModel, ids: PredictionIds) -> dict[str, Any]:
    """Return a prediction as answers show it."""
    return {
        "label": prediction.label,
        "probability": prediction.probability,
        "confident": prediction.confident,
        "language": prediction.language,
        "terms": [{"term": term.term, "weight": term.weight} for term in prediction.terms],
        "known": prediction.known,
        "model_version": loaded.version,
        "publication": loaded.publication,
        "prediction": ids.make(loaded.publication, prediction.probability, prediction.language, text),
        "stored": False,
    }


@router.post(
    PREDICT,
    response_model=schemas.Sentiment,
    responses=answers(
        problems.NOT_JSON, problems.WRONG_MEDIA_TYPE, problems.TOO_LARGE, problems.NOT_SIGNED_IN, problems.NO_MODEL
    ),
)
async def predict(
    body: schemas.SentimentRequest, loaded: CurrentModel, service: CurrentService, who: MaybeAccount
) -> Response:
    """Say whether a text is positive, and which terms decided.

    Everybody may ask. The text is not kept, unless `store` is true: then it belongs to the account that is signed in.
    """
    if body.store and who is None:
        raise ProblemError(
            problems.NOT_SIGNED_IN, "Only a signed-in account can keep a text. Sign in, or leave `store` out."
        )
    # FastAPI would check the answer once more, which costs more than the prediction; the contract tests check it instead.
    if body.store or len(body.text) > INLINE_CHARACTERS:
        return _json(await run_in_threadpool(answer_of, body, loaded, service, who))
    return _json(answer_of(body, loaded, service))


def answer_of(
    body: schemas.SentimentRequest, loaded: LoadedModel, service: Service, owner: Principal | None = None
) -> bytes:
    """Return the answer to one text, and count it.

    The text is kept for its owner where the request asks for it.
    """
    prediction = loaded.model.predict(body.text, body.language)
    answer = as_answer(prediction, body.text, loaded, service.ids)
    if body.store and owner is not None:
        with service.transactions.begin() as database:
            keep_text(database, answer["prediction"], owner.user_id, body.text)
        answer["stored"] = True
    metrics.count_prediction(prediction, loaded)
    return to_json(answer)


def _json(content: bytes) -> Response:
    return Response(content, media_type="application/json")


@router.post(
    "/v1/sentiment/batch",
    response_model=schemas.BatchAnswer,
    responses=answers(problems.NOT_JSON, problems.WRONG_MEDIA_TYPE, problems.TOO_LARGE, problems.NO_MODEL),
)
def predict_batch(
    body: schemas.BatchRequest, loaded: CurrentModel, service: CurrentService, request: Request
) -> Response:
    """Predict up to 1,000 texts, in their order; each has its own result or error."""
    faults = [fault_of(text) for text in body.texts]
    taken = [text for text, fault in zip(body.texts, faults, strict=True) if fault is None]
    made = loaded.model.predict_many(taken, body.language)
    answers = (as_answer(*pair, loaded, service.ids) for pair in zip(made, taken, strict=True))
    results = [next(answers) if fault is None else _refusal(fault, request) for fault in faults]
    metrics.count_predictions(made, loaded)
    return _json(to_json({"results": results}))


@router.post(
    "/v1/sentiment/{prediction}/feedback",
    responses=answers(
        *(problems.NOT_JSON, problems.WRONG_MEDIA_TYPE, problems.TOO_LARGE, problems.OTHER_TEXT),
        *(problems.NOT_SIGNED_IN, problems.FORBIDDEN, problems.NOT_FOUND),
    ),
)
def feedback(
    prediction: Annotated[str, Path(pattern=ID_PATTERN, description="The prediction's id.")],
    body: schemas.FeedbackRequest,
    service: CurrentService,
    who: CurrentAccount,
    database: Database,
) -> schemas.FeedbackAnswer:
    """Say whether a prediction was right.

    A second opinion of the same account takes the first one's place.

    With `may_train` the text and its label are kept for the next training.
    """
    predicted = service.ids.read(prediction)
    if predicted is None:
        raise ProblemError(problems.NOT_FOUND, "This is no prediction of this service. Take the id from an answer.")
    opinion = Opinion(body.right, body.text, body.may_train)
    noted = give_feedback(database, prediction, predicted, who.user_id, opinion)
    metrics.count_feedback(noted.language, noted.publication, right=body.right)
    return schemas.FeedbackAnswer.model_validate(
        {
            "prediction": prediction,
            "predicted": noted.predicted,
            "truth": noted.truth,
            "trains": noted.text is not None,
        }
    )

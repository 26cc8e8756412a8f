"""Health, readiness and metrics."""

from __future__ import annotations

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from serving.reviews.api.dependencies import CurrentService
from serving.reviews.api.problem_responses import answers
from serving.reviews.api.schemas.operation import Health, Ready, RefusedModel, ServingModel
from serving.reviews.api.state_metrics import state_text
from serving.reviews.database.engine import is_current
from serving.reviews.domain import problems
from serving.web.http_metrics import metrics_text
from serving.web.problems import ProblemError

router = APIRouter(tags=["operation"])


@router.get("/health", responses=answers())
async def health() -> Health:
    """Say that the process answers."""
    return Health(status="ok")


@router.get("/ready", responses=answers())
def ready(service: CurrentService) -> Ready:
    """Say what works.

    The database, the model, and why the live model is refused if it is.

    Without a model the service is degraded, not down: reviews are read and written.
    """
    if not is_current(service.engine):
        raise ProblemError(problems.UNAVAILABLE, "The tables are of another version. Run `serving.reviews migrate`.")
    loaded, refused = service.live.current, service.live.refused
    model = None if loaded is None else ServingModel.model_validate(loaded, from_attributes=True)
    reason = None if refused is None else RefusedModel.model_validate(refused, from_attributes=True)
    return Ready(
        status="ready" if loaded is not None and refused is None else "degraded",
        model=model,
        refused=reason,
    )


@router.get("/metrics", include_in_schema=False)
def all_metrics(service: CurrentService) -> Response:
    """Return all workers' metrics, and what model and database say."""
    return Response(metrics_text() + state_text(service), media_type=CONTENT_TYPE_LATEST)

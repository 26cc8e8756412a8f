"""Jobs: files of texts that background workers answer."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, File, Form, Path, Request, Response, UploadFile
from fastapi.responses import StreamingResponse

from serving.reviews.api.addresses import address
from serving.reviews.api.dependencies import CurrentAccount, CurrentService, Database
from serving.reviews.api.problem_responses import answers
from serving.reviews.api.schemas import jobs as schemas
from serving.reviews.api.schemas.fields import ColumnName
from serving.reviews.database.models import Job
from serving.reviews.domain import jobs, problems
from serving.reviews.domain.uploads import Upload, format_of
from serving.web.problems import ProblemError

router = APIRouter(tags=["jobs"])
JobId = Annotated[str, Path(pattern="^[0-9a-f]{32}$", examples=["0123456789abcdef0123456789abcdef"])]
_MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}
_SIGNED_IN = (problems.NOT_SIGNED_IN, problems.FORBIDDEN)


def _address(request: Request, job: Job) -> str:
    return address(request, f"/v1/sentiment/jobs/{job.job_id}")


def shown_job(job: Job, request: Request) -> schemas.Job:
    """Return a job as answers show it."""
    state = "finished" if job.finished_at else "running" if job.started_at else "queued"
    return schemas.Job.model_validate(
        {
            **{name: getattr(job, name) for name in ("job_id", "format", "rows", "created_at", "started_at")},
            "finished_at": job.finished_at,
            "state": state,
            "text_column": job.shape["text_column"],
            "done": job.done_rows,
            "refused": job.refused_rows,
            "result": f"{_address(request, job)}/result" if job.finished_at else None,
        }
    )


@router.post(
    "/v1/sentiment/jobs",
    status_code=202,
    responses=answers(problems.NOT_JSON, problems.TOO_LARGE, problems.BAD_UPLOAD, problems.QUEUE_FULL, *_SIGNED_IN),
)
def queue_job(
    file: Annotated[UploadFile, File(description="CSV with a header, or JSON Lines: up to 100,000 texts in UTF-8.")],
    who: CurrentAccount,
    service: CurrentService,
    database: Database,
    request: Request,
    response: Response,
    text_column: Annotated[
        ColumnName, Form(min_length=1, max_length=100, description="Column or member of the texts.")
    ] = "text",
) -> schemas.Job:
    """Queue a file of texts.

    `Location` leads to its state; its result has the file's columns and the predictions.
    """
    upload = Upload(file.file, format_of(file.filename or "", file.content_type or ""), text_column)
    job = jobs.queue(database, who.user_id, upload, service.settings.queue)
    response.headers["Location"] = _address(request, job)
    return shown_job(job, request)


@router.get("/v1/sentiment/jobs/{job}", responses=answers(*_SIGNED_IN, problems.NOT_FOUND))
def job_state(job: JobId, who: CurrentAccount, database: Database, request: Request) -> schemas.Job:
    """Tell how far one's own job is."""
    return shown_job(jobs.owned(database, job, who.user_id), request)


@router.delete("/v1/sentiment/jobs/{job}", status_code=204, responses=answers(*_SIGNED_IN, problems.NOT_FOUND))
def delete_job(job: JobId, who: CurrentAccount, database: Database) -> None:
    """Delete one's own job with its texts, finished or not."""
    jobs.remove(database, job, who.user_id)


@router.get(
    "/v1/sentiment/jobs/{job}/result",
    response_class=StreamingResponse,
    responses={
        **answers(*_SIGNED_IN, problems.NOT_FOUND, problems.NOT_FINISHED),
        200: {
            "description": "The file as it was uploaded, with columns of predictions.",
            "content": {
                "text/csv": {"schema": {"type": "string"}},
                "application/x-ndjson": {"schema": {"type": "string"}},
            },
        },
    },
)
def job_result(job: JobId, who: CurrentAccount, service: CurrentService) -> StreamingResponse:
    """Stream the result of one's own job."""
    with service.transactions() as database:
        found = jobs.owned(database, job, who.user_id)
    if found.finished_at is None:
        detail = f"{found.done_rows} of {found.rows} texts are answered. Ask again when the job's state is finished."
        raise ProblemError(problems.NOT_FINISHED, detail)
    name = f"marquee-sentiment-{found.job_id[:8]}.{found.format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    pieces = jobs.result(service.transactions, found)
    return StreamingResponse(pieces, media_type=_MEDIA_TYPES[found.format], headers=headers)

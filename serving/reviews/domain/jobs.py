"""Jobs in PostgreSQL: queue a file, tell its state, work on its chunks, stream its result."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import case, delete, func, insert, select, text, update
from sqlalchemy.orm import Session

from serving.reviews.database.engine import Transactions
from serving.reviews.database.models import Chunk, Job
from serving.reviews.domain import problems
from serving.reviews.domain.job_files import (
    CHUNK_CHARACTERS,
    CHUNK_ROWS,
    first_line,
    packed,
    result_lines,
    unpacked,
)
from serving.reviews.domain.uploads import Row, Upload
from serving.web.problems import ProblemError

# Texts a second that a worker answers at least: an estimate for Retry-After.
_TEXTS_A_SECOND: Final = 2000
_LEAST_WAIT, _MOST_WAIT = 5, 600
# Held while a job joins the queue, so that two uploads at once do not both take its last place.
_QUEUE_LOCK: Final = 7307

# Answers of rows: a dictionary of ANSWER_COLUMNS for each.
Answering = Callable[[list[Row], str], list[Row]]


@dataclass(frozen=True)
class Worked:
    """What a worker did: a chunk's rows, and how many of them were refused."""

    rows: int
    refused: int


@dataclass(frozen=True)
class Waiting:
    """The unfinished jobs, their texts without an answer, and the oldest's time."""

    queued: int
    running: int
    texts: int
    oldest: datetime | None


def waiting_jobs(database: Session) -> Waiting:
    """Return what waits and what is worked on."""
    counted = select(
        func.count().filter(Job.started_at.is_(None)),
        func.count(Job.started_at),
        func.coalesce(func.sum(Job.rows - Job.done_rows), 0),
        func.min(Job.created_at),
    ).where(Job.finished_at.is_(None))
    queued, running, texts, oldest = database.execute(counted).one()
    return Waiting(queued, running, int(texts), oldest)


def check_queue(database: Session, places: int) -> None:
    """Raise the problem queue-full where so many jobs are unfinished."""
    waiting = select(func.count(), func.coalesce(func.sum(Job.rows - Job.done_rows), 0)).where(
        Job.finished_at.is_(None)
    )
    jobs, rows = database.execute(waiting).one()
    if jobs >= places:
        seconds = min(max(_LEAST_WAIT, int(rows) // _TEXTS_A_SECOND), _MOST_WAIT)
        detail = f"{jobs} jobs wait already. Send the file again in {seconds} seconds."
        raise ProblemError(problems.QUEUE_FULL, detail, {"retry_after": seconds})


def queue(database: Session, owner_id: int, upload: Upload, places: int) -> Job:
    """Return the queued job of a file, which is read and cut into chunks.

    Raises the problems bad-upload and queue-full; the transaction then leaves nothing.
    """
    check_queue(database, places)
    moment = datetime.now(UTC)
    job = Job(
        job_id=secrets.token_hex(16),
        owner_id=owner_id,
        format=upload.format,
        shape={"columns": upload.columns, "text_column": upload.text_column},
        rows=0,
        chunks=0,
        created_at=moment,
    )
    database.add(job)
    database.flush()
    rows = chunks = 0
    for number, piece in enumerate(_pieces(upload)):
        row = {"job_id": job.job_id, "number": number, "queued_at": moment, "upload": packed(piece)}
        database.execute(insert(Chunk), [row])
        rows, chunks = rows + len(piece), number + 1
    job.rows, job.chunks = rows, chunks
    database.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _QUEUE_LOCK})
    # This job is flushed, and counts itself.
    check_queue(database, places + 1)
    return job


def _pieces(upload: Upload) -> Iterator[list[Row]]:
    piece: list[Row] = []
    characters = 0
    for row in upload.rows():
        piece.append(row)
        characters += sum(len(value) for value in row.values() if isinstance(value, str))
        if len(piece) == CHUNK_ROWS or characters >= CHUNK_CHARACTERS:
            yield piece
            piece, characters = [], 0
    if piece:
        yield piece


def owned(database: Session, job_id: str, user_id: int) -> Job:
    """Return a job of an account. Raises the problem not-found, for another's job too."""
    job = database.get(Job, job_id)
    if job is None or job.owner_id != user_id:
        raise ProblemError(problems.NOT_FOUND, f"There is no job {job_id} of this account.")
    return job


def of_person(database: Session, user_id: int) -> list[Job]:
    """Return an account's jobs, the oldest first."""
    return list(database.scalars(select(Job).where(Job.owner_id == user_id).order_by(Job.created_at, Job.job_id)))


def remove(database: Session, job_id: str, user_id: int) -> None:
    """Delete a job with its texts, finished or not. Raises the problem not-found."""
    owned(database, job_id, user_id)
    database.execute(delete(Job).where(Job.job_id == job_id))


def forget_old(database: Session, days: int) -> None:
    """Delete jobs that finished so many days ago."""
    database.execute(delete(Job).where(Job.finished_at < datetime.now(UTC) - timedelta(days=days)))


def work_on_next(factory: Transactions, answering: Answering) -> Worked | None:
    """Answer the oldest waiting chunk and return what was done; None where none waits.

    One transaction holds the chunk's row from the choice to its answers: another worker skips it, and if this process is
    killed, the row waits again as if nothing had happened.
    """
    with factory.begin() as database:
        waiting = select(Chunk).where(Chunk.done_at.is_(None)).order_by(Chunk.queued_at, Chunk.job_id, Chunk.number)
        chunk = database.scalars(waiting.limit(1).with_for_update(skip_locked=True)).one_or_none()
        if chunk is None:
            return None
        shape: dict[str, Any] = database.scalars(select(Job.shape).where(Job.job_id == chunk.job_id)).one()
        answers = answering(unpacked(chunk.upload), shape["text_column"])
        moment = datetime.now(UTC)
        chunk.answers, chunk.done_at = packed(answers), moment
        worked = Worked(len(answers), sum(answer["predicted_error"] is not None for answer in answers))
        last = Job.done_chunks + 1 == Job.chunks
        database.execute(
            update(Job)
            .where(Job.job_id == chunk.job_id)
            .values(
                done_chunks=Job.done_chunks + 1,
                done_rows=Job.done_rows + worked.rows,
                refused_rows=Job.refused_rows + worked.refused,
                started_at=func.coalesce(Job.started_at, moment),
                finished_at=case((last, moment), else_=None),
            )
        )
        return worked


def result(factory: Transactions, job: Job) -> Iterator[bytes]:
    """Yield the result's file chunk by chunk; a slow reader holds no connection."""
    columns: list[str] = job.shape["columns"]
    if header := first_line(job.format, columns):
        yield header
    for number in range(job.chunks):
        with factory() as database:
            query = select(Chunk.upload, Chunk.answers).where(Chunk.job_id == job.job_id, Chunk.number == number)
            upload, answers = database.execute(query).one()
        assert answers is not None  # noqa: S101 - a finished job has all
        yield result_lines(job.format, columns, unpacked(upload), unpacked(answers))

"""Jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from serving.reviews.api.schemas.fields import Answer


class Job(Answer):
    """A file of texts: what is asked of it, and how far it is."""

    job_id: Annotated[str, Field(examples=["0123456789abcdef0123456789abcdef"])]
    state: Literal["queued", "running", "finished"]
    format: Literal["csv", "jsonl"]
    text_column: Annotated[str, Field(examples=["text"])]
    rows: Annotated[int, Field(description="Texts in the file.")]
    done: Annotated[int, Field(description="Texts that are answered, refused ones included.")]
    refused: Annotated[int, Field(description="Texts that were refused; the result says why.")]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    result: Annotated[str | None, Field(description="Address of the result, once the job is finished.")]

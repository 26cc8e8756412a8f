"""Whether the service works."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from serving.accounts.domain.schemas.bases import Answer
from serving.accounts.domain.schemas.fields import DatasetName


class Health(Answer):
    """The process answers."""

    status: Literal["alive"]


class Ready(Answer):
    """The database answers, and its tables are those of this program."""

    status: Literal["ready"]
    catalogue: Annotated[str | None, Field(description="Publication or export that the movies come from.")]
    movies: int
    dataset: DatasetName | None = None

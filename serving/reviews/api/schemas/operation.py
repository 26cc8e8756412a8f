"""Whether the service works."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from serving.reviews.api.schemas.fields import Answer


class Health(Answer):
    """The process answers."""

    status: Literal["ok"]


class ServingModel(Answer):
    """The model that answers."""

    publication: str
    version: str
    sha256: str


class RefusedModel(Answer):
    """The live publication, where it is refused, and why."""

    publication: str
    reason: str


class Ready(Answer):
    """What works.

    `degraded`: requests are answered, but no model or an earlier one serves.
    """

    status: Annotated[Literal["ready", "degraded"], Field(examples=["ready"])]
    model: ServingModel | None
    refused: RefusedModel | None

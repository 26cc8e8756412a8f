"""Problem documents (RFC 9457), as the description shows them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class FieldError(BaseModel):
    """A field or parameter that is not as described."""

    field: Annotated[str, Field(examples=["body.text"])]
    message: str


class Problem(BaseModel):
    """Why a request was refused, and what to do next."""

    model_config = ConfigDict(extra="allow")

    type: Annotated[str, Field(description="Leads to the kind's description.", examples=["/docs#problem-not-found"])]
    title: str
    status: int
    detail: str
    instance: str
    errors: Annotated[list[FieldError] | None, Field(description="Of bad-request: what is wrong.")] = None

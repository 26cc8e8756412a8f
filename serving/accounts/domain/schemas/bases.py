"""What all bodies, queries, forms and answers have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

MAX_PAGE = 100


class Body(BaseModel):
    """A request's body: JSON types as they are described, no unknown fields."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Query(BaseModel):
    """A request's query string: numbers are written as text there."""

    model_config = ConfigDict(extra="forbid")


class Answer(BaseModel):
    """An answer's body."""

    model_config = ConfigDict(extra="forbid")


class Form(BaseModel):
    """A form: a parameter that is not known is ignored (RFC 6749, 3.2)."""

    model_config = ConfigDict(extra="ignore")


class Page(Query):
    """How many entries, and after which."""

    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 20
    after: Annotated[int, Field(ge=0, le=2**53, description="Comes from `next`.")] = 0

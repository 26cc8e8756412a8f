"""What all bodies, queries, forms and answers have in common."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

MAX_PAGE = 100
_WHOLE: Final = re.compile("0|-?[1-9][0-9]*")


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


def _as_written(value: object) -> object:
    # Pydantic takes 1.0, +4, 1_0 and -0 too. The empty text gives its message for what is no number.
    return "" if isinstance(value, str) and not _WHOLE.fullmatch(value) else value


WholeNumber = Annotated[int, BeforeValidator(_as_written)]


class Page(Query):
    """How many entries, and after which."""

    limit: Annotated[WholeNumber, Field(ge=1, le=MAX_PAGE)] = 20
    after: Annotated[WholeNumber, Field(ge=0, le=2**53, description="Comes from `next`.")] = 0

"""The types of single fields, with their limits."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from serving.accounts.domain.passwords import MAX_LENGTH, MIN_LENGTH
from serving.accounts.names import allowed_name, name_key
from serving.publications.format import MAX_ID
from serving.web.texts.visible import visible, without_invisible

# A title or a search: one line. PostgreSQL can't keep the character NUL, and CSV files no line ends.
LINE = r"^[^\x00-\x1f\x7f]*$"


def _short_key(name: str) -> str:
    # Some single characters stand for whole words when normalised.
    if len(name_key(name)) > 80:
        raise ValueError("the name is too long when written out")
    return name


def _visible(value: object) -> object:
    # Before all other rules, since theirs do not name the character. What is no text is left to them.
    return visible(value.strip()) if isinstance(value, str) else value


Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=3, max_length=40, pattern=r"^[\w.-]+( [\w.-]+)*$"),
    BeforeValidator(_visible),
    AfterValidator(allowed_name),
    AfterValidator(_short_key),
    Field(description="Letters of any script, digits, '.', '_', '-', single spaces (RFC 8265).", examples=["Ada"]),
]
# Taken as it comes. The upper bound keeps hashing cheap. A short password has a problem of its own.
Password = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_LENGTH),
    Field(description=f"At least {MIN_LENGTH} characters, any.", examples=["seven green kettles"]),
]
Title = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=LINE),
    BeforeValidator(_visible),
]
Genre = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=30, pattern=r"^[^\x00-\x1f\x7f|]*$"),
    BeforeValidator(_visible),
]
# A search is not kept, and people paste into it: what can't be seen there is dropped.
Words = Annotated[str, StringConstraints(max_length=100, pattern=LINE), AfterValidator(without_invisible)]
Year = Annotated[int, Field(ge=1870, le=2100)]
Stars = Annotated[float, Field(ge=0.5, le=5, multiple_of=0.5, description="Half stars, 0.5 to 5.", examples=[4.5])]
MovieId = Annotated[
    Annotated[int, Field(ge=1, le=MAX_ID)] | Annotated[str, Field(min_length=1)],
    Field(description="A number for MovieLens. For own data the own id, which is always a text.", examples=[318]),
]
DatasetName = Annotated[str, Field(description="The name of own data. MovieLens has no such member.")]
Moment = Annotated[str, Field(description="UTC.", examples=["2026-11-24T19:00:00Z"])]
Token = Annotated[str, StringConstraints(min_length=1, max_length=200), Field(examples=["the refresh token"])]
FormText = Annotated[str, StringConstraints(max_length=200, pattern=LINE)]
Scope = Literal["movies:write", "ratings:read", "users:read"]

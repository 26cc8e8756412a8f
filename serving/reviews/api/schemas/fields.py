"""Fields that several models share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from serving.reviews.domain.texts import MAX_CHARACTERS, fault_of, fault_of_shown

MAX_ID: Final = 2_147_483_647
MAX_BIG_ID: Final = (1 << 63) - 1


class Body(BaseModel):
    """A request's body: other members than those described are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Answer(BaseModel):
    """An answer's body."""


def _refusing(fault: Callable[[object], str | None]) -> BeforeValidator:
    """Return a validator that raises ValueError with what is wrong with a text.

    It comes before Pydantic's own checks, which would speak of raw data and Unicode.
    """

    def taken(value: Any) -> Any:
        if found := fault(value):
            raise ValueError(found)
        return value

    return BeforeValidator(taken)


def _encodable(value: Any) -> Any:
    if isinstance(value, str) and (fault := fault_of(value)) is not None and value:
        raise ValueError(fault)
    return value


_OF_A_TEXT: Final = Field(
    min_length=1, max_length=MAX_CHARACTERS, examples=["A wonderful film, and not a dull minute."]
)
Text = Annotated[str, _refusing(fault_of), _OF_A_TEXT]
ShownText = Annotated[str, _refusing(fault_of_shown), _OF_A_TEXT]
Language = Annotated[
    str,
    BeforeValidator(_encodable),
    Field(
        pattern="^[a-z]{2,3}$",
        description="Language of the text, as ISO 639 writes it; found where it is not given.",
        examples=["en"],
    ),
]
ColumnName = Annotated[str, _refusing(fault_of)]
Reason = Annotated[
    str, _refusing(fault_of_shown), Field(min_length=1, max_length=500, examples=["Tells the end of the film."])
]
PredictionId = Annotated[
    str, Field(description="Id of a prediction, for feedback.", examples=["AAASbV1Yc2g" + "x" * 69])
]
Probability = Annotated[float, Field(ge=0, le=1, description="That the text is positive.", examples=[0.97])]
Publication = Annotated[str, Field(description="Publication of the model.", examples=["20261123T190000"])]

"""The problems of values that break a rule, each with its own sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic_core import CoreSchema, PydanticCustomError, core_schema
from werkzeug.datastructures import MultiDict

from serving.recommendations.answers import problems
from serving.web.parameters import ParameterError, once
from serving.web.problems import ProblemError, ProblemKind

# Of several wrong parameters, these are reported first.
REPORTED_FIRST = ("limit", "as_of", "cursor", "scope")

Values = TypeVar("Values", bound=BaseModel)


@dataclass(frozen=True)
class Says:
    """Annotates a value with the problem for one that breaks its rules.

    In the sentence `{name}` is the value's place, and `{value}` are the first 40 characters of it.
    """

    kind: ProblemKind
    sentence: str


@dataclass(frozen=True)
class Digits:
    """Annotates an int in an address: up to ten digits, from `low` to `high`."""

    low: int
    high: int

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the checks."""
        digits = core_schema.str_schema(pattern=r"^[0-9]{1,10}$")
        return core_schema.chain_schema([digits, core_schema.int_schema(ge=self.low, le=self.high)])

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Return the description."""
        return {"type": "integer", "minimum": self.low, "maximum": self.high}


def refusal(sentence: str, kind: ProblemKind) -> PydanticCustomError:
    """Return the error of a value that `problem_of` makes a problem of."""
    return PydanticCustomError("refused", "{sentence}", {"sentence": sentence, "kind": kind.name})


def read(model: type[Values], values: Mapping[str, str]) -> Values:
    """Return values as their model. Raise the problem of a wrong one."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise problem_of(error, model) from None


def only(arguments: MultiDict[str, str], *allowed: str) -> dict[str, str]:
    """Return a page's parameters. Raise a problem for one unknown or given twice."""
    try:
        return once(arguments, allowed)
    except ParameterError as error:
        raise problem_of(error) from None


def problem_of(
    error: ValidationError | ParameterError, model: type[BaseModel] | None = None, reported_first: Sequence[str] = ()
) -> ProblemError:
    """Return the problem of a model's first error.

    Errors of the fields `reported_first` precede the others.
    """
    if isinstance(error, ParameterError):
        known = ", ".join(sorted(error.allowed)) or "none"
        unknown = f"{error.name[:40]!r} is not a parameter of this address; it has: {known}."
        repeated = f"{error.name!r} is given {error.times} times; give it once."
        return ProblemError(problems.BAD_PARAMETER, repeated if error.name in error.allowed else unknown)
    order: dict[tuple[int | str, ...], int] = {(name,): at for at, name in enumerate(reported_first)}
    wrong = min(error.errors(include_url=False), key=lambda found: order.get(found["loc"], len(order)))
    if wrong["type"] == "refused":
        says = Says(problems.KINDS[wrong["ctx"]["kind"]], wrong["ctx"]["sentence"])
    else:
        says = _says(model, wrong["loc"])
    name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in wrong["loc"]).lstrip(".")
    sentence = says.sentence.format(name=name or "the body", value=repr(str(wrong["input"])[:40]))
    return ProblemError(says.kind, sentence)


def _says(annotation: Any, place: tuple[int | str, ...]) -> Says:
    """Return the annotation of the value at a place in a model."""
    found: list[Says] = []
    for part in place:
        metadata: Iterable[Any] = ()
        if isinstance(part, str):
            field = annotation.model_fields[part]
            annotation, metadata = field.annotation, field.metadata
        else:
            annotation = get_args(annotation)[0]
        found = [each for each in metadata if isinstance(each, Says)]
        while get_origin(annotation) in (Annotated, Union, UnionType):
            found += [each for each in getattr(annotation, "__metadata__", ()) if isinstance(each, Says)]
            annotation = get_args(annotation)[0]
    return found[-1]

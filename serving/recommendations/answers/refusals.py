"""The problems of values that break a rule, each with its own sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, GetCoreSchemaHandler, ValidationError
from pydantic_core import CoreSchema, PydanticCustomError, core_schema
from werkzeug.datastructures import MultiDict

from serving.recommendations.answers import problems
from serving.web.operations import ParameterError, once
from serving.web.problems import ProblemError, ProblemKind

# Of several wrong parameters, these are reported first.
REPORTED_FIRST = ("limit", "as_of", "cursor", "scope")

Values = TypeVar("Values", bound=BaseModel)


@dataclass(frozen=True)
class Says:
    """The problem for a value that breaks a rule to the left of this annotation.

    In the sentence `{name}` is the value's place, and `{value}` are the first 40 characters of it.
    """

    kind: ProblemKind
    sentence: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the schema that checks a value and replaces its error."""
        return core_schema.no_info_wrap_validator_function(self._check, handler(source))

    def _check(self, value: Any, check: core_schema.ValidatorFunctionWrapHandler) -> Any:
        try:
            return check(value)
        except ValidationError as error:
            # An entry of a list has a sentence of its own.
            if all(found["loc"] for found in error.errors(include_url=False)):
                raise
            raise refusal(self.sentence, self.kind) from None


def refusal(sentence: str, kind: ProblemKind) -> PydanticCustomError:
    """Return the error of a value that `problem_of` makes a problem of."""
    return PydanticCustomError("refused", "{sentence}", {"sentence": sentence, "kind": kind.name})


def read(model: type[Values], values: Mapping[str, str]) -> Values:
    """Return values as their model. Raise the problem of a wrong one."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise problem_of(error) from None


def only(arguments: MultiDict[str, str], *allowed: str) -> dict[str, str]:
    """Return a page's parameters. Raise the problem of one that is not allowed, or is given twice."""
    try:
        return once(arguments, allowed)
    except ParameterError as error:
        raise problem_of(error) from None


def problem_of(error: ValidationError | ParameterError, reported_first: Sequence[str] = ()) -> ProblemError:
    """Return the problem of the first error; those of the fields `reported_first` precede the others."""
    if isinstance(error, ParameterError):
        known = ", ".join(sorted(error.allowed)) or "none"
        unknown = f"{error.name[:40]!r} is not a parameter of this address; it has: {known}."
        repeated = f"{error.name!r} is given {error.times} times; give it once."
        return ProblemError(problems.BAD_PARAMETER, repeated if error.name in error.allowed else unknown)
    order: dict[tuple[int | str, ...], int] = {(name,): at for at, name in enumerate(reported_first)}
    wrong = min(error.errors(include_url=False), key=lambda found: order.get(found["loc"], len(order)))
    name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in wrong["loc"]).lstrip(".")
    sentence = wrong["ctx"]["sentence"].format(name=name or "the body", value=repr(str(wrong["input"])[:40]))
    return ProblemError(problems.KINDS[wrong["ctx"]["kind"]], sentence)

"""Apply the API's declarations: its problems, and the publication of a request."""

from __future__ import annotations

from typing import Any, NoReturn

from flask import request
from pydantic import BaseModel, ValidationError

from serving.publications.format import PublicationError
from serving.publications.reading.live import LivePublication
from serving.recommendations.answers import problems
from serving.recommendations.answers.asked import looked_up, with_numbers
from serving.recommendations.answers.chosen import choose
from serving.recommendations.answers.newcomer_request import json_of
from serving.recommendations.answers.parameters import AsOf, NoParameters, Paged
from serving.recommendations.answers.refusals import REPORTED_FIRST, Says, problem_of
from serving.web.operations import Conventions, MediaTypeError, Model, Operation, Place
from serving.web.parameters import ParameterError
from serving.web.problems import ProblemError, ProblemKind

SERVED = (problems.NOTHING_PUBLISHED, problems.NO_SOUND_PUBLICATION)


class ApiConventions(Conventions):
    """Conventions of an application over one store."""

    def __init__(self, live: LivePublication) -> None:
        self.live = live

    def admit(self, operation: Operation, given: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments, with `chosen` in place of the query that names it."""
        query = given.get("query")
        if isinstance(query, AsOf):
            given["chosen"] = choose(self.live, query)
        if isinstance(query, AsOf | NoParameters):
            del given["query"]
        return given

    def read_body(self, model: Model, data: bytes) -> BaseModel:
        """Return the body as its model."""
        body = json_of(data)
        try:
            publication = looked_up(self.live, request.args.get("as_of"))
        except PublicationError:
            pass  # which `admit` has refused
        else:
            body = with_numbers(body, publication.own_ids) if publication.own_ids else body
        return model.model_validate(body)

    def refuse(self, operation: Operation, place: Place, error: Exception) -> NoReturn:
        """Raise a problem that names what is wrong."""
        if isinstance(error, MediaTypeError):
            detail = "Send the body with Content-Type: application/json."
            raise ProblemError(problems.UNSUPPORTED_MEDIA_TYPE, detail)
        if not isinstance(error, ValidationError | ParameterError):
            raise error
        refused = problem_of(error, getattr(operation, place), REPORTED_FIRST if place == "query" else ())
        if place == "body":
            refused.detail = refused.detail[0].upper() + refused.detail[1:]
        raise refused from None

    def kinds(self, operation: Operation) -> list[ProblemKind]:
        """Return the declared kinds and those that follow from what an operation takes."""
        kinds = list(operation.kinds)
        if operation.body is not None:
            kinds += [problems.BAD_BODY, problems.UNSUPPORTED_MEDIA_TYPE, problems.TOO_LARGE]
        if operation.path is not None:
            fields = operation.path.model_fields.values()
            kinds += [says.kind for field in fields for says in field.metadata if isinstance(says, Says)]
        if operation.query is not None:
            kinds += [problems.BAD_LIMIT] if issubclass(operation.query, Paged) else []
            kinds += [problems.BAD_PARAMETER]
            kinds += [problems.UNKNOWN_PUBLICATION, *SERVED] if issubclass(operation.query, AsOf) else []
        return [*kinds, problems.INTERNAL]

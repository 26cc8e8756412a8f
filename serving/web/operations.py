"""Declare each operation once: address, access, parameters, body and answer.

Routing, checks and the OpenAPI document (openapi.py) follow from it. The `Conventions` are each service's own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, NoReturn

from flask import Flask, Response, request
from pydantic import BaseModel, ValidationError

from serving.web.parameters import ParameterError, once
from serving.web.problems import ProblemKind

Model = type[BaseModel]
Place = Literal["path", "query", "body", "form"]
View = Callable[..., Any]


@dataclass(frozen=True)
class Operation:
    """A declared operation; its name is that of the function that answers it.

    Each of `path`, `query`, `body` and `form` is a model, which the function gets under that name. Without a model for the
    path, the function gets the address's variables as the rule converts them; without one for the query, parameters are
    ignored. A function returns an `answer`, or a Response of its own making. `retry_key` says that a request may have an
    Idempotency-Key, which the service itself reads.
    """

    method: str
    rule: str
    summary: str
    tag: str
    access: Any = None
    path: Model | None = None
    query: Model | None = None
    body: Model | None = None
    form: Model | None = None
    answer: Model | None = None
    status: int = 200
    kinds: tuple[ProblemKind, ...] = ()
    retry_key: bool = False
    name: str = ""


class MediaTypeError(Exception):
    """A body is sent as another type than JSON."""


class Conventions:
    """What a service does its own way. A service overrides what it needs."""

    models: tuple[Model, ...] = ()  # that the description has beyond those of the operations

    def authorise(self, operation: Operation, variables: dict[str, Any]) -> None:
        """Raise a problem unless the caller may call the operation at this address."""

    def allowed(self, model: Model) -> Collection[str] | None:
        """Return the parameters that may be given; None: the model refuses the others."""
        return model.model_fields

    def admit(self, _operation: Operation, given: dict[str, Any]) -> dict[str, Any]:
        """Return the function's arguments, made from the checked path and query."""
        return given

    def refuse(self, operation: Operation, place: Place, error: Exception) -> NoReturn:
        """Raise the problem for a ValidationError, a ParameterError or a MediaTypeError."""
        raise NotImplementedError

    def read_body(self, model: Model, data: bytes) -> BaseModel:
        """Return the body as its model. Raise ValidationError."""
        return model.model_validate_json(data)

    def respond(self, _operation: Operation, result: Any) -> Response:
        """Return the response for an `answer` that the function returned."""
        raise NotImplementedError

    def kinds(self, operation: Operation) -> list[ProblemKind]:
        """Return the kinds of problem that an operation answers with."""
        return list(operation.kinds)

    def complete(self, _operation: Operation, described: dict[str, Any]) -> dict[str, Any]:
        """Return an operation's description with the service's own members."""
        return described

    def variable_schema(self, _converter: str, _name: str) -> dict[str, Any]:
        """Return `schema` and `example` of an address's variable that no model describes."""
        raise NotImplementedError


class Operations:
    """The operations of an application, as they are declared."""

    def __init__(self, app: Flask, conventions: Conventions) -> None:
        self.declared: list[Operation] = []
        self.conventions = conventions
        self._app = app

    def add(self, declared: Operation) -> Callable[[View], View]:
        """Declare the operation that the decorated function answers."""

        def declare(view: View) -> View:
            operation = replace(declared, name=view.__name__)
            handle = partial(self._handle, operation, view)
            self._app.add_url_rule(operation.rule, operation.name, handle, methods=[operation.method])
            self.declared.append(operation)
            return view

        return declare

    def _handle(self, operation: Operation, view: View, /, **variables: Any) -> Response:
        conventions = self.conventions
        if operation.access is not None:
            conventions.authorise(operation, variables)
        place: Place = "path"
        try:
            given = {"path": operation.path.model_validate(variables)} if operation.path else dict(variables)
            place = "query"
            if operation.query is not None:
                given["query"] = operation.query.model_validate(
                    once(request.args, conventions.allowed(operation.query))
                )
            given = conventions.admit(operation, given)
            place = "form"
            if operation.form is not None:
                # A parameter without a value counts as absent (RFC 6749, 3.2).
                values = {name: value for name, value in once(request.form).items() if value}
                given["form"] = operation.form.model_validate(values)
            place = "body"
            if operation.body is not None:
                if request.mimetype != "application/json":
                    raise MediaTypeError
                given["body"] = conventions.read_body(operation.body, request.get_data())
        except (ValidationError, ParameterError, MediaTypeError) as error:
            conventions.refuse(operation, place, error)
        result = view(**given)
        return result if isinstance(result, Response) else conventions.respond(operation, result)

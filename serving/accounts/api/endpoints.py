"""One declaration for each endpoint: address, access, parameters and answer.

Routing, authorisation, validation and the OpenAPI document all follow from the declaration, so none of them can be
forgotten for a new endpoint.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Flask, Response, g, request
from pydantic import BaseModel, ValidationError

from serving.accounts.domain import problems
from serving.accounts.domain.access import Access, Principal
from serving.accounts.domain.problems import AccountProblem
from serving.accounts.domain.service import Service
from serving.accounts.domain.tokens import principal_of
from serving.publications.format import MAX_ID
from serving.web.problems import ProblemError
from serving.web.replies import answered

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Endpoint:
    """A declared endpoint.

    Its view returns an `answer`, None for 204, or a Response of its own making.
    """

    name: str
    method: str
    rule: str
    access: Access
    summary: str
    tag: str
    body: type[BaseModel] | None
    query: type[BaseModel] | None
    form: type[BaseModel] | None
    answer: type[BaseModel] | None
    status: int
    kinds: tuple[AccountProblem, ...]


def principal() -> Principal:
    """Return the principal of a request to an endpoint that is not for everybody."""
    who: Principal = g.principal
    return who


def authenticated(service: Service) -> Principal:
    """Return the principal of the request's access token.

    Raises the problem not-signed-in.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    session_id = service.tokens.session_of(token.strip()) if scheme.lower() == "bearer" else None
    if session_id is not None:
        with service.transactions() as database:
            who = principal_of(database, session_id)
        if who is not None:
            return who
    raise ProblemError(problems.NOT_SIGNED_IN, problems.NOT_SIGNED_IN.meaning)


class OAuthRefusal(Exception):  # noqa: N818 - a refusal, answered as RFC 6749 (5.2) has it
    """Ends a request to OAuth2's endpoints.

    The description has neither quotation marks nor backslashes.
    """

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error, self.status = error, status


class Api:
    """The endpoints of an application, as they are declared."""

    def __init__(self, app: Flask, service: Service) -> None:
        self.service = service
        self.endpoints: list[Endpoint] = []
        self._app = app

    def endpoint(
        self,
        method: str,
        rule: str,
        access: Access,
        summary: str,
        *,
        tag: str,
        body: type[BaseModel] | None = None,
        query: type[BaseModel] | None = None,
        form: type[BaseModel] | None = None,
        answer: type[BaseModel] | None = None,
        status: int = 200,
        kinds: tuple[AccountProblem, ...] = (),
    ) -> Callable[[View], View]:
        """Declare the endpoint that the decorated function answers.

        The function gets the address's variables and, where they are declared, `body`, `query` and `form` as models.
        Forms are OAuth2's: the API refuses a wrong form as the OAuth2 standard describes.
        """

        def declare(view: View) -> View:
            declared = Endpoint(
                view.__name__, method, rule, access, summary, tag, body, query, form, answer, status, kinds
            )

            def handle(**arguments: Any) -> Response:
                if not access.everybody:
                    g.principal = authenticated(self.service)
                    if not access.allows(g.principal, arguments.get("user")):
                        raise ProblemError(problems.FORBIDDEN, f"For: {access.meaning}")
                if any(isinstance(value, int) and value > MAX_ID for value in arguments.values()):
                    raise ProblemError(problems.NOT_FOUND, f"Ids end at {MAX_ID}.")
                given = _given(declared) if form is None else {"form": _given_form(form)}
                result = view(**arguments, **given)
                return result if isinstance(result, Response) else answered(result, status)

            self._app.add_url_rule(rule, view.__name__, handle, methods=[method])
            self.endpoints.append(declared)
            return view

        return declare


def _given(endpoint: Endpoint) -> dict[str, BaseModel]:
    """Return the request's body and query as they are declared. Raises problems."""
    given: dict[str, BaseModel] = {}
    try:
        if endpoint.query is not None:
            given["query"] = endpoint.query.model_validate(_once(request.args))
        elif request.args:
            raise ProblemError(problems.BAD_REQUEST, "This address takes no parameters.", {"errors": []})
        if endpoint.body is not None:
            if request.mimetype != "application/json":
                raise ProblemError(problems.WRONG_MEDIA_TYPE, problems.WRONG_MEDIA_TYPE.meaning)
            given["body"] = endpoint.body.model_validate_json(request.get_data())
    except ValidationError as error:
        raise ProblemError(problems.BAD_REQUEST, problems.BAD_REQUEST.meaning, {"errors": named(error)}) from None
    return given


def _given_form(form: type[BaseModel]) -> BaseModel:
    """Return the request's form. Raises OAuthRefusal."""
    if request.args:
        raise OAuthRefusal("invalid_request", "Parameters belong in the body: the address takes none.")
    if any(len(given) > 1 for _, given in request.form.lists()):
        raise OAuthRefusal("invalid_request", "A parameter is given more than once.")
    try:
        # A parameter without a value counts as missing (RFC 6749, 3.2).
        return form.model_validate({name: value for name, value in request.form.items() if value})
    except ValidationError as error:
        wrong = ", ".join(sorted({found["field"] for found in named(error)}))
        raise OAuthRefusal("invalid_request", f"Missing or not as described: {wrong}.") from None


def _once(values: Any) -> dict[str, str]:
    repeated = [name for name, given in values.lists() if len(given) > 1]
    if repeated:
        raise ProblemError(problems.BAD_REQUEST, f"{repeated[0][:40]!r} is given twice; give it once.", {"errors": []})
    return dict(values.items())


def named(error: ValidationError) -> list[dict[str, str]]:
    """Return each error's place and message, never the value: it may be a password."""
    return [
        {"field": ".".join(str(part) for part in found["loc"]), "message": found["msg"]}
        for found in error.errors(include_url=False, include_context=False, include_input=False)
    ]

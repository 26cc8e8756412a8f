"""How the accounts service applies its declarations: access, problems, and OAuth2's refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NoReturn

from flask import Flask, Response, g, request
from pydantic import ValidationError

from serving.accounts.api import retry_keys
from serving.accounts.domain import problems
from serving.accounts.domain.access import Access, Principal
from serving.accounts.domain.schemas.oauth import OAuthError
from serving.accounts.domain.service import Service
from serving.accounts.domain.tokens import principal_of
from serving.publications.format import MAX_ID
from serving.web.operations import Conventions, MediaTypeError, Model, Operation, Operations, Place, View
from serving.web.parameters import ParameterError
from serving.web.problems import ProblemError, ProblemKind
from serving.web.replies import answered

_EXAMPLES: Final = {"user": 1_000_000_001, "movie": 318, "client": "0123456789abcdef", "session": "0123456789abcdef"}


def principal() -> Principal:
    """Return the principal of a request to an operation that is not for everybody."""
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


class AccountConventions(Conventions):
    """Conventions of the accounts service."""

    models = (OAuthError,)

    def __init__(self, service: Service) -> None:
        self._service = service

    def authorise(self, operation: Operation, variables: dict[str, Any]) -> None:
        """Raise not-signed-in, forbidden, or not-found for an id that is too large."""
        access: Access = operation.access
        if not access.everybody:
            g.principal = authenticated(self._service)
            if not access.allows(g.principal, variables.get("user")):
                raise ProblemError(problems.FORBIDDEN, f"For: {access.meaning}")
        if any(isinstance(value, int) and value > MAX_ID for value in variables.values()):
            raise ProblemError(problems.NOT_FOUND, f"Ids end at {MAX_ID}.")

    def allowed(self, model: Model) -> None:
        """Leave unknown parameters to the model, which names all of them at once."""

    def admit(self, operation: Operation, given: dict[str, Any]) -> dict[str, Any]:
        """Refuse parameters where the operation takes none."""
        if operation.query is None and request.args:
            if operation.form is not None:
                raise OAuthRefusal("invalid_request", "Parameters belong in the body: the address takes none.")
            raise ProblemError(problems.BAD_REQUEST, "This address takes no parameters.", {"errors": []})
        return given

    def refuse(self, operation: Operation, place: Place, error: Exception) -> NoReturn:
        """Raise the problem that names what is wrong; of a form, OAuth2's refusal."""
        if place == "form":
            if isinstance(error, ValidationError):
                wrong = ", ".join(sorted({found["field"] for found in named(error)}))
                raise OAuthRefusal("invalid_request", f"Missing or not as described: {wrong}.") from None
            raise OAuthRefusal("invalid_request", "A parameter is given more than once.") from None
        if isinstance(error, ParameterError):
            detail = f"{error.name[:40]!r} is given twice; give it once."
            raise ProblemError(problems.BAD_REQUEST, detail, {"errors": []}) from None
        if isinstance(error, MediaTypeError):
            raise ProblemError(problems.WRONG_MEDIA_TYPE, problems.WRONG_MEDIA_TYPE.meaning) from None
        if isinstance(error, ValidationError):
            raise ProblemError(problems.BAD_REQUEST, problems.BAD_REQUEST.meaning, {"errors": named(error)}) from None
        raise error

    def respond(self, operation: Operation, result: Any) -> Response:
        """Return a model as JSON that no cache keeps; None is an empty answer."""
        return result if isinstance(result, Response) else answered(result, operation.status)

    def kinds(self, operation: Operation) -> list[ProblemKind]:
        """Return the declared kinds and those that follow from what an operation takes."""
        kinds = list(operation.kinds)
        if not operation.access.everybody:
            kinds += [problems.NOT_SIGNED_IN, problems.FORBIDDEN]
        if operation.body is not None:
            kinds += [problems.WRONG_MEDIA_TYPE, problems.TOO_LARGE]
        if operation.retry_key:
            kinds.append(problems.KEY_REUSED)
        if "<" in operation.rule:
            kinds.append(problems.NOT_FOUND)
        # A wrong form is refused as OAuth2 describes, not by a problem.
        wrong = [problems.BAD_REQUEST] if operation.form is None else []
        return [*wrong, *kinds, problems.INTERNAL, problems.UNAVAILABLE]

    def complete(self, operation: Operation, described: dict[str, Any]) -> dict[str, Any]:
        """Return an operation's description with its access and OAuth2's refusals."""
        access: Access = operation.access
        described["description"] = f"For: {access.meaning}"
        if not access.everybody:
            described["security"] = [{"oauth2": [access.scope] if access.scope else []}]
        if operation.retry_key:
            described.setdefault("parameters", []).append(retry_keys.DESCRIBED)
        if operation.form is not None:
            for status in ("400", "401"):
                refusal = described["responses"].setdefault(status, {"description": "", "content": {}})
                refusal["description"] = f"{refusal['description']} Refused, as RFC 6749 (5.2) describes.".strip()
                schema = {"$ref": f"#/components/schemas/{OAuthError.__name__}"}
                refusal["content"]["application/json"] = {"schema": schema}
        return described

    def variable_schema(self, converter: str, name: str) -> dict[str, Any]:
        """Return `schema` and `example` of an address's variable."""
        number = {"type": "integer", "minimum": 1, "maximum": MAX_ID}
        movie = {
            "anyOf": [number, {"type": "string", "minLength": 1}],
            "description": "A number for MovieLens; for own data the own id, percent-encoded.",
        }
        schemas = {"id": number, "movie": movie}
        return {
            "schema": schemas.get(converter, {"type": "string", "pattern": "^[0-9a-f]{1,40}$"}),
            "example": _EXAMPLES[name],
        }


class AccountOperations(Operations):
    """The operations of the accounts service, and what their functions work with."""

    def __init__(self, app: Flask, service: Service) -> None:
        super().__init__(app, AccountConventions(service))
        self.service = service

    def add(self, declared: Operation) -> Callable[[View], View]:
        """Declare an operation; one that does not say who may call it is a mistake."""
        if declared.access is None:
            raise TypeError(f"{declared.method} {declared.rule} does not say who may call it. Give its access.")
        return super().add(declared)


def named(error: ValidationError) -> list[dict[str, str]]:
    """Return each error's place and message; never the value, which may be a password."""
    return [
        {"field": ".".join(str(part) for part in found["loc"]), "message": found["msg"]}
        for found in error.errors(include_url=False, include_context=False, include_input=False)
    ]

"""The service's description (OpenAPI 3.1), made from the declared operations."""

from __future__ import annotations

from typing import Any, Final

from serving.accounts.domain.access import SCOPES
from serving.web import openapi
from serving.web.operations import Operations

# What is wrong with a request's parameters or body, each with its place.
_ERRORS: Final = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
        "required": ["field", "message"],
    },
}


def openapi_document(operations: Operations) -> dict[str, Any]:
    """Return the whole description as JSON data."""
    token = {"tokenUrl": "/accounts/oauth/token", "scopes": SCOPES}
    info = {
        "title": "Marquee accounts",
        "version": "1",
        "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        "description": "Accounts and ratings. Sign in to get an access token of ten minutes and a refresh token that "
        "is good for one use. Errors are problem+json (RFC 9457), those of /accounts/oauth as OAuth2 has them.",
    }
    components = {
        "schemas": {"Problem": openapi.problem_schema({"errors": _ERRORS})},
        "securitySchemes": {"oauth2": {"type": "oauth2", "flows": {"password": token, "clientCredentials": token}}},
    }
    return openapi.openapi_document(operations, info, components)

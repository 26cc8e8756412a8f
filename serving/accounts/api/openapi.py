"""The service's description (OpenAPI 3.1), made from the declared endpoints."""

from __future__ import annotations

import re
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from serving.accounts.api.endpoints import Endpoint
from serving.accounts.domain import problems
from serving.accounts.domain.access import SCOPES
from serving.accounts.domain.problems import AccountProblem
from serving.accounts.domain.schemas.oauth import OAuthError
from serving.publications.format import MAX_ID
from serving.web.problems import MEDIA_TYPE, problem_document

_VARIABLE: Final = re.compile(r"<(id|hex):(\w+)>")
_EXAMPLES: Final = {"user": 1_000_000_001, "movie": 318, "client": "0123456789abcdef", "session": "0123456789abcdef"}
_PROBLEM: Final = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
                "required": ["field", "message"],
            },
        },
    },
    "required": ["type", "title", "status", "detail", "instance"],
}


def path_of(rule: str) -> str:
    """Return a rule of Flask's as OpenAPI writes paths: `<id:user>` becomes `{user}`."""
    return _VARIABLE.sub(r"{\2}", rule)


def _kinds(endpoint: Endpoint) -> list[AccountProblem]:
    kinds = list(endpoint.kinds)
    if not endpoint.access.everybody:
        kinds += [problems.NOT_SIGNED_IN, problems.FORBIDDEN]
    if endpoint.body is not None:
        kinds += [problems.WRONG_MEDIA_TYPE, problems.TOO_LARGE]
    if "<" in endpoint.rule:
        kinds.append(problems.NOT_FOUND)
    # A wrong form is refused as OAuth2 describes, not by a problem.
    wrong = [problems.BAD_REQUEST] if endpoint.form is None else []
    return list(dict.fromkeys([*wrong, *kinds, problems.INTERNAL, problems.UNAVAILABLE]))


def _problem_answers(endpoint: Endpoint) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    for kind in _kinds(endpoint):
        content = {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}
        answer = answers.setdefault(str(kind.status), {"description": "", "content": {MEDIA_TYPE: content}})
        answer["description"] = f"{answer['description']} {kind.title}: {kind.meaning}".strip()
        example = problem_document(kind, kind.meaning, path_of(endpoint.rule))
        answer["content"][MEDIA_TYPE]["examples"][kind.name] = {"summary": kind.title, "value": example}
    return answers


def _parameters(endpoint: Endpoint, definitions: dict[str, Any]) -> list[dict[str, Any]]:
    parameters = []
    for kind, name in _VARIABLE.findall(endpoint.rule):
        number = {"type": "integer", "minimum": 1, "maximum": MAX_ID}
        schema = number if kind == "id" else {"type": "string", "pattern": "^[0-9a-f]{1,40}$"}
        parameters.append({"name": name, "in": "path", "required": True, "schema": schema, "example": _EXAMPLES[name]})
    if endpoint.query is not None:
        for name, schema in definitions[endpoint.query.__name__]["properties"].items():
            description = schema.pop("description", schema.get("title", name))
            parameters.append({"name": name, "in": "query", "schema": schema, "description": description})
    return parameters


def _operation(endpoint: Endpoint, definitions: dict[str, Any]) -> dict[str, Any]:
    def reference(model: type[BaseModel]) -> dict[str, Any]:
        return {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}

    answer: dict[str, Any] = {"description": endpoint.summary}
    if endpoint.answer is not None:
        answer["content"] = {"application/json": reference(endpoint.answer)}
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "description": f"For: {endpoint.access.meaning}",
        "tags": [endpoint.tag],
        "parameters": _parameters(endpoint, definitions),
        "responses": {str(endpoint.status): answer, **_problem_answers(endpoint)},
    }
    if endpoint.body is not None:
        example = {
            name: field["examples"][0]
            for name, field in definitions[endpoint.body.__name__]["properties"].items()
            if "examples" in field
        }
        content = {"application/json": {**reference(endpoint.body), "example": example}}
        operation["requestBody"] = {"required": True, "content": content}
    if endpoint.form is not None:
        content = {"application/x-www-form-urlencoded": reference(endpoint.form)}
        operation["requestBody"] = {"required": True, "content": content}
        for status in ("400", "401"):
            refusal = operation["responses"].setdefault(status, {"description": "", "content": {}})
            refusal["description"] = f"{refusal['description']} Refused, as RFC 6749 (5.2) describes.".strip()
            refusal["content"]["application/json"] = reference(OAuthError)
    if not endpoint.access.everybody:
        operation["security"] = [{"oauth2": [endpoint.access.scope] if endpoint.access.scope else []}]
    return operation


def openapi_document(endpoints: list[Endpoint]) -> dict[str, Any]:
    """Return the whole description as JSON data."""
    models: list[type[BaseModel]] = [OAuthError]
    for endpoint in endpoints:
        models += [
            model for model in (endpoint.body, endpoint.query, endpoint.form, endpoint.answer) if model is not None
        ]
    _, generated = models_json_schema(
        [(model, "validation") for model in dict.fromkeys(models)],
        ref_template="#/components/schemas/{model}",
        schema_generator=GenerateJsonSchema,
    )
    definitions = generated["$defs"]
    paths: dict[str, Any] = {}
    for endpoint in endpoints:
        paths.setdefault(path_of(endpoint.rule), {})[endpoint.method.lower()] = _operation(endpoint, definitions)
    queries = {endpoint.query.__name__ for endpoint in endpoints if endpoint.query is not None}
    components = {name: schema for name, schema in definitions.items() if name not in queries}
    token = {"tokenUrl": "/accounts/oauth/token", "scopes": SCOPES}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Marquee accounts",
            "version": "1",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": "Accounts and ratings. Sign in to get an access token of ten minutes and a refresh token that "
            "is good for one use. Errors are problem+json (RFC 9457), those of /accounts/oauth as OAuth2 has them.",
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": {**components, "Problem": _PROBLEM},
            "securitySchemes": {"oauth2": {"type": "oauth2", "flows": {"password": token, "clientCredentials": token}}},
        },
    }

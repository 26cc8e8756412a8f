"""The description of a service (OpenAPI 3.1), made from its declared operations, and a page made from it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from functools import cache
from typing import Any, Final

from flask import Blueprint, Flask, Response, render_template
from pydantic.json_schema import models_json_schema

from serving.web.operations import Model, Operation, Operations
from serving.web.problems import MEDIA_TYPE, ProblemKind, problem_document

Schema = dict[str, Any]

_VARIABLE: Final = re.compile(r"<(?:(\w+):)?(\w+)>")
_REFERENCE: Final = "#/components/schemas/"


def openapi_document(operations: Operations, info: Schema, components: Schema) -> Schema:
    """Return the whole description as JSON data.

    `components` holds what no model declares, among it the schema Problem.
    """
    declared = operations.declared
    models = [
        *operations.conventions.models,
        *(
            model
            for one in declared
            for model in (one.path, one.query, one.body, one.form, one.answer)
            if model is not None
        ),
    ]
    _, generated = models_json_schema(
        [(model, "validation") for model in dict.fromkeys(models)], ref_template=_REFERENCE + "{model}"
    )
    definitions = _without_titles(generated["$defs"])
    paths: dict[str, Schema] = {}
    for operation in declared:
        described = _described(operation, operations, definitions)
        paths.setdefault(path_of(operation.rule), {})[operation.method.lower()] = described
    parameters = {model.__name__ for one in declared for model in (one.path, one.query) if model is not None}
    schemas = {name: schema for name, schema in definitions.items() if name not in parameters}
    return {
        "openapi": "3.1.0",
        "info": info,
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {**components, "schemas": {**schemas, **components["schemas"]}},
    }


def problem_schema(extra: Schema | None = None) -> Schema:
    """Return the schema of a problem document (RFC 9457).

    `extra` are a service's own members.
    """
    members = {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
    }
    return {"type": "object", "properties": {**members, **(extra or {})}, "required": list(members)}


def path_of(rule: str) -> str:
    """Return a rule of Flask's as OpenAPI writes paths: `<id:user>` becomes `{user}`."""
    return _VARIABLE.sub(r"{\2}", rule)


def example_of(schema: Schema, definitions: dict[str, Schema]) -> Any:
    """Return the example of a schema: its own, else one made from its parts."""
    if "examples" in schema:
        return schema["examples"][0]
    if "$ref" in schema:
        return example_of(definitions[schema["$ref"].removeprefix(_REFERENCE)], definitions)
    if "const" in schema:
        return schema["const"]
    if "anyOf" in schema:
        return example_of(schema["anyOf"][0], definitions)
    if schema.get("type") == "array":
        return [example_of(schema["items"], definitions)]
    properties: dict[str, Schema] = schema.get("properties", {})
    # An optional part is shown only where it has an example.
    required = schema.get("required", [])
    shown = {name: part for name, part in properties.items() if name in required or "examples" in part}
    return {name: example_of(part, definitions) for name, part in shown.items()}


def _without_titles(schema: Any) -> Any:
    """Return a schema without titles made from names, and without null defaults."""
    if isinstance(schema, list):
        return [_without_titles(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: _without_titles(part)
        for name, part in schema.items()
        if not (name == "title" and isinstance(part, str)) and not (name == "default" and part is None)
    }


def _described(operation: Operation, operations: Operations, definitions: dict[str, Schema]) -> Schema:
    def content(model: Model) -> Schema:
        reference = {"$ref": f"{_REFERENCE}{model.__name__}"}
        return {"schema": reference, "example": example_of(reference, definitions)}

    answer: Schema = {"description": operation.summary}
    if operation.answer is not None:
        answer["content"] = {"application/json": content(operation.answer)}
    described: Schema = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": _parameters(operation, operations, definitions),
        "responses": {str(operation.status): answer, **_problem_answers(operation, operations)},
    }
    for media_type, model in (
        ("application/json", operation.body),
        ("application/x-www-form-urlencoded", operation.form),
    ):
        if model is not None:
            described["requestBody"] = {"required": True, "content": {media_type: content(model)}}
    return operations.conventions.complete(operation, described)


def _parameters(operation: Operation, operations: Operations, definitions: dict[str, Schema]) -> list[Schema]:
    parameters = []
    if operation.path is None:
        for converter, name in _VARIABLE.findall(operation.rule):
            variable = operations.conventions.variable_schema(converter, name)
            parameters.append({"name": name, "in": "path", "required": True, **variable})
    for place, model in (("path", operation.path), ("query", operation.query)):
        properties = {} if model is None else definitions[model.__name__].get("properties", {})
        for name, schema in properties.items():
            # A parameter is absent, never null.
            some = schema.get("anyOf", [{}])[0]
            rest = some | {key: schema[key] for key in schema if key not in ("anyOf", "description", "examples")}
            parameter = {"name": name, "in": place, "required": place == "path", "schema": rest}
            if "description" in schema:
                parameter["description"] = schema["description"]
            if "examples" in schema:
                parameter["example"] = schema["examples"][0]
            parameters.append(parameter)
    return parameters


def _problem_answers(operation: Operation, operations: Operations) -> dict[str, Schema]:
    answers: dict[str, Schema] = {}
    for kind in dict.fromkeys(operations.conventions.kinds(operation)):
        content = {"schema": {"$ref": f"{_REFERENCE}Problem"}, "examples": {}}
        answer = answers.setdefault(str(kind.status), {"description": "", "content": {MEDIA_TYPE: content}})
        answer["description"] = f"{answer['description']} {kind.title}: {kind.meaning}".strip()
        example = problem_document(kind, kind.meaning, path_of(operation.rule))
        answer["content"][MEDIA_TYPE]["examples"][kind.name] = {"summary": kind.title, "value": example}
    return answers


def description_routes(
    app: Flask,
    prefix: str,
    make_document: Callable[[], dict[str, Any]],
    kinds: Collection[ProblemKind],
    *,
    caching: str,
    links: tuple[str, ...],
    examples: bool,
) -> None:
    """Add `prefix`/openapi.json and `prefix`/docs.

    `caching` is the document's Cache-Control. The page begins with `links`; see the template for `examples`.
    """
    # It brings the template.
    app.register_blueprint(Blueprint("description", __name__, template_folder="templates"))
    document = cache(make_document)

    @cache
    def text() -> str:
        return json.dumps(document(), ensure_ascii=False)

    @app.get(f"{prefix}/openapi.json")
    def openapi() -> Response:
        return Response(text(), mimetype="application/json", headers={"Cache-Control": caching})

    @app.get(f"{prefix}/docs")
    def docs() -> str:
        return render_template("api.html", api=document(), kinds=kinds, links=links, examples=examples)

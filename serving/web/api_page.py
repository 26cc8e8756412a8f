"""Describe a service: the OpenAPI document, and a page made from it."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from functools import cache
from typing import Any

from flask import Blueprint, Flask, Response, render_template

from serving.web.problems import ProblemKind


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

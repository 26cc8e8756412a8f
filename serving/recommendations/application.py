"""The read-only recommendation API: a Flask application over a publication store.

Set MARQUEE_PUBLICATION_STORE to the store's folder and run `python -m serving.recommendations.server`. The application holds no
credentials and writes nothing but its log.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import limits
from flask import Flask, Response, render_template
from werkzeug.middleware.proxy_fix import ProxyFix

from serving.publications.format import PublicationError
from serving.publications.live import LivePublication
from serving.recommendations.answers.chosen import current
from serving.recommendations.answers.responses import REVALIDATE, answer_errors, finish_responses, unstored
from serving.recommendations.api.lists import catalogue_routes, list_routes
from serving.recommendations.api.marts import mart_routes
from serving.recommendations.api.newcomers import newcomer_routes
from serving.recommendations.api.openapi import openapi_document
from serving.recommendations.api.publications import publication_routes
from serving.recommendations.fast_path import FastPath
from serving.recommendations.pages.views import page_routes
from serving.recommendations.rate_limit import limit_requests
from serving.web import problems
from serving.web.observability import (
    DEGRADED,
    configure_logging,
    metrics_response,
    observe_requests,
    publication_failed,
    publication_serves,
)

MAX_BODY_BYTES = 64 << 10
# Under this name the application's extensions hold its LivePublication.
LIVE_PUBLICATION = "live_publication"


class SettingError(Exception):
    """A setting of the server is missing or wrong."""


def create_app(settings: Mapping[str, str] | None = None) -> Flask:
    """Return the application; `settings` stands in for the environment.

    MARQUEE_PUBLICATION_STORE (required): the store's folder; it may still be empty.
    MARQUEE_SERVING_LOG_LEVEL: info (each request) or warning; default info.
    MARQUEE_SERVING_CORS_ORIGIN: origin that browsers may call from, or *; default none.
    MARQUEE_SERVING_RATE_LIMIT: requests that a worker takes from one address, such as 600/minute; default no limit.
    MARQUEE_SERVING_PROXIES: how many proxies in front set X-Forwarded-For, for that limit; default 0, which trusts none.
    Raises SettingError.
    """
    settings = os.environ if settings is None else settings
    root = settings.get("MARQUEE_PUBLICATION_STORE")
    if not root:
        raise SettingError("MARQUEE_PUBLICATION_STORE is not set: give the folder of the publication store.")
    # Empty stands for the default: that is how infra/control passes a setting that is not set.
    try:
        configure_logging(settings.get("MARQUEE_SERVING_LOG_LEVEL") or "info")
    except ValueError as error:
        raise SettingError(str(error)) from None
    app = Flask(__name__, static_folder="../web/static", template_folder="pages/templates")
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.url_map.strict_slashes = False
    live = LivePublication(Path(root), publication_serves, publication_failed)
    app.extensions[LIVE_PUBLICATION] = live
    cors_origin = settings.get("MARQUEE_SERVING_CORS_ORIGIN") or None
    finish_responses(app, cors_origin)
    observe_requests(app)
    proxies = settings.get("MARQUEE_SERVING_PROXIES") or "0"
    if not proxies.isdecimal():
        raise SettingError(f"MARQUEE_SERVING_PROXIES is {proxies!r}: give a whole number.")
    if rate := settings.get("MARQUEE_SERVING_RATE_LIMIT"):
        try:
            limit_requests(app, limits.parse(rate))
        except ValueError:
            raise SettingError(f"MARQUEE_SERVING_RATE_LIMIT is {rate!r}: give such as 600/minute.") from None
        # Nothing but the limit looks at a request's address.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=int(proxies), x_proto=0)  # type: ignore[method-assign] # as Flask means it
    else:
        # What is answered before Flask is not counted.
        app.wsgi_app = FastPath(app.wsgi_app, live, cors_origin)  # type: ignore[method-assign] # as Flask means it
    answer_errors(app)
    list_routes(app, live)
    catalogue_routes(app, live)
    mart_routes(app, live)
    newcomer_routes(app, live)
    publication_routes(app, live)
    _operation_routes(app, live)
    page_routes(app, live)
    return app


@cache
def _openapi_text() -> str:
    return json.dumps(openapi_document(), ensure_ascii=False)


def _operation_routes(app: Flask, live: LivePublication) -> None:
    @app.get("/health")
    def health() -> Response:
        return unstored({"status": "alive"})

    @app.get("/ready")
    def ready() -> Response:
        publication = current(live)
        degraded = live.failure is not None
        answer = {
            "status": "degraded" if degraded else "ready",
            "publication": publication.publication_id,
            "live": live.store.live(),
            "data_through": publication.data_through,
        }
        if degraded:
            answer["detail"] = "The live publication failed verification; the last sound one is served. See the log."
        return unstored(answer)

    @app.get("/metrics")
    def metrics() -> Response:
        try:
            live.current()
        except PublicationError:
            DEGRADED.set(1)
        else:
            DEGRADED.set(live.failure is not None)
        return metrics_response()

    @app.get("/openapi.json")
    def openapi() -> Response:
        return Response(_openapi_text(), mimetype="application/json", headers={"Cache-Control": REVALIDATE})

    @app.get("/docs")
    def docs() -> str:
        return render_template("docs.html", api=openapi_document(), kinds=problems.KINDS.values())

"""The read-only recommendation API: a Flask application over a publication store.

Set MARQUEE_PUBLICATION_STORE to the store's folder and run `python -m serving.recommendations.server`. The application
holds no credentials and writes only its log.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from flask import Flask

from serving.publications.reading.live import LivePublication
from serving.recommendations.answers.metrics import publication_failed, publication_serves
from serving.recommendations.answers.responses import answer_errors, finish_responses
from serving.recommendations.api.catalogue import catalogue_operations
from serving.recommendations.api.conventions import ApiConventions
from serving.recommendations.api.lists import (
    explanation_operation,
    popular_operations,
    similar_movies_operation,
    user_list_operation,
)
from serving.recommendations.api.marts import mart_operations, statistics_operations
from serving.recommendations.api.newcomers import newcomer_operation
from serving.recommendations.api.operation import health_operations, metrics_and_description
from serving.recommendations.api.publications import publication_operations
from serving.recommendations.fast_path import FastPath
from serving.recommendations.own_ids import OwnIdsPath
from serving.recommendations.pages.reviews import MovieReviews
from serving.recommendations.pages.views import page_routes
from serving.web.logs import configure_logging
from serving.web.operations import Operations
from serving.web.request_metrics import observe_requests

MAX_BODY_BYTES = 64 << 10
# Under this name the application's extensions hold its LivePublication.
LIVE_PUBLICATION = "live_publication"
DEFAULT_REVIEWS = "http://127.0.0.1:8002"


class SettingError(Exception):
    """A setting of the server is missing or wrong."""


def create_app(settings: Mapping[str, str] | None = None) -> Flask:
    """Return the application; `settings` replaces the environment.

    MARQUEE_PUBLICATION_STORE (required): the store's folder; it may still be empty.
    MARQUEE_SERVING_LOG_LEVEL: info (each request) or warning; default info.
    MARQUEE_REVIEWS_URL: the reviews service, which movie pages ask; default http://127.0.0.1:8002.
    MARQUEE_SERVING_CORS_ORIGIN: origin that browsers may call from, or *; default none.
    Raises SettingError.
    """
    settings = os.environ if settings is None else settings
    root = settings.get("MARQUEE_PUBLICATION_STORE")
    if not root:
        raise SettingError("MARQUEE_PUBLICATION_STORE is not set: give the folder of the publication store.")
    # infra/control passes a setting that is not set as an empty one: the default holds.
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
    app.wsgi_app = FastPath(OwnIdsPath(app.wsgi_app, live), live, cors_origin)  # type: ignore[method-assign] # as Flask means it
    answer_errors(app)
    api = Operations(app, ApiConventions(live))
    user_list_operation(api)
    explanation_operation(api)
    newcomer_operation(api)
    similar_movies_operation(api)
    popular_operations(api)
    mart_operations(api)
    statistics_operations(api)
    catalogue_operations(api)
    publication_operations(api, live)
    health_operations(api, live)
    metrics_and_description(app, api, live)
    page_routes(app, live, MovieReviews(settings.get("MARQUEE_REVIEWS_URL") or DEFAULT_REVIEWS))
    return app

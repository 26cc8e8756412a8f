"""The accounts service: a Flask application over its own database.

Set MARQUEE_ACCOUNTS_SECRET and run `gunicorn -c serving/accounts/gunicorn.conf.py
"serving.accounts.application:create_app()"` after `python -m serving.accounts migrate`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Final

from flask import Flask, Response, g, request
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import BaseConverter
from werkzeug.wrappers import Response as AnyResponse

from serving.accounts import problems, schemas
from serving.accounts.account_routes import account_routes
from serving.accounts.catalogue import follow_live
from serving.accounts.client_routes import client_routes, oauth_refused, oauth_routes
from serving.accounts.database import AccountsError, is_current, open_database, transactions
from serving.accounts.endpoints import EVERYBODY, Api, OAuthRefusal, Service
from serving.accounts.models import CatalogueLoad, Movie
from serving.accounts.movie_routes import movie_routes
from serving.accounts.openapi import openapi_document
from serving.accounts.pages import configure_sessions, error_page, is_page, page_routes
from serving.accounts.rating_routes import rating_routes
from serving.accounts.recommendation_client import RecommendationClient
from serving.accounts.sign_in import Limit
from serving.accounts.tokens import TokenMaker
from serving.web.api_page import description_routes
from serving.web.flask_errors import problem_response, refusal
from serving.web.headers import DATA_POLICY, PAGE_POLICY
from serving.web.logs import configure_logging, error_log
from serving.web.problems import ProblemError
from serving.web.request_metrics import metrics_response, observe_requests

DEFAULT_DATABASE: Final = "sqlite:///marquee-accounts.sqlite"
DEFAULT_API: Final = "http://127.0.0.1:8000"
_MAX_BODY_BYTES: Final = 64 << 10


class IdConverter(BaseConverter):
    """An id in an address, from 1 to 9999999999; those over 2147483647 are answered with not-found by the endpoint."""

    regex = "[1-9][0-9]{0,9}"

    def to_python(self, value: str) -> int:
        """Return the number."""
        return int(value)


class HexConverter(BaseConverter):
    """An id of hexadecimal digits in an address."""

    regex = "[0-9a-f]{1,40}"


def create_app(settings: Mapping[str, str] | None = None) -> Flask:
    """Return the application; `settings` stands in for the environment.

    MARQUEE_ACCOUNTS_SECRET (required): at least 32 random characters; access tokens are signed with it.
    MARQUEE_ACCOUNTS_DATABASE: URL of a migrated database; default sqlite:///marquee-accounts.sqlite.
    MARQUEE_PUBLICATION_STORE: folder of the store whose live publication the catalogue follows; default: none is followed.
    MARQUEE_ACCOUNTS_PROXIES: how many proxies in front set X-Forwarded-For and -Proto; default 0, which trusts none.
    MARQUEE_API_URL: the recommendation API, which the pages ask; default http://127.0.0.1:8000.
    MARQUEE_GATEWAY_CERTIFICATE: set where the site is reached by TLS: cookies are then sent by TLS alone.
    MARQUEE_SERVING_LOG_LEVEL: info (each request) or warning; default info.
    Where another than the secret is empty its default holds. Raises AccountsError.
    """
    settings = os.environ if settings is None else settings
    secret = settings.get("MARQUEE_ACCOUNTS_SECRET")
    if not secret:
        raise AccountsError("MARQUEE_ACCOUNTS_SECRET is not set: give a random text of 32 characters or more.")
    # Empty stands for the default: that is how infra/control passes a setting that is not set.
    try:
        configure_logging(settings.get("MARQUEE_SERVING_LOG_LEVEL") or "info")
    except ValueError as error:
        raise AccountsError(str(error)) from None
    engine = open_database(settings.get("MARQUEE_ACCOUNTS_DATABASE") or DEFAULT_DATABASE)
    service = Service(transactions(engine), TokenMaker(secret), Limit())
    # The style sheet is that of the recommendation API's page: they are one site.
    app = Flask(__name__, static_folder=Path(__file__).parents[1] / "web" / "static", static_url_path="/account/static")
    app.config["MAX_CONTENT_LENGTH"] = _MAX_BODY_BYTES
    app.url_map.converters |= {"id": IdConverter, "hex": HexConverter}
    app.extensions["marquee-engine"] = engine
    _trust_proxies(app, settings.get("MARQUEE_ACCOUNTS_PROXIES") or "0")
    _finish_responses(app)
    observe_requests(app)
    _answer_errors(app)
    api = Api(app, service)
    movie_routes(api)
    rating_routes(api)
    account_routes(api)
    client_routes(api)
    oauth_routes(api)
    _operation_routes(api)
    _metrics_and_description(app, api)
    configure_sessions(app, secret, secure=bool(settings.get("MARQUEE_GATEWAY_CERTIFICATE")))
    page_routes(app, service, RecommendationClient(settings.get("MARQUEE_API_URL") or DEFAULT_API))
    return app


def _trust_proxies(app: Flask, number: str) -> None:
    if not number.isdecimal():
        raise AccountsError(f"MARQUEE_ACCOUNTS_PROXIES is {number!r}: give a whole number.")
    if proxies := int(number):
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies)  # type: ignore[method-assign]


def start_following(settings: Mapping[str, str], app: Flask) -> None:
    """Keep the catalogue with the live publication from here on; called in each worker, since threads do not survive a fork."""
    store = settings.get("MARQUEE_PUBLICATION_STORE")
    if store:
        follow_live(transactions(app.extensions["marquee-engine"]), Path(store))


def _operation_routes(api: Api) -> None:
    factory = api.service.transactions

    @api.endpoint(
        "GET", "/accounts/health", EVERYBODY, "Whether the process answers.", tag="operation", answer=schemas.Health
    )
    def health() -> schemas.Health:
        return schemas.Health(status="alive")

    @api.endpoint(
        "GET",
        "/accounts/ready",
        EVERYBODY,
        "Whether the database answers and is migrated.",
        tag="operation",
        answer=schemas.Ready,
    )
    def ready() -> schemas.Ready:
        with factory() as database:
            if not is_current(database.get_bind()):  # type: ignore[arg-type]
                raise ProblemError(problems.UNAVAILABLE, "The tables are of another version: migrate the database.")
            source = database.scalar(select(CatalogueLoad.source))
            movies = database.scalar(select(func.count()).select_from(Movie).where(Movie.withdrawn_at.is_(None)))
        return schemas.Ready(status="ready", catalogue=source, movies=movies or 0)


def _metrics_and_description(app: Flask, api: Api) -> None:
    description_routes(
        app,
        "/accounts",
        lambda: openapi_document(api.endpoints),
        problems.KINDS.values(),
        caching="no-cache",
        links=("/accounts/openapi.json",),
        examples=False,
    )

    @app.get("/accounts/metrics")
    def metrics() -> Response:
        return metrics_response()


def _finish_responses(app: Flask) -> None:
    @app.after_request
    def finish(response: Response) -> Response:
        headers = response.headers
        headers["Content-Security-Policy"] = PAGE_POLICY if response.mimetype == "text/html" else DATA_POLICY
        headers["X-Content-Type-Options"] = "nosniff"
        # A form's referrer is looked at where there is TLS; other sites get none.
        headers["Referrer-Policy"] = "same-origin" if is_page(request.path) else "no-referrer"
        if is_page(request.path) and not request.path.startswith("/account/static/"):
            headers["Cache-Control"] = "no-store"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        return response


def _answer_errors(app: Flask) -> None:
    @app.errorhandler(ProblemError)
    def known(error: ProblemError) -> AnyResponse:
        if is_page(request.path):
            return error_page(error)
        response = problem_response(error.kind, error.detail, request.path, error.extra)
        if error.kind.status == HTTPStatus.UNAUTHORIZED:
            response.headers["WWW-Authenticate"] = 'Bearer realm="marquee"'
        return response

    app.register_error_handler(OAuthRefusal, oauth_refused)

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> AnyResponse:
        if is_page(request.path):
            return error_page(error)
        return refusal(error, request.path, problems.KINDS, problems.BAD_REQUEST)

    @app.errorhandler(OperationalError)
    def unavailable(error: OperationalError) -> AnyResponse:
        error_log.error("database", exc_info=error, extra={"fields": {"request_id": g.get("request_id")}})
        return known(ProblemError(problems.UNAVAILABLE, problems.UNAVAILABLE.meaning))

    @app.errorhandler(Exception)
    def defect(error: Exception) -> AnyResponse:
        error_log.error("defect", exc_info=error, extra={"fields": {"request_id": g.get("request_id")}})
        return known(ProblemError(problems.INTERNAL, problems.INTERNAL.meaning))

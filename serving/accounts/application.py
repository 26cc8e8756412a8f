"""The accounts service: a Flask application over its own database.

Set MARQUEE_ACCOUNTS_SECRET and run `gunicorn -c serving/accounts/gunicorn.conf.py
"serving.accounts.application:create_app()"` after `python -m serving.accounts migrate`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Final

from flask import Flask, Response, g, request
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import BaseConverter
from werkzeug.wrappers import Response as AnyResponse

from serving.accounts.api.accounts import account_routes
from serving.accounts.api.administration import administration_routes
from serving.accounts.api.clients import client_routes
from serving.accounts.api.conventions import AccountOperations, OAuthRefusal
from serving.accounts.api.movies import movie_routes
from serving.accounts.api.oauth import oauth_refused, oauth_routes
from serving.accounts.api.operation import metrics_and_description, operation_routes
from serving.accounts.api.ratings import rating_routes
from serving.accounts.api.sessions import session_routes
from serving.accounts.database.engine import open_database, transactions
from serving.accounts.database.errors import AccountsError
from serving.accounts.domain import problems
from serving.accounts.domain.catalogue import follow_live
from serving.accounts.domain.own_data.ids import own_data_is_live
from serving.accounts.domain.service import Service
from serving.accounts.domain.sign_in import Limit
from serving.accounts.domain.tokens import TokenMaker
from serving.accounts.movie_addresses import MovieAddresses, MovieConverter
from serving.accounts.pages.recommendation_client import RecommendationClient
from serving.accounts.pages.rendering import error_page
from serving.accounts.pages.reviews.client import ReviewsClient
from serving.accounts.pages.views import configure_sessions, is_page, page_routes
from serving.web.addresses import lead_on
from serving.web.flask_errors import problem_response, refusal
from serving.web.headers import DATA_POLICY, PAGE_POLICY
from serving.web.logs import configure_logging, error_log
from serving.web.problems import ProblemError
from serving.web.request_metrics import observe_requests

DEFAULT_DATABASE: Final = "sqlite:///marquee-accounts.sqlite"
DEFAULT_API: Final = "http://127.0.0.1:8000"
DEFAULT_REVIEWS: Final = "http://127.0.0.1:8002"
_MAX_BODY_BYTES: Final = 64 << 10
# Addresses that people guess, and what they mean.
_OTHER_NAMES: Final = {"/accounts": "/account"}


class IdConverter(BaseConverter):
    """An id in an address, from 1 to 9999999999.

    The endpoint answers not-found for ids over 2147483647.
    """

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
    MARQUEE_PUBLICATION_STORE: folder of the store whose live publication the catalogue follows; default: it follows none.
    MARQUEE_ACCOUNTS_PROXIES: how many proxies in front set X-Forwarded-For and -Proto; default 0, which trusts none.
    MARQUEE_API_URL: the recommendation API, which the pages ask; default http://127.0.0.1:8000.
    MARQUEE_REVIEWS_URL: the reviews service, which the pages and an account's export ask; default http://127.0.0.1:8002.
    MARQUEE_GATEWAY_CERTIFICATE: set where the site is reached by TLS: cookies are then sent by TLS alone.
    MARQUEE_SERVING_LOG_LEVEL: info (each request) or warning; default info.
    Any setting but the secret may be empty: its default holds then. Raises AccountsError.
    """
    settings = os.environ if settings is None else settings
    secret = settings.get("MARQUEE_ACCOUNTS_SECRET")
    if not secret:
        raise AccountsError("MARQUEE_ACCOUNTS_SECRET is not set. Give a random text of 32 characters or more.")
    # infra/control passes a setting that is not set as an empty one: the default holds.
    try:
        configure_logging(settings.get("MARQUEE_SERVING_LOG_LEVEL") or "info")
    except ValueError as error:
        raise AccountsError(str(error)) from None
    engine = open_database(settings.get("MARQUEE_ACCOUNTS_DATABASE") or DEFAULT_DATABASE)
    reviews = ReviewsClient(settings.get("MARQUEE_REVIEWS_URL") or DEFAULT_REVIEWS)
    service = Service(transactions(engine), TokenMaker(secret), Limit(), reviews.kept)
    # The style sheet is that of the recommendation API's pages: both are one site.
    app = Flask(
        __name__,
        static_folder=Path(__file__).parents[1] / "web" / "static",
        static_url_path="/account/static",
        template_folder="pages/templates",
    )
    app.config["MAX_CONTENT_LENGTH"] = _MAX_BODY_BYTES
    app.url_map.converters |= {"id": IdConverter, "hex": HexConverter, "movie": MovieConverter}
    app.extensions["marquee-engine"] = engine
    has_own_data = partial(own_data_is_live, service.transactions)
    app.wsgi_app = MovieAddresses(app.wsgi_app, has_own_data)  # type: ignore[method-assign] # as Flask means it
    _trust_proxies(app, settings.get("MARQUEE_ACCOUNTS_PROXIES") or "0")
    _finish_responses(app)
    observe_requests(app)
    _answer_errors(app)
    api = AccountOperations(app, service)
    # The OpenAPI document has the endpoints in this order.
    for routes in (
        *(movie_routes, rating_routes, session_routes, account_routes, administration_routes),
        *(client_routes, oauth_routes, operation_routes),
    ):
        routes(api)
    metrics_and_description(app, api)
    configure_sessions(app, secret, secure=bool(settings.get("MARQUEE_GATEWAY_CERTIFICATE")))
    recommendations = RecommendationClient(settings.get("MARQUEE_API_URL") or DEFAULT_API)
    page_routes(app, service, recommendations, reviews)
    return app


def _trust_proxies(app: Flask, number: str) -> None:
    if not number.isdecimal():
        raise AccountsError(f"MARQUEE_ACCOUNTS_PROXIES is {number!r}. Give a whole number.")
    if proxies := int(number):
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies)  # type: ignore[method-assign]


def start_following(settings: Mapping[str, str], app: Flask) -> None:
    """Follow the live publication with the catalogue from here on.

    Each worker calls this, since threads do not survive a fork.
    """
    store = settings.get("MARQUEE_PUBLICATION_STORE")
    if store:
        follow_live(transactions(app.extensions["marquee-engine"]), Path(store))


def _finish_responses(app: Flask) -> None:
    @app.after_request
    def finish(response: Response) -> Response:
        headers = response.headers
        headers["Content-Security-Policy"] = PAGE_POLICY if response.mimetype == "text/html" else DATA_POLICY
        headers["X-Content-Type-Options"] = "nosniff"
        # With TLS, Flask-WTF checks a form's referrer. Other sites get none.
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
        if redirect := lead_on(error, _OTHER_NAMES):
            return redirect
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

"""The pages for people: accounts, ratings, and recommendations.

The server renders them without scripts. A browser holds one cookie: a signed session that names a row of `sessions`,
which the server can end. Every form carries a token that a page of another site cannot know (Flask-WTF).
"""

from __future__ import annotations

import hmac
from datetime import timedelta
from typing import Final

from flask import Blueprint, Flask, g, redirect, request, session, url_for
from flask_wtf.csrf import CSRFProtect
from werkzeug.wrappers import Response

from serving.accounts.domain.service import Service
from serving.accounts.domain.tokens import SESSION_SECONDS, user_of_session
from serving.accounts.pages.ratings import rating_pages
from serving.accounts.pages.recommendation_client import RecommendationClient
from serving.accounts.pages.rendering import chosen_language
from serving.accounts.pages.reviews.client import ReviewsClient
from serving.accounts.pages.reviews.drafts import MAX_FORM_BYTES
from serving.accounts.pages.reviews.staff import staff_pages
from serving.accounts.pages.reviews.views import Visit, review_pages
from serving.accounts.pages.settings import settings_pages
from serving.accounts.pages.sign_in import sign_in_pages
from serving.web.translations import TRANSLATIONS, asked_in_address, languages, translate_templates

# Pages for visitors who are not signed in.
_OPEN: Final = {
    *("pages.enter", "pages.sign_in_form", "pages.join", "pages.sign_up_form", "pages.set_language"),
    # The latter keeps the text of a session that has ended meanwhile, and asks to sign in.
    *("pages.movie_reviews", "pages.write_review"),
}


def is_page(path: str) -> bool:
    """Return whether an address is one of the pages, not of the API."""
    return path == "/account" or path.startswith("/account/")


def configure_sessions(app: Flask, secret: str, *, secure: bool) -> None:
    """Set the cookie and the protection of forms.

    `secure` is for sites that are reached by TLS alone.
    """
    app.config |= {
        "SECRET_KEY": hmac.digest(secret.encode(), b"browser sessions", "sha256"),
        "SESSION_COOKIE_NAME": "marquee_account",
        "SESSION_COOKIE_PATH": "/account",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": secure,
        "PERMANENT_SESSION_LIFETIME": timedelta(seconds=SESSION_SECONDS),
        # The API has no cookies, so nothing can be forged there: only the pages ask for the token, see guard().
        "WTF_CSRF_CHECK_DEFAULT": False,
        "WTF_CSRF_TIME_LIMIT": 86_400,
    }


def page_routes(app: Flask, service: Service, recommendations: RecommendationClient, reviews: ReviewsClient) -> None:
    """Add the pages."""
    translate_templates(app, TRANSLATIONS / "accounts", chosen_language)
    pages = Blueprint("pages", __name__, url_prefix="/account")
    protection = CSRFProtect(app)

    @pages.before_request
    def guard() -> Response | None:
        if request.endpoint == "pages.write_review":
            request.max_content_length = request.max_form_memory_size = MAX_FORM_BYTES
        protection.protect()
        # The recommendation API's pages hand on the language that their address has.
        if (asked := asked_in_address()) in languages():
            session["language"] = asked
        session_id = session.get("sid")
        g.user = None if session_id is None else user_of_session(service.transactions, session_id)
        if g.user is None and request.endpoint not in _OPEN:
            return redirect(url_for("pages.sign_in_form"), 303)
        return None

    sign_in_pages(pages, service)
    rating_pages(pages, service, recommendations)
    settings_pages(pages, service)
    visit = Visit(service, reviews)
    review_pages(pages, visit)
    staff_pages(pages, visit)
    app.register_blueprint(pages)

"""The pages for people: sign up and in, rate with one click, one's ratings, and one's recommendations, now and nightly.

Rendered on the server without scripts. A browser holds one cookie: a signed session that names a row of `sessions`, which
the server can end. Every form carries a token that a page of another site can't know (Flask-WTF).
"""

from __future__ import annotations

import hmac
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode

from flask import Blueprint, Flask, g, make_response, redirect, render_template, request, session, url_for
from flask_wtf.csrf import CSRFError, CSRFProtect
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from serving.accounts import problems, schemas
from serving.accounts.account_routes import change_password, delete_account, export_account, register
from serving.accounts.endpoints import Service, answered, client_address
from serving.accounts.models import User
from serving.accounts.movie_routes import as_movie, find_movies, without_withdrawn
from serving.accounts.rating_routes import all_ratings, rate, unrate
from serving.accounts.recommendation_client import RecommendationClient, Recommended, UnreachableError
from serving.accounts.sign_in import sign_in
from serving.accounts.texts import LANGUAGES, TEXTS
from serving.accounts.tokens import SESSION_SECONDS, begin_for_browser, principal_of, revoke_session, revoke_sessions
from serving.publications.format import MAX_ID
from serving.web.problems import ProblemError

_SHOWN: Final = 20
_LISTED: Final = 10
# Pages that are for those who are not signed in.
_OPEN: Final = {"pages.enter", "pages.sign_in_form", "pages.join", "pages.sign_up_form", "pages.set_language"}


def is_page(path: str) -> bool:
    """Say whether an address is one of the pages, not of the API."""
    return path == "/account" or path.startswith("/account/")


def configure_sessions(app: Flask, secret: str, *, secure: bool) -> None:
    """Set the cookie and the protection of forms; `secure` is for sites that are reached by TLS alone."""
    app.config |= {
        "SECRET_KEY": hmac.digest(secret.encode(), b"browser sessions", "sha256"),
        "SESSION_COOKIE_NAME": "marquee_account",
        "SESSION_COOKIE_PATH": "/account",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": secure,
        "PERMANENT_SESSION_LIFETIME": timedelta(seconds=SESSION_SECONDS),
        # The API has no cookies, so that nothing can be forged there: pages() asks for the token, of pages alone.
        "WTF_CSRF_CHECK_DEFAULT": False,
        "WTF_CSRF_TIME_LIMIT": 86_400,
    }


def page_routes(app: Flask, service: Service, recommendations: RecommendationClient) -> None:
    """Add the pages."""
    pages = Blueprint("pages", __name__, url_prefix="/account")
    protection = CSRFProtect(app)

    @pages.before_request
    def guard() -> Response | None:
        protection.protect()
        g.user = _user_of_cookie(service)
        if g.user is None and request.endpoint not in _OPEN:
            return redirect(url_for("pages.sign_in_form"), 303)
        return None

    _sign_in_pages(pages, service)
    _rating_pages(pages, service, recommendations)
    _settings_pages(pages, service)
    app.register_blueprint(pages)


def _user_of_cookie(service: Service) -> User | None:
    session_id = session.get("sid")
    if session_id is None:
        return None
    with service.transactions() as database:
        who = principal_of(database, session_id)
        return None if who is None or who.user_id is None else database.get(User, who.user_id)


def language() -> str:
    """Return the language that was chosen, or the one that the browser prefers."""
    return session.get("language") or request.accept_languages.best_match(list(LANGUAGES)) or "en"


def _page(template: str, status: int = 200, **values: Any) -> Response:
    chosen = language()
    notice = session.pop("notice", None)
    texts = TEXTS[chosen]
    if notice is not None:
        values.setdefault("notice", texts[notice[0]].format(**notice[1]))
    rendered = render_template(
        template, text=texts, language=chosen, languages=LANGUAGES, user=g.get("user"), address=request.path, **values
    )
    return make_response(rendered, status)


def _then(endpoint: str, notice: str | None = None, **values: str) -> Response:
    """Go to a page after a change; the notice is shown there once."""
    if notice is not None:
        session["notice"] = (notice, values)
    return redirect(url_for(endpoint), 303)


def _text_of(kind: str) -> str:
    return f"problem-{kind}" if f"problem-{kind}" in TEXTS["en"] else "problem-other"


def error_page(error: ProblemError | HTTPException) -> Response:
    """Return an error as a page."""
    if isinstance(error, ProblemError):
        status, kind = error.kind.status, error.kind.name
    else:
        status = error.code or 500
        kind = "form" if isinstance(error, CSRFError) else "not-found" if status in (404, 405) else "other"
    return _page("error.html", status, bare=True, message=TEXTS[language()][_text_of(kind)])


def _form_again(template: str, error: ProblemError | ValidationError, **values: Any) -> Response:
    """Show a form again with what was wrong."""
    kind = error.kind if isinstance(error, ProblemError) else problems.BAD_REQUEST
    return _page(template, kind.status, message=TEXTS[language()][_text_of(kind.name)], **values)


def _begin(service: Service, user: User) -> None:
    """Begin a session for this browser; what the cookie held before, it holds no more."""
    chosen = session.get("language")
    session.clear()
    session.permanent = True
    if chosen:
        session["language"] = chosen
    with service.transactions.begin() as database:
        session["sid"] = begin_for_browser(database, user)


def _sign_in_pages(pages: Blueprint, service: Service) -> None:
    factory = service.transactions

    @pages.get("/sign-in")
    def sign_in_form() -> Response:
        return _page("sign_in.html")

    @pages.post("/sign-in")
    def enter() -> Response:
        name = request.form.get("name", "")
        try:
            given = schemas.Credentials(name=name.strip(), password=request.form.get("password", ""))
            user = sign_in(factory, service.limit, given.name, given.password, client_address())
        except (ProblemError, ValidationError) as error:
            return _form_again("sign_in.html", error, name=name)
        _begin(service, user)
        return _then("pages.home")

    @pages.get("/sign-up")
    def sign_up_form() -> Response:
        return _page("sign_up.html")

    @pages.post("/sign-up")
    def join() -> Response:
        name = request.form.get("name", "")
        try:
            given = schemas.NewAccount(name=name, password=request.form.get("password", ""))
            user = register(factory, given.name, given.password)
        except (ProblemError, ValidationError) as error:
            return _form_again("sign_up.html", error, name=name)
        _begin(service, user)
        return _then("pages.home")

    @pages.post("/sign-out")
    def leave() -> Response:
        with factory.begin() as database:
            revoke_session(database, session["sid"])
        session.clear()
        return _then("pages.sign_in_form", "signed_out")

    @pages.post("/language")
    def set_language() -> Response:
        chosen = request.form.get("language", "")
        if chosen in LANGUAGES:
            session["language"] = chosen
        # Back to a page of ours, whatever the form says.
        back = request.form.get("back", "")
        known = {url_for(f"pages.{name}") for name in ("home", "sign_in_form", "sign_up_form", "ratings", "settings")}
        return redirect(back if back in known else url_for("pages.home"), 303)


def _rating_pages(pages: Blueprint, service: Service, recommendations: RecommendationClient) -> None:
    factory = service.transactions

    @pages.get("")
    def home() -> Response:
        words = request.args.get("q", "")[:100]
        after = request.args.get("after", "0")
        with factory() as database:
            rated = all_ratings(database, g.user.user_id)
            searched = bool(words.strip()) and words.isprintable()
            found = find_movies(database, words, int(after) if after.isdecimal() else 0, _SHOWN + 1) if searched else []
        stars = {rating.movie_id: rating.rating for rating in rated}
        more = f"?{urlencode({'q': words, 'after': found[_SHOWN - 1].movie_id})}" if len(found) > _SHOWN else None
        now, nightly, unreachable = _lists(rated)
        return _page(
            "home.html",
            words=words,
            searched=searched,
            movies=[as_movie(movie) for movie in found[:_SHOWN]],
            more=more,
            stars=stars,
            now=now,
            nightly=nightly,
            unreachable=unreachable,
        )

    def _lists(rated: list[schemas.OwnRating]) -> tuple[Recommended | None, Recommended | None, bool]:
        """Return the list of now, the nightly one, and whether the API could not be asked."""
        given = [(rating.movie_id, rating.rating, rating.rated_at) for rating in rated]
        try:
            now = recommendations.now(given, client_address()) if given else None
            nightly = recommendations.nightly(g.user.user_id, client_address())
        except UnreachableError:
            return None, None, True
        return _listed(now), _listed(nightly), False

    def _listed(found: Recommended | None) -> Recommended | None:
        # The API knows nothing of what is withdrawn here.
        if found is None:
            return None
        with factory() as database:
            return replace(found, items=without_withdrawn(database, found.items)[:_LISTED])

    @pages.post("/ratings/<id:movie>")
    def rate_here(movie: int) -> Response:
        chosen = request.form.get("stars", "")
        if chosen not in ("1", "2", "3", "4", "5", "none"):
            raise ProblemError(problems.BAD_REQUEST, "stars is 1 to 5, or none.")
        if movie > MAX_ID:
            raise ProblemError(problems.NOT_FOUND, "There is no such movie.")
        if chosen == "none":
            return _then("pages.ratings", "removed", title=unrate(factory, g.user.user_id, movie))
        rating, _ = rate(factory, g.user.user_id, movie, 2 * int(chosen))
        return _then("pages.home", "rated", title=rating.title, stars=chosen)

    @pages.get("/ratings")
    def ratings() -> Response:
        with factory() as database:
            return _page("ratings.html", ratings=all_ratings(database, g.user.user_id))


def _settings_pages(pages: Blueprint, service: Service) -> None:
    factory = service.transactions

    @pages.get("/settings")
    def settings() -> Response:
        return _page("settings.html")

    @pages.post("/password")
    def set_password() -> Response:
        try:
            given = schemas.PasswordChange(
                current_password=request.form.get("current_password", ""),
                new_password=request.form.get("new_password", ""),
            )
            found = sign_in(factory, service.limit, g.user.name, given.current_password, client_address())
            change_password(factory, found, session["sid"], given.new_password)
        except (ProblemError, ValidationError) as error:
            return _form_again("settings.html", error)
        return _then("pages.settings", "password_changed")

    @pages.post("/sign-out-everywhere")
    def leave_everywhere() -> Response:
        with factory.begin() as database:
            revoke_sessions(database, g.user.user_id)
        session.clear()
        return _then("pages.sign_in_form", "signed_out")

    @pages.get("/export")
    def export() -> Response:
        with factory() as database:
            response = answered(export_account(database, g.user.user_id, session["sid"]), 200)
        response.headers["Content-Disposition"] = f'attachment; filename="marquee-account-{g.user.user_id}.json"'
        return response

    @pages.post("/delete")
    def delete() -> Response:
        try:
            sign_in(factory, service.limit, g.user.name, request.form.get("password", ""), client_address())
            delete_account(factory, g.user.user_id)
        except ProblemError as error:
            return _form_again("settings.html", error)
        session.clear()
        return _then("pages.sign_in_form", "deleted")

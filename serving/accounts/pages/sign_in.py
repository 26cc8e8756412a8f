"""The pages for signing up, in and out, and the choice of a language."""

from __future__ import annotations

from flask import Blueprint, redirect, request, session, url_for
from pydantic import ValidationError
from werkzeug.wrappers import Response

from serving.accounts.database.models import User
from serving.accounts.domain.registration import register
from serving.accounts.domain.retries import RequestKey
from serving.accounts.domain.schemas import accounts as schemas
from serving.accounts.domain.service import Service
from serving.accounts.domain.sign_in import sign_in
from serving.accounts.domain.tokens import begin_for_browser, revoke_session
from serving.accounts.pages.own_pages import own_page
from serving.accounts.pages.rendering import form_again, page, then
from serving.web.problems import ProblemError
from serving.web.replies import client_address
from serving.web.translations import languages


def sign_in_pages(pages: Blueprint, service: Service) -> None:
    """Add the pages for signing up, in and out, and the choice of a language."""
    factory = service.transactions

    @pages.get("/sign-in")
    def sign_in_form() -> Response:
        return page("sign_in.html", following=_following())

    @pages.post("/sign-in")
    def enter() -> Response:
        name = request.form.get("name", "")
        try:
            given = schemas.Credentials(name=name.strip(), password=request.form.get("password", ""))
            user = sign_in(factory, service.limit, given.name, given.password, client_address())
        except (ProblemError, ValidationError) as error:
            return form_again("sign_in.html", error, name=name, following=_following())
        return _entered(service, user)

    @pages.get("/sign-up")
    def sign_up_form() -> Response:
        return page("sign_up.html", following=_following())

    @pages.post("/sign-up")
    def join() -> Response:
        name = request.form.get("name", "")
        try:
            given = schemas.NewAccount(name=name, password=request.form.get("password", ""))
            # A form that is sent again, after a lost answer or by a second click, has the same token.
            form = service.tokens.digest("sign-up", request.form.get("csrf_token", ""), given.name)
            user = register(factory, given.name, given.password, key=RequestKey(form, form))
        except (ProblemError, ValidationError) as error:
            return form_again("sign_up.html", error, name=name, following=_following())
        return _entered(service, user)

    @pages.post("/sign-out")
    def leave() -> Response:
        with factory.begin() as database:
            revoke_session(database, session["sid"])
        session.clear()
        return then("pages.sign_in_form", "signed_out")

    @pages.post("/language")
    def set_language() -> Response:
        chosen = request.form.get("language", "")
        if chosen in languages():
            session["language"] = chosen
        return redirect(own_page(request.form.get("back", "")) or url_for("pages.home"), 303)


def _following() -> str | None:
    """Return the page that one comes from and goes back to, or None."""
    return own_page(request.values.get("next", ""))


def _entered(service: Service, user: User) -> Response:
    following = _following()
    _begin(service, user)
    return redirect(following or url_for("pages.home"), 303)


def _begin(service: Service, user: User) -> None:
    """Begin a session for this browser and replace all that its cookie held."""
    chosen = session.get("language")
    session.clear()
    session.permanent = True
    if chosen:
        session["language"] = chosen
    with service.transactions.begin() as database:
        session["sid"] = begin_for_browser(database, user)

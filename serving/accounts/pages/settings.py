"""The pages for an account's password, data, sessions and end."""

from __future__ import annotations

from flask import Blueprint, g, request, session
from pydantic import ValidationError
from werkzeug.wrappers import Response

from serving.accounts.domain.registration import change_password, delete_account
from serving.accounts.domain.schemas import accounts as schemas
from serving.accounts.domain.service import Service, exported_account
from serving.accounts.domain.sign_in import sign_in
from serving.accounts.domain.tokens import revoke_sessions
from serving.accounts.pages.rendering import form_again, page, then
from serving.web.problems import ProblemError
from serving.web.replies import answered, client_address


def settings_pages(pages: Blueprint, service: Service) -> None:
    """Add the pages for an account's password, data, sessions and end."""
    factory = service.transactions

    @pages.get("/settings")
    def settings() -> Response:
        return page("settings.html")

    @pages.post("/password")
    def set_password() -> Response:
        try:
            given = schemas.PasswordChange(
                current_password=request.form.get("current_password", ""),
                new_password=request.form.get("new_password", ""),
            )
            current, following = given.current_password, given.new_password
            found = sign_in(factory, service.limit, g.user.name, current, client_address(), following=following)
            change_password(factory, found, session["sid"], following)
        except (ProblemError, ValidationError) as error:
            return form_again("settings.html", error)
        return then("pages.settings", "password_changed")

    @pages.post("/sign-out-everywhere")
    def leave_everywhere() -> Response:
        with factory.begin() as database:
            revoke_sessions(database, g.user.user_id)
        session.clear()
        return then("pages.sign_in_form", "signed_out")

    @pages.get("/export")
    def export() -> Response:
        document, name = exported_account(service, g.user.user_id, session["sid"])
        response = answered(document, 200)
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return response

    @pages.post("/delete")
    def delete() -> Response:
        try:
            sign_in(factory, service.limit, g.user.name, request.form.get("password", ""), client_address())
            delete_account(factory, g.user.user_id)
        except ProblemError as error:
            return form_again("settings.html", error)
        session.clear()
        return then("pages.sign_in_form", "deleted")

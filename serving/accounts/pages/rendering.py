"""Pages as responses, with notices and messages, in the visitor's language."""

from __future__ import annotations

import re
from typing import Any, Final

from flask import g, make_response, redirect, render_template, request, session, url_for
from flask_wtf.csrf import CSRFError
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from serving.accounts.domain import problems
from serving.web.problems import ProblemError
from serving.web.translations import gettext

# By the names that sessions hold. The English text is the key of its translation.
NOTICES: Final = {
    "rated": "%(title)s: %(stars)s stars. Your list below has it.",
    "removed": "%(title)s: rating removed.",
    "password_changed": "The password is changed; other devices are signed out.",
    "deleted": "Your account is deleted.",
    "signed_out": "You are signed out.",
    "review_saved": "%(title)s: your review is saved.",
    "review_deleted": "Your review is deleted.",
    "review_hidden": "The review is hidden. Its author sees the reason.",
    "review_shown": "The review is shown again.",
    "review_gone": "This review is not there any more.",
}
# By the kinds of problems, `form` and `other`.
PROBLEMS: Final = {
    "wrong-credentials": "The name and the password do not belong together.",
    "name-taken": "Somebody else has this name, or one that reads alike. Choose another.",
    "weak-password": "This password is too short, too common or too easily guessed. Choose another.",
    "bad-request": "Something is missing or not allowed. A name has 3 to 40 letters, digits, '.', '_', '-'.",
    "too-many-attempts": "Too many failed attempts. Wait some minutes, then try again.",
    "last-admin": "The only administrator can't be deleted.",
    "not-found": "There is nothing here.",
    "too-large": "This text is too long. Go back and shorten it.",
    "forbidden": "This account may not do this. Sign in as one that may.",
    "unavailable": "A service of this site does not answer. Nothing was changed. Try again shortly.",
    "character": "%(character)s is not allowed here. Remove it.",
    "form": "This form is out of date. Go back, reload it and try again.",
    "other": "Something went wrong. Try again shortly.",
}
# How the rules of names write a character that they refuse.
_CHARACTER: Final = re.compile(r"U\+[0-9A-F]{4,6} [A-Z0-9 -]*[A-Z0-9]")


def chosen_language() -> str:
    """Return the language that the visitor chose by a button, or ''."""
    return str(session.get("language", ""))


def page(template: str, status: int = 200, **values: Any) -> Response:
    """Return a page, with the notice that an earlier change left in the session."""
    notice = session.pop("notice", None)
    if notice is not None:
        values.setdefault("notice", gettext(NOTICES[notice[0]], **notice[1]))
    return make_response(render_template(template, user=g.get("user"), address=request.path, **values), status)


def then(endpoint: str, notice: str | None = None, **values: str) -> Response:
    """Return a redirect to a page after a change; that page shows the notice once."""
    if notice is not None:
        note(notice, **values)
    return redirect(url_for(endpoint), 303)


def note(notice: str, **values: str) -> None:
    """Leave a notice for the next page, which shows it once."""
    session["notice"] = (notice, values)


def error_page(error: ProblemError | HTTPException) -> Response:
    """Return an error as a page."""
    if isinstance(error, ProblemError):
        status, kind = error.kind.status, error.kind.name
    else:
        status = error.code or 500
        by_status = {404: "not-found", 405: "not-found", 413: "too-large"}
        kind = "form" if isinstance(error, CSRFError) else by_status.get(status, "other")
    return page("error.html", status, bare=True, message=_problem_text(kind))


def other_data() -> Response:
    """Return the page for a form that was made while other data was live.

    Its id may be that of another movie now.
    """
    message = gettext("Other data is live since the page was made. Go back, open the page again, and repeat it there.")
    return page("error.html", 404, message=message)


def form_again(template: str, error: ProblemError | ValidationError, **values: Any) -> Response:
    """Return a form again, with what was wrong."""
    kind = error.kind if isinstance(error, ProblemError) else problems.BAD_REQUEST
    refused = None if isinstance(error, ProblemError) else _CHARACTER.search(str(error.errors()[0]["msg"]))
    text = PROBLEMS["character"]
    message = gettext(text, character=refused[0]) if refused else _problem_text(kind.name)
    return page(template, kind.status, message=message, **values)


def _problem_text(kind: str) -> str:
    return gettext(PROBLEMS.get(kind, PROBLEMS["other"]))

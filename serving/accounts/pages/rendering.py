"""Pages as responses: in the language of the browser, with notices and with what was wrong."""

from __future__ import annotations

from typing import Any

from flask import g, make_response, redirect, render_template, request, session, url_for
from flask_wtf.csrf import CSRFError
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from serving.accounts.domain import problems
from serving.accounts.pages.texts import LANGUAGES, TEXTS
from serving.web.problems import ProblemError


def language() -> str:
    """Return the language that was chosen, or the one that the browser prefers."""
    return session.get("language") or request.accept_languages.best_match(list(LANGUAGES)) or "en"


def page(template: str, status: int = 200, **values: Any) -> Response:
    """Return a page; a notice that an earlier change left in the session is shown once."""
    chosen = language()
    notice = session.pop("notice", None)
    texts = TEXTS[chosen]
    if notice is not None:
        values.setdefault("notice", texts[notice[0]].format(**notice[1]))
    rendered = render_template(
        template, text=texts, language=chosen, languages=LANGUAGES, user=g.get("user"), address=request.path, **values
    )
    return make_response(rendered, status)


def then(endpoint: str, notice: str | None = None, **values: str) -> Response:
    """Go to a page after a change; the notice is shown there once."""
    if notice is not None:
        session["notice"] = (notice, values)
    return redirect(url_for(endpoint), 303)


def error_page(error: ProblemError | HTTPException) -> Response:
    """Return an error as a page."""
    if isinstance(error, ProblemError):
        status, kind = error.kind.status, error.kind.name
    else:
        status = error.code or 500
        kind = "form" if isinstance(error, CSRFError) else "not-found" if status in (404, 405) else "other"
    return page("error.html", status, bare=True, message=TEXTS[language()][_text_of(kind)])


def form_again(template: str, error: ProblemError | ValidationError, **values: Any) -> Response:
    """Show a form again with what was wrong."""
    kind = error.kind if isinstance(error, ProblemError) else problems.BAD_REQUEST
    return page(template, kind.status, message=TEXTS[language()][_text_of(kind.name)], **values)


def _text_of(kind: str) -> str:
    return f"problem-{kind}" if f"problem-{kind}" in TEXTS["en"] else "problem-other"

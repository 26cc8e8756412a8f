"""The Idempotency-Key of a request (draft-ietf-httpapi-idempotency-key-header)."""

from __future__ import annotations

import re
from typing import Any, Final

from flask import request
from pydantic import BaseModel

from serving.accounts.domain import problems
from serving.accounts.domain.access import Principal
from serving.accounts.domain.retries import RequestKey
from serving.accounts.domain.tokens import TokenMaker
from serving.web.problems import ProblemError

HEADER: Final = "Idempotency-Key"
# Long enough that nobody guesses another's. The draft has it in quotation marks, most programs send none.
_KEY: Final = r"[!#-\[\]-~]{16,100}"
_GIVEN: Final = re.compile(f'({_KEY})|"({_KEY})"')

DESCRIBED: Final[dict[str, Any]] = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "A random text of 16 to 100 characters, such as a UUID. A retry with the same key within a day makes "
    "nothing again and gets the same answer.",
    "schema": {"type": "string", "pattern": f'^({_KEY}|"{_KEY}")$'},
}


def request_key(tokens: TokenMaker, who: Principal | None, body: BaseModel, secrets: set[str]) -> RequestKey | None:
    """Return the key of this request by `who`, or None if it has none.

    `secrets` are the fields of the body that no digest may hold. Raises the problem bad-request.
    """
    given = request.headers.get(HEADER)
    if given is None:
        return None
    found = _GIVEN.fullmatch(given.strip())
    if found is None:
        message = "Give 16 to 100 visible characters of ASCII, without quotation marks or backslashes within."
        errors = [{"field": HEADER, "message": message}]
        raise ProblemError(problems.BAD_REQUEST, problems.BAD_REQUEST.meaning, {"errors": errors})
    asker = "" if who is None else f"user {who.user_id}" if who.client_id is None else f"client {who.client_id}"
    operation = f"{request.method} {request.url_rule}"
    return RequestKey(
        tokens.digest(operation, asker, found[1] or found[2]),
        tokens.digest(body.model_dump_json(exclude=secrets)),
        None if who is None else who.user_id,
    )

"""A person of a smoke test: registers, signs in, rates, reviews and leaves, so that nothing of it stays."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

Ask = Callable[..., tuple[int, Any]]
ACCOUNTS = "/accounts/v1"


class _WrongError(Exception):
    """An answer that is not as it should be."""


def _get(ask: Ask, path: str, method: str = "GET", body: Any = None, token: str = "") -> Any:
    status, answer = ask(path, method=method, body=body, token=token)
    if not 200 <= status < 300:
        raise _WrongError(f"{method} {path} answers {status}")
    return answer


def registers_rates_and_leaves(ask: Ask) -> str:
    """Return what went wrong, or nothing. `ask` sends a request to the gateway."""
    credentials = {"name": f"smoke {secrets.token_hex(6)}", "password": secrets.token_urlsafe(18)}
    try:
        _get(ask, f"{ACCOUNTS}/users", "POST", credentials)
        signed_in = _get(ask, f"{ACCOUNTS}/login", "POST", credentials)
        token, account = str(signed_in["access_token"]), f"{ACCOUNTS}/users/{signed_in['user_id']}"
        try:
            _acts(ask, account, token)
        finally:
            _get(ask, account, "DELETE", token=token)
    except _WrongError as error:
        return str(error)
    except (KeyError, TypeError, IndexError) as error:
        return f"an answer lacks {error}"
    return ""


def _acts(ask: Ask, account: str, token: str) -> None:
    movies = _get(ask, f"{ACCOUNTS}/movies?limit=1")["items"]
    if not movies:
        # Before the first run there is nothing to rate.
        return
    movie = int(movies[0]["movie_id"])
    _get(ask, f"{account}/ratings/{movie}", "PUT", {"rating": 4.5}, token)
    ratings = _get(ask, f"{account}/ratings", token=token)["items"]
    if [rating["rating"] for rating in ratings] != [4.5]:
        raise _WrongError(f"{account}/ratings does not have the rating that was given")
    review = _get(ask, f"/v1/movies/{movie}/reviews", "POST", {"text": "A smoke test's review."}, token)
    _get(ask, f"/v1/reviews/{review['review_id']}", "DELETE", token=token)

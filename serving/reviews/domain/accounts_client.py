"""Ask the accounts service over HTTP.

Who a token is, whether a movie exists, which accounts exist.
"""

from __future__ import annotations

import math
import threading
import time
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import httpx

from serving.reviews.domain import problems
from serving.reviews.domain.principal import Principal
from serving.web.problems import ProblemError

_SECONDS: Final = 3.0
# As many accounts as one page may have.
_PAGE: Final = 100
# A token is renewed so long before it ends.
_SPARE_SECONDS: Final = 30


class AccountsClient:
    """The accounts service at one address. Threads may share it."""

    def __init__(self, address: str, client_id: str = "", client_secret: str = "") -> None:
        """Take the address, and the client that reads which accounts exist.

        Without one, `user_ids` is not possible.
        """
        self._http = httpx.Client(base_url=address, timeout=_SECONDS)
        self._client = (client_id, client_secret)
        self._token = ("", 0.0)
        self._renewing = threading.Lock()

    @property
    def may_list(self) -> bool:
        """Return whether a client is set, so that accounts can be listed."""
        return all(self._client)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def principal(self, access_token: str) -> Principal:
        """Return the account of an access token.

        Each request asks, so that a revoked token ends at once. Raises the problems not-signed-in, forbidden (a client's
        token) and unavailable.
        """
        answer = self._ask("GET", "/accounts/v1/me", headers={"Authorization": f"Bearer {access_token}"})
        if answer.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND):
            raise ProblemError(problems.NOT_SIGNED_IN, problems.NOT_SIGNED_IN.meaning)
        if answer.status_code == HTTPStatus.FORBIDDEN:
            raise ProblemError(problems.FORBIDDEN, "This is for people: a client's token belongs to no account.")
        account = _read(answer)
        return Principal(int(account["user_id"]), str(account["name"]), str(account["role"]))

    def movie(self, shown: str) -> dict[str, Any] | None:
        """Return the catalogue's movie of an id, or None.

        Raises the problem unavailable.
        """
        answer = self._ask("GET", f"/accounts/v1/movies/{quote(shown, safe='')}")
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        found: dict[str, Any] = _read(answer)
        return found

    def live_dataset(self) -> str | None:
        """Return the own data that is live, or None for MovieLens.

        Raises the problem unavailable.
        """
        name: str | None = _read(self._ask("GET", "/accounts/ready")).get("dataset")
        return name

    def users_from(self, user_id: int) -> tuple[set[int], float]:
        """Return the ids of a page of accounts from an id on, and up to which id it tells.

        Raises the problem unavailable.
        """
        parameters = {"after": str(user_id - 1), "limit": str(_PAGE)}
        answer = self._ask_as_client("/accounts/v1/users", parameters)
        if answer.status_code == HTTPStatus.UNAUTHORIZED:
            # The token was revoked, or the accounts service has another secret or database now.
            self._token = ("", 0.0)
            answer = self._ask_as_client("/accounts/v1/users", parameters)
        page = _read(answer)
        ids = {int(account["user_id"]) for account in page["items"]}
        return ids, math.inf if page["next"] is None else max(ids)

    def _ask_as_client(self, path: str, parameters: dict[str, str]) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._client_token()}"}
        return self._ask("GET", path, headers=headers, params=parameters)

    def _client_token(self) -> str:
        with self._renewing:
            token, until = self._token
            if time.monotonic() < until:
                return token
            form = {"grant_type": "client_credentials", "scope": "users:read"}
            granted = _read(self._ask("POST", "/accounts/oauth/token", data=form, auth=self._client))
            self._token = (str(granted["access_token"]), time.monotonic() + granted["expires_in"] - _SPARE_SECONDS)
            return self._token[0]

    def _ask(self, method: str, path: str, **given: Any) -> httpx.Response:
        try:
            return self._http.request(method, path, **given)
        except (httpx.HTTPError, UnicodeError):
            raise ProblemError(
                problems.UNAVAILABLE, "The accounts service does not answer. Try again shortly."
            ) from None


def _read(answer: httpx.Response) -> Any:
    """Return an answer's JSON.

    Raises the problem unavailable for any but a successful answer.
    """
    if not answer.is_success:
        detail = f"The accounts service answered {answer.status_code}. Try again shortly."
        raise ProblemError(problems.UNAVAILABLE, detail)
    return answer.json()

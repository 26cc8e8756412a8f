"""The client of the reviews service."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from serving.web.logs import error_log

REVIEWS_A_PAGE: Final = 10
# For each question of a page. The reviews service asks this service in turn who signs in, and waits up to 3 s for it.
_SECONDS: Final = 4.0
# Threads of a process that may wait at once, of eight: the others answer the reviews service's questions.
_WAITING: Final = 4
# A proxy of the machine does not know the platform's hosts.
_DIRECTLY: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))

Json = dict[str, Any]


class UnreachableError(Exception):
    """The reviews service does not answer, or answers with an error of its own."""


class RefusedError(Exception):
    """The reviews service refuses what was asked.

    `kind` is that of the problem, such as `not-found`.
    """

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


@dataclass(frozen=True)
class ReviewPage:
    """A page of reviews as the service gives them, and the next page's cursor."""

    reviews: list[Json]
    following: str | None


class ReviewsClient:
    """The service at an address such as http://127.0.0.1:8002. Threads may share it.

    A `token` is an access token of who asks. Each method but `kept` raises UnreachableError and RefusedError.
    """

    def __init__(self, address: str) -> None:
        self._address = address.rstrip("/")
        self._turns = threading.BoundedSemaphore(_WAITING)

    def of_movie(self, movie_id: int | str, order: str, cursor: str, token: str | None) -> ReviewPage:
        """Return a page of a movie's reviews: `newest` or most `helpful` first."""
        return self._page(f"/v1/movies/{quote(str(movie_id), safe='')}/reviews", {"order": order}, cursor, token)

    def of_all_movies(self, *, hidden: bool, cursor: str, token: str) -> ReviewPage:
        """Return a page of all movies' reviews, the newest first.

        They are the hidden ones or the others. For staff.
        """
        return self._page("/v1/reviews", {"hidden": str(hidden).lower()}, cursor, token)

    def sentiment(self, movie_id: int | str) -> Json:
        """Return what the model says of a movie's reviews, as they are now."""
        found: Json = self._ask("GET", f"/v1/movies/{quote(str(movie_id), safe='')}/sentiment")["live"]
        return found

    def mine(self, movie_id: int | str, token: str) -> Json | None:
        """Return one's own review of a movie, or None."""
        try:
            return self._ask("GET", f"/v1/movies/{quote(str(movie_id), safe='')}/reviews/mine", token)
        except RefusedError as error:
            if error.kind == "not-found":
                return None
            raise

    def write(self, movie_id: int | str, text: str, token: str, *, may_train: bool) -> None:
        """Write a review."""
        self._ask(
            "POST", f"/v1/movies/{quote(str(movie_id), safe='')}/reviews", token, {"text": text, "may_train": may_train}
        )

    def change(self, review_id: int, text: str, token: str, *, may_train: bool) -> None:
        """Change one's own review."""
        self._ask("PUT", f"/v1/reviews/{review_id}", token, {"text": text, "may_train": may_train})

    def delete(self, review_id: int, token: str) -> None:
        """Delete one's own review."""
        self._ask("DELETE", f"/v1/reviews/{review_id}", token)

    def vote(self, review_id: int, token: str, *, helpful: bool) -> None:
        """Say that a review is helpful, or take that back."""
        self._ask("PUT" if helpful else "DELETE", f"/v1/reviews/{review_id}/helpful", token)

    def hide(self, review_id: int, reason: str, token: str) -> None:
        """Hide a review. For staff."""
        self._ask("PUT", f"/v1/reviews/{review_id}/hidden", token, {"reason": reason})

    def show_again(self, review_id: int, token: str) -> None:
        """Show a hidden review again. For staff."""
        self._ask("DELETE", f"/v1/reviews/{review_id}/hidden", token)

    def kept(self, token: str) -> Json | None:
        """Return all that the service keeps about who asks; None if it does not answer."""
        try:
            return self._ask("GET", "/v1/reviews/export", token)
        except RefusedError as error:
            error_log.warning("no reviews", extra={"fields": {"reason": f"an export was refused: {error.kind}"}})
        except UnreachableError:
            pass  # It is in the log.
        return None

    def _page(self, path: str, parameters: dict[str, str], cursor: str, token: str | None) -> ReviewPage:
        query = urlencode({**parameters, "limit": REVIEWS_A_PAGE, **({"cursor": cursor} if cursor else {})})
        found = self._ask("GET", f"{path}?{query}", token)
        following = parse_qs(urlsplit(found["next"] or "").query).get("cursor", [None])[0]
        return ReviewPage(found["items"], following)

    def _ask(self, method: str, path: str, token: str | None = None, body: Json | None = None) -> Json:
        headers = {"Content-Type": "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body).encode()
        # The address is a setting, not a user's.
        asked = urllib.request.Request(self._address + path, data, headers, method=method)  # noqa: S310
        try:
            with self._turn(), _DIRECTLY.open(asked, timeout=_SECONDS) as answer:
                content = answer.read()
                found: Json = json.loads(content) if content else {}
                return found
        except urllib.error.HTTPError as error:
            with error:
                if error.code < 500:
                    raise RefusedError(_kind_of(error.read())) from None
                reason = f"{method} {path.partition('?')[0]} answered {error.code}"
        except (OSError, ValueError) as error:
            reason = str(error)
        error_log.warning("no reviews", extra={"fields": {"reason": reason}})
        raise UnreachableError(reason)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._turns.acquire(timeout=_SECONDS):
            raise TimeoutError("too many pages wait for the reviews service")
        try:
            yield
        finally:
            self._turns.release()


def _kind_of(content: bytes) -> str:
    """Return the kind of a problem document, or '' for any other content."""
    try:
        return str(json.loads(content)["type"]).partition("#problem-")[2]
    except (ValueError, KeyError, TypeError):
        return ""

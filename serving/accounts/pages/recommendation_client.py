"""The client of the recommendation API."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from serving.publications.own_data.spelling import spelled_account
from serving.web.logs import error_log

# The most that the API takes and gives, and how long a page waits for it.
MAX_RATINGS: Final = 500
_MAX_EXCLUDED: Final = 200
_MAX_ITEMS: Final = 100
_SECONDS: Final = 3.0
# A proxy of the machine does not know the platform's hosts.
_DIRECTLY: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Recommended:
    """A list of up to 100 movies as the API gives them, and where it comes from.

    A list of now also has the number of ratings that it is made from.
    """

    items: list[dict[str, Any]]
    publication: str
    data_through: str | None
    ratings: int | None = None


class UnreachableError(Exception):
    """The API does not answer, or has nothing published."""


@dataclass(frozen=True)
class RecommendationClient:
    """The API at an address such as http://127.0.0.1:8000.

    The API counts a request as one from the visitor's address.
    """

    address: str

    def now(self, ratings: Sequence[tuple[int | str, float, str]], visitor: str) -> Recommended | None:
        """Return movies for ratings, which are (movie, stars, time), the latest first.

        No rated movie is among them. None where the API knows none of the rated movies. Raises UnreachableError.
        """
        given = [{"movie_id": movie, "rating": stars, "rated_at": at} for movie, stars, at in ratings[:MAX_RATINGS]]
        older = [movie for movie, _, _ in ratings[MAX_RATINGS:]]
        body = {"ratings": given, "exclude": older[:_MAX_EXCLUDED], "limit": _MAX_ITEMS}
        found = self._ask("/v1/recommendations", visitor, body)
        used = 0 if found is None else len(given) - len(found["ignored"])
        if found is None or used == 0:
            return None
        rated = set(older)
        items = [item for item in found["items"] if item["movie_id"] not in rated]
        return Recommended(items, found["publication"], found["data_through"], used)

    def nightly(self, user_id: int, visitor: str) -> Recommended | None:
        """Return the list that the last published run made for a user, or None.

        Raises UnreachableError.
        """
        # So spelled the API knows an account with MovieLens and with own data.
        found = self._ask(f"/v1/users/{spelled_account(user_id)}/recommendations?limit={_MAX_ITEMS}", visitor)
        return None if found is None else Recommended(found["items"], found["publication"], found["data_through"])

    def _ask(self, path: str, visitor: str, body: dict[str, Any] | None = None) -> dict[str, Any] | None:
        data = None if body is None else json.dumps(body).encode()
        # As a proxy does: the API's limit is for each visitor, not for all visitors of these pages.
        headers = {"Content-Type": "application/json", "X-Forwarded-For": visitor}
        # The address is a setting, not a user's.
        asked = urllib.request.Request(self.address + path, data=data, headers=headers)  # noqa: S310
        try:
            with _DIRECTLY.open(asked, timeout=_SECONDS) as answer:
                found: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                # Unknown user; no movie of the ratings is in the publication.
                if error.code in (404, 422):
                    return None
                reason = f"{path} answered {error.code}"
        except (OSError, ValueError) as error:
            reason = str(error)
        else:
            return found
        error_log.warning("no recommendations", extra={"fields": {"reason": reason}})
        raise UnreachableError(reason)

"""What a movie's page shows of its reviews, read from the reviews service.

The page never waits for it for long, and goes on without it.
"""

from __future__ import annotations

import json
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from serving.web.logs import error_log

# So long a page waits, whatever the service does.
_SECONDS: Final = 0.4
# After a failure no page asks for so long.
_SILENT_SECONDS: Final = 5.0
_THREADS: Final = 4
_LATEST: Final = 3
# The style sheet shows a few lines of it.
_EXCERPT: Final = 400
# A proxy of the machine does not know the platform's hosts.
_DIRECTLY: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class ReviewSummary:
    """How many of a movie's reviews are positive, and the latest.

    `latest` has names and the beginnings of texts. `judged` may be less than there are: without a live model none is judged.
    """

    judged: int
    positive: int
    latest: list[tuple[str, str]]

    @property
    def percent(self) -> int:
        """The share of positive ones; 0 where none is judged."""
        return round(100 * self.positive / self.judged) if self.judged else 0


class MovieReviews:
    """The service at an address such as http://127.0.0.1:8002. Threads may share it."""

    def __init__(self, address: str) -> None:
        self._address = address.rstrip("/")
        self._threads = ThreadPoolExecutor(_THREADS, "reviews")
        self._silent_until = 0.0

    def of_movie(self, movie_id: int | str) -> ReviewSummary | None:
        """Return the summary of a movie's reviews.

        None where the service does not give it in time.
        """
        if time.monotonic() < self._silent_until:
            return None
        try:
            # In a thread of its own: a socket's time limit is for each read, and a name may be looked up slowly.
            return self._threads.submit(self._summary, movie_id).result(_SECONDS)
        except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
            self._silent_until = time.monotonic() + _SILENT_SECONDS
            reason = str(error) or type(error).__name__
            error_log.warning("no reviews on movie pages", extra={"fields": {"reason": reason}})
            return None

    def _summary(self, movie_id: int | str) -> ReviewSummary:
        live = self._read(f"/v1/movies/{quote(str(movie_id), safe='')}/sentiment")["live"]
        latest = self._read(f"/v1/movies/{quote(str(movie_id), safe='')}/reviews?limit={_LATEST}")["items"]
        return ReviewSummary(
            int(live["reviews"]),
            round(live["reviews"] * (live["share_positive"] or 0)),
            [(str(review["author"]["name"]), str(review["text"])[:_EXCERPT]) for review in latest],
        )

    def _read(self, path: str) -> dict[str, Any]:
        # The address is a setting, not a user's.
        with _DIRECTLY.open(self._address + path, timeout=_SECONDS) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

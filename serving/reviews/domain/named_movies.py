"""Which movie an id in an address means: MovieLens's number, or an own id while own data is live."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass
from typing import Final

from serving.reviews.domain import problems
from serving.reviews.domain.accounts_client import AccountsClient
from serving.web.problems import ProblemError

_PLAIN: Final = re.compile(r"[1-9][0-9]{0,9}")
_LARGEST: Final = 2_147_483_647
# The accounts service follows the live publication within 20 s. Readers ask it whose ids count once in this time.
_KEPT_SECONDS: Final = 5.0
_LONGEST_SHOWN: Final = 40


@dataclass(frozen=True)
class NamedMovie:
    """A movie: its key, by which reviews are kept, and the id that people use.

    `dataset` is the own data that it is of; None for MovieLens, where id and key are the same.
    """

    key: int
    shown: int | str
    dataset: str | None = None


class NamedMovies:
    """The movies of the accounts service's catalogue. Threads may share it."""

    def __init__(self, accounts: AccountsClient) -> None:
        self._accounts = accounts
        self._own_data, self._until = False, 0.0
        self._asking = threading.Lock()

    def to_write(self, shown: str) -> NamedMovie:
        """Return a movie that may be reviewed.

        Raises the problems not-found and unavailable.
        """
        found = self._accounts.movie(shown)
        if found is None:
            raise _unknown(shown)
        return NamedMovie(found.get("number", found["movie_id"]), found["movie_id"], found.get("dataset"))

    def to_read(self, shown: str) -> NamedMovie:
        """Return a movie whose reviews may be read.

        Reviews of MovieLens's movies are read without the accounts service. Raises the problem not-found, and for own data
        unavailable.
        """
        if self._is_own_data():
            return self.to_write(shown)
        number = int(shown) if _PLAIN.fullmatch(shown) else 0
        if not 1 <= number <= _LARGEST:
            raise _unknown(shown)
        return NamedMovie(number, number)

    def _is_own_data(self) -> bool:
        if time.monotonic() >= self._until and self._asking.acquire(blocking=False):
            try:
                self._own_data = self._accounts.live_dataset() is not None
            except ProblemError:
                pass  # What was live before counts while the accounts service does not answer.
            finally:
                self._until = time.monotonic() + _KEPT_SECONDS
                self._asking.release()
        return self._own_data


def _unknown(shown: str) -> ProblemError:
    return ProblemError(problems.NOT_FOUND, f"There is no movie {shown[:_LONGEST_SHOWN]}. Search for it first.")

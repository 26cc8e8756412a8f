"""Errors and p99 of an environment's requests, as the gateway logged them for those who sent them.

The services' own metrics would miss each request that never reached a service. While it watches it also asks itself, so that
an environment without visitors is measured too.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import os
import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.deploy.environments.smoke import ask

# From so many requests on a share says something before the end.
ENOUGH = 20
ENOUGH_FOR_P99 = 100
# The first requests load what later ones find: templates, connections, caches. Their p99 counts for nothing. Seconds, and the
# most of the watch.
WARMING, MOST_WARMING = 10.0, 0.25
# An end with more errors than this share, and more than twice the share before, goes back.
MOST_ERRORS = 0.01
# The p99 may be three times the one before, and a busy machine may add this.
TIMES, SECONDS_MORE = 3.0, 0.1
# A p99 has to be high so often in a row, a second apart.
IN_A_ROW = 3
# The requests are judged in so many pieces, one after the other in time.
PIECES = 5
# A measurement goes on for so many times its seconds at most, until there is enough to compare with.
LONGER = 4
_ASKED = ("/health", "/v1/publication", "/v1/popular?limit=5", "/accounts/health", "/accounts/v1/movies?limit=5")


@dataclass(frozen=True)
class Request:
    """One answered request: the kind of its address, its status and its seconds."""

    kind: str
    status: int
    seconds: float


def request_of(line: str) -> Request | None:
    """Return the request of one line of the gateway's log, None for another line."""
    try:
        fields = json.loads(line)
        path, status, seconds = str(fields["path"]), int(fields["status"]), float(fields["seconds"])
    except (ValueError, TypeError, KeyError):
        return None
    return Request(kind_of(path), status, seconds)


def kind_of(path: str) -> str:
    """Return the first two words of an address.

    They say which service and which kind; the rest names one user or movie.
    """
    return "/".join(path.split("/")[:3]) or "/"


class GatewayLog:
    """What the gateway logs from now on. Closes its file at the end of a `with`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open(at_end=True)

    def __enter__(self) -> GatewayLog:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def _open(self, *, at_end: bool) -> None:
        self.file = self.path.open("rb")
        if at_end:
            self.file.seek(0, os.SEEK_END)
        self.rest = b""

    def read(self) -> list[Request]:
        """Return the requests since the last call.

        supervisord renames the log when it is large: its end is read, and then the new one.
        """
        found = self._read()
        if self.path.stat().st_ino != os.fstat(self.file.fileno()).st_ino:
            found += self._read()
            self.file.close()
            self._open(at_end=False)
            found += self._read()
        return found

    def _read(self) -> list[Request]:
        *lines, self.rest = (self.rest + self.file.read()).split(b"\n")
        return [found for line in lines if (found := request_of(line.decode(errors="replace")))]


def p99(requests: Sequence[Request]) -> float:
    """Return the seconds within which 99 of 100 requests were answered; 0 for none.

    Of fewer than 100 the slowest is left out all the same, since one alone says nothing.
    """
    seconds = sorted(request.seconds for request in requests)
    return seconds[min(math.ceil(0.99 * len(seconds)), max(len(seconds) - 1, 1)) - 1] if seconds else 0.0


def steady_p99(requests: Sequence[Request]) -> float:
    """Return the p99 of the middle one of five pieces of time.

    A moment in which the machine did something else makes less than half of the pieces slow. Where the last two are slower, the
    version got slow in the end, and the faster of these counts.
    """
    count = max(1, min(PIECES, len(requests) // ENOUGH))
    ends = [len(requests) * number // count for number in range(count + 1)]
    pieces = [p99(requests[start:end]) for start, end in itertools.pairwise(ends)]
    return max(statistics.median_low(pieces), min(pieces[-2:]))


def errors(requests: Sequence[Request]) -> float:
    """Return the share of requests that were answered with 5xx."""
    return sum(request.status >= 500 for request in requests) / len(requests) if requests else 0.0


def _by_kind(requests: Sequence[Request]) -> dict[str, list[Request]]:
    kinds: dict[str, list[Request]] = defaultdict(list)
    for request in requests:
        kinds[request.kind].append(request)
    return kinds


def too_many_errors(before: Sequence[Request], after: Sequence[Request]) -> str:
    """Return why the errors are too many, or nothing."""
    share, limit = errors(after), max(MOST_ERRORS, 2 * errors(before))
    return f"{share:.1%} of {len(after)} requests failed, more than {limit:.1%}" if share > limit else ""


def too_slow(
    measured: Sequence[Sequence[Request]], meanwhile: Sequence[Request], after: Sequence[Request], enough: int
) -> str:
    """Return which kind of request is too slow, or nothing.

    `measured` are measurements of the version before, of which the slowest counts. `meanwhile` is what it answers at the same
    time: a busy machine slows both. Kinds are compared one by one, since a password takes longer than a list. A kind without
    enough requests says nothing.
    """
    earlier, answered = [_by_kind(requests) for requests in measured], _by_kind(meanwhile)
    for kind, requests in sorted(_by_kind(after).items()):
        known = [kinds[kind] for kinds in earlier if len(kinds[kind]) >= ENOUGH]
        if len(requests) < enough or not known:
            continue
        was, now = max(map(p99, [answered[kind] or meanwhile, *known])), steady_p99(requests)
        limit = max(TIMES * was, was + SECONDS_MORE)
        if now > limit:
            return f"the p99 of {kind} is {now * 1000:.0f} ms, and {was * 1000:.0f} ms with the version before"
    return ""


def summary(requests: Sequence[Request]) -> str:
    """Return the figures for the ledger."""
    return f"{len(requests)} requests, {errors(requests):.2%} failed, p99 {p99(requests) * 1000:.0f} ms"


@contextlib.contextmanager
def _asking(gateway: str) -> Iterator[None]:
    """Ask for each of a few addresses, some times a second."""
    ended = threading.Event()

    def go() -> None:
        while not ended.wait(0.1):
            for address in _ASKED:
                ask(gateway + address)

    thread = threading.Thread(target=go, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def measure(gateway: str, log: Path, seconds: float) -> list[Request]:
    """Return the requests of the next seconds, more on a busy machine.

    It goes on until there are enough of each kind to compare with.
    """
    found, started = list[Request](), time.monotonic()
    with GatewayLog(log) as follower:
        with _asking(gateway):
            time.sleep(seconds)
            found += follower.read()
            while time.monotonic() < started + LONGER * seconds and not _enough(found):
                time.sleep(min(1.0, seconds))
                found += follower.read()
        # The gateway writes its log each second.
        time.sleep(1.5)
        return found + follower.read()


def _enough(requests: Sequence[Request]) -> bool:
    kinds = _by_kind(requests)
    return all(len(kinds[kind_of(address.partition("?")[0])]) >= ENOUGH for address in _ASKED)


@dataclass(frozen=True)
class Watched:
    """What a watch saw: why the version has to go, or nothing, and the requests.

    `slow` is a suspicion, which another watch may not confirm. `warm` are the requests without those of the first seconds.
    """

    failed: str
    slow: str
    after: list[Request]
    warm: list[Request]
    meanwhile: list[Request]


def watch(
    gateway: str, log: Path, old: tuple[str, Path], seconds: float, measured: Sequence[Sequence[Request]]
) -> Watched:
    """Watch the requests of the next seconds.

    `old` is the address and the log of the slot of the version before, which is asked too. Ends early where the errors are many
    or the p99 stays high.
    """
    after, meanwhile, high, warm = list[Request](), list[Request](), 0, 0
    before = [request for requests in measured for request in requests]
    started = time.monotonic()
    warming, deadline = started + min(WARMING, MOST_WARMING * seconds), started + seconds
    with GatewayLog(log) as follower, GatewayLog(old[1]) as old_follower:
        with _asking(gateway), _asking(old[0]):
            while (left := deadline - time.monotonic()) > 0:
                time.sleep(min(1.0, left))
                after += follower.read()
                meanwhile += old_follower.read()
                if len(after) >= ENOUGH and (fault := too_many_errors(before, after)):
                    return Watched(fault, "", after, after[warm:], meanwhile)
                if time.monotonic() < warming:
                    warm = len(after)
                slow = too_slow(measured, meanwhile, after[warm:], ENOUGH_FOR_P99)
                high = high + 1 if slow else 0
                if high >= IN_A_ROW:
                    return Watched("", slow, after, after[warm:], meanwhile)
        time.sleep(1.5)
        after += follower.read()
        meanwhile += old_follower.read()
    slow = too_slow(measured, meanwhile, after[warm:], ENOUGH)
    return Watched(too_many_errors(before, after), slow, after, after[warm:], meanwhile)

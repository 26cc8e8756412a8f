"""A limit on requests by client address, if the server's setting asks for one."""

from __future__ import annotations

import time

from flask import Flask, request
from limits import RateLimitItem
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from serving.recommendations.answers import problems
from serving.web.problems import ProblemError

# What operators ask while a server is under load.
_EXEMPT = frozenset({"/health", "/ready", "/metrics"})


def limit_requests(app: Flask, limit: RateLimitItem) -> None:
    """Refuse what an address sends beyond the limit. Each worker counts what it answers itself."""
    limiter = FixedWindowRateLimiter(MemoryStorage())

    @app.before_request
    def count() -> None:
        client = request.remote_addr or ""
        if request.path in _EXEMPT or limiter.hit(limit, client):
            return
        wait = max(1, round(limiter.get_window_stats(limit, client).reset_time - time.time()))
        raise ProblemError(problems.TOO_MANY, f"The limit is {limit}; wait {wait} s.", {"retry_after": wait})

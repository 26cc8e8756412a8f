"""Write a service's log as one JSON object a line, without any web framework."""

from __future__ import annotations

import json
import logging
import re
import secrets
import sys
import time

from serving.web.access_log import access_log

_LOG_LEVELS = ("debug", "info", "warning", "error")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

error_log = logging.getLogger("marquee.serving")


class JsonFormatter(logging.Formatter):
    """Formats a record as JSON.

    The line has time, level, logger, message and the fields given as `extra={"fields": {...}}`.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as one line.

        The trace of an exception is in the log only, never in an answer.
        """
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z"
        document = {
            "at": moment,
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        document.update(getattr(record, "fields", {}))
        if record.exc_info:
            document["trace"] = self.formatException(record.exc_info)
        return json.dumps(document, ensure_ascii=False)


def configure_logging(level: str) -> None:
    """Send the service's own log to standard output as JSON lines.

    With level `warning`, requests are not logged. Raises ValueError for another level than debug, info, warning or error.
    """
    if level not in _LOG_LEVELS:
        raise ValueError(f"MARQUEE_SERVING_LOG_LEVEL is {level!r}: give debug, info, warning or error.")
    root = logging.getLogger("marquee.serving")
    root.setLevel(level.upper())
    root.propagate = False
    access_log.enabled = root.isEnabledFor(logging.INFO)
    if not root.handlers:
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(JsonFormatter())
        root.addHandler(handler)


def request_id_of(given: str) -> str:
    """Return the id that the client gave if it is safe to log, else a new one."""
    return given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(16)

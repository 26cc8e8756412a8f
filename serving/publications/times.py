"""Times as Unix seconds and as ISO 8601 text, both in UTC."""

from __future__ import annotations

from datetime import UTC, datetime

from serving.publications.format import PublicationError

# The first second of the year 10000, which ISO 8601 cannot write with four digits.
_END_OF_TIME = 253_402_300_800


def format_time(seconds: int | None) -> str | None:
    """Return Unix seconds as ISO 8601 in UTC, `2016-10-17T03:37:41Z`."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_time(value: object, what: str) -> int | None:
    """Return Unix seconds from a number or from an ISO 8601 time; None stays None.

    A time without a zone is in UTC. Raises PublicationError for any other value. `what` names the value in the message.
    """
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _END_OF_TIME:
        return value
    if isinstance(value, str):
        return int(parse_moment(value, what).timestamp())
    raise PublicationError(
        f"{what} is {value!r}, which is not a time. Give Unix seconds or an ISO 8601 time such as 2016-10-17T03:37:41Z."
    )


def parse_moment(text: str, what: str) -> datetime:
    """Return the moment of an ISO 8601 time, in UTC where it names no zone.

    Raises PublicationError for any other text. `what` names the value in the message.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise PublicationError(
            f"{what} is {text[:40]!r}, which is not a time. Give an ISO 8601 time such as 2016-10-17T03:37:41Z."
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

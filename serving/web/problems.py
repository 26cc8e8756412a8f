"""Errors as application/problem+json (RFC 9457), without any web framework.

A service declares its kinds of error once, in a `ProblemKinds`. The `type` of a kind is a relative address: it leads to
the kind's description on the service's documentation page.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, Final

MEDIA_TYPE: Final = "application/problem+json"


@dataclass(frozen=True)
class ProblemKind:
    """A kind of error.

    Its name in `type`, its status and its title never vary. `page` is the address of the documentation page that describes it.
    """

    name: str
    status: int
    title: str
    meaning: str
    page: str = "/docs"

    @property
    def type(self) -> str:
        """Return the problem's type: an address relative to the server's root."""
        return f"{self.page}#problem-{self.name}"


class ProblemKinds(dict[str, ProblemKind]):
    """The kinds of error of one service by name, all described on one page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self._page = page

    def add(self, name: str, status: int, title: str, meaning: str) -> ProblemKind:
        """Return a new kind of this service."""
        return self.share(ProblemKind(name, int(status), title, meaning))

    def share(self, kind: ProblemKind) -> ProblemKind:
        """Return a kind that services share, as described on this service's page."""
        self[kind.name] = replace(kind, page=self._page)
        return self[kind.name]


NOT_FOUND: Final = ProblemKind(
    "not-found", HTTPStatus.NOT_FOUND.value, "Not found", "There is nothing at this address."
)
METHOD_NOT_ALLOWED: Final = ProblemKind(
    "method-not-allowed",
    HTTPStatus.METHOD_NOT_ALLOWED.value,
    "Method not allowed",
    "See the `Allow` header for what is.",
)
TOO_LARGE: Final = ProblemKind(
    "too-large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE.value, "Body too large", "The body is larger than 64 KiB."
)
INTERNAL: Final = ProblemKind(
    "internal",
    HTTPStatus.INTERNAL_SERVER_ERROR.value,
    "Internal error",
    "A defect; the request id finds it in the log.",
)


@dataclass
class ProblemError(Exception):
    """Ends a request with a problem; `extra` holds members beyond those of RFC 9457."""

    kind: ProblemKind
    detail: str
    extra: dict[str, Any] = field(default_factory=dict)


def problem_document(
    kind: ProblemKind, detail: str, instance: str, extra: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return the problem as JSON data; `instance` is the path of the request."""
    return {
        "type": kind.type,
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "instance": instance,
        **(extra or {}),
    }

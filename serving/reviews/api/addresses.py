"""Addresses in answers: below the gateway's path if the request came by it, else as the service has them."""

from __future__ import annotations

from dataclasses import replace

from starlette.requests import Request

from serving.web.problems import ProblemKind


def address(request: Request, path: str) -> str:
    """Return a path of the service as this request's sender can ask for it."""
    root: str = request.app.root_path
    return root + path if root and request.scope["path"].startswith(f"{root}/") else path


def described(request: Request, kind: ProblemKind) -> ProblemKind:
    """Return a kind of problem whose type leads to the page that the gateway shows."""
    return replace(kind, page=request.app.root_path + kind.page)

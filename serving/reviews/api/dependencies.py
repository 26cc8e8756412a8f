"""What `Depends` hands to the endpoints: model, database session, current account.

A dependency is async where nothing blocks, since each other one costs a change of threads.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from fastapi.security.utils import get_authorization_scheme_param
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from serving.reviews.api.service import Service
from serving.reviews.domain import problems
from serving.reviews.domain.principal import Principal
from serving.reviews.live_model import LoadedModel
from serving.web.problems import ProblemError


class _DescribedBearer(HTTPBearer):
    """Describes the token in the OpenAPI document; `account_or_none` reads it."""

    async def __call__(self, request: Request) -> None:
        """Return nothing."""


_bearer = _DescribedBearer(auto_error=False, description="An access token of the accounts service.")


async def service_of(request: Request) -> Service:
    """Return what the process works with."""
    service: Service = request.app.state.service
    return service


CurrentService = Annotated[Service, Depends(service_of)]


async def live_model(request: Request, service: CurrentService) -> LoadedModel:
    """Return the model that serves; the request keeps it. Raises the problem no-model."""
    loaded = service.live.current
    if loaded is None:
        raise ProblemError(problems.NO_MODEL, problems.NO_MODEL.meaning)
    request.scope["state"]["publication"] = loaded.publication
    return loaded


async def live_model_or_none(service: CurrentService) -> LoadedModel | None:
    """Return the model that serves, or None: a review is kept without one."""
    return service.live.current


def session(service: CurrentService) -> Iterator[Session]:
    """Yield a session that commits before the answer is sent, or rolls back."""
    with service.transactions.begin() as database:
        yield database


async def account_or_none(
    request: Request, service: CurrentService, _: Annotated[None, Depends(_bearer)]
) -> Principal | None:
    """Return the signed-in account, or None without a token.

    Raises not-signed-in for a token that is not valid.
    """
    given = request.headers.get("authorization")
    if given is None:
        return None
    scheme, token = get_authorization_scheme_param(given)
    if scheme.lower() != "bearer" or not token.isascii() or not token.isprintable() or not token:
        raise ProblemError(problems.NOT_SIGNED_IN, problems.NOT_SIGNED_IN.meaning)
    return await run_in_threadpool(service.accounts.principal, token)


MaybeAccount = Annotated[Principal | None, Depends(account_or_none)]


async def account(found: MaybeAccount) -> Principal:
    """Return the signed-in account. Raises the problem not-signed-in."""
    if found is None:
        raise ProblemError(problems.NOT_SIGNED_IN, problems.NOT_SIGNED_IN.meaning)
    return found


CurrentAccount = Annotated[Principal, Depends(account)]


async def staff(found: CurrentAccount) -> Principal:
    """Return the signed-in administrator.

    Raises the problems not-signed-in and forbidden.
    """
    if not found.is_staff:
        raise ProblemError(problems.FORBIDDEN, "Only staff may do this. Sign in as an administrator.")
    return found


CurrentStaff = Annotated[Principal, Depends(staff)]
CurrentModel = Annotated[LoadedModel, Depends(live_model)]
MaybeModel = Annotated[LoadedModel | None, Depends(live_model_or_none)]
# With the scope of a request, FastAPI would commit after the answer is sent.
Database = Annotated[Session, Depends(session, scope="function")]

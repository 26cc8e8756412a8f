"""The reviews service: a FastAPI application over the live sentiment model and a PostgreSQL database.

Run `python -m serving.reviews serve` after `python -m serving.reviews migrate`; serving/reviews/settings.py has the
settings.
"""

from __future__ import annotations

import gc
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.concurrency import run_in_threadpool

from serving.reviews.account_sweep import AccountSweep
from serving.reviews.api import jobs, metrics, operation, own_data, reviews, sentiment
from serving.reviews.api.description import describe
from serving.reviews.api.fast_path import FastPath
from serving.reviews.api.problem_responses import answer_errors
from serving.reviews.api.requests import LimitedBodies, ObservedRequests
from serving.reviews.api.service import Service
from serving.reviews.database.engine import open_database, transactions
from serving.reviews.domain.accounts_client import AccountsClient
from serving.reviews.domain.named_movies import NamedMovies
from serving.reviews.domain.prediction_ids import PredictionIds
from serving.reviews.job_workers import JobWorkers
from serving.reviews.live_model import LiveModel
from serving.reviews.orphans import end_with_parent
from serving.reviews.settings import Settings
from serving.web.logs import configure_logging


def create_app(environment: Mapping[str, str] | None = None) -> FastAPI:
    """Return the application; `environment` stands in for the process's own.

    Raises SettingError for a setting that is missing or wrong, and DatabaseError for an address that is no database's.
    """
    settings = Settings.load(os.environ if environment is None else environment)
    configure_logging(settings.log_level)
    service = _service(settings)
    workers, sweep = JobWorkers(service), AccountSweep(service)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        end_with_parent()
        await run_in_threadpool(service.live.start, settings.watch_seconds)
        workers.start()
        sweep.start()
        # What lives as long as the process is looked through no more: a batch makes enough objects for many collections.
        gc.collect()
        gc.freeze()
        yield
        await run_in_threadpool(workers.stop)
        await run_in_threadpool(sweep.stop)
        await run_in_threadpool(_stop, service)

    app: FastAPI = FastAPIOffline(
        title="Marquee reviews",
        lifespan=lifespan,
        root_path=settings.root_path,
        docs_url="/docs",
        redoc_url=None,
        # As in the other services, an operation has the name of its function.
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.service = service
    answer_errors(app)
    # The last one added is the outermost.
    app.add_middleware(LimitedBodies, upload_bytes=settings.upload_bytes)
    app.add_middleware(ObservedRequests)
    app.add_middleware(FastPath, service=service)
    for module in (jobs, sentiment, own_data, reviews, operation):
        app.include_router(module.router)
    # Routes are tried in turn: the one that is asked for most comes first.
    app.router.routes.sort(key=lambda route: getattr(route, "path", None) != sentiment.PREDICT)
    describe(app)
    return app


def _service(settings: Settings) -> Service:
    engine = open_database(settings.database)
    accounts = AccountsClient(settings.accounts_url, settings.accounts_client, settings.accounts_client_secret)
    metrics.LOADED.set(0)
    live = LiveModel(settings.store, on_switch=metrics.model_serves, on_refusal=metrics.model_refused)
    return Service(
        settings, live, engine, transactions(engine), accounts, NamedMovies(accounts), PredictionIds(settings.secret)
    )


def _stop(service: Service) -> None:
    service.live.stop()
    service.accounts.close()
    service.engine.dispose()

"""Serve the data docs at /data-docs of Airflow's API server, with a menu entry.

They are read-only and need no login, like the pages of HDFS, YARN and MLflow. Great Expectations' pages name scripts
and styles of other hosts. Each page comes with a policy: browsers do not fetch those, and the page cannot act in
Airflow.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from airflow.plugins_manager import AirflowPlugin
from fastapi import FastAPI, Request, Response
from starlette.staticfiles import StaticFiles

FOLDER = Path(os.environ.get("MARQUEE_DATA_DOCS", "data-docs"))
POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox"
)


def data_docs_app(folder: Path) -> FastAPI:
    """Return the application that serves `folder`; a folder's page is its index.html."""
    folder.mkdir(parents=True, exist_ok=True)
    app = FastAPI(title="Data docs", openapi_url=None)

    @app.middleware("http")
    async def with_policy(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        answer = await call_next(request)
        answer.headers["Content-Security-Policy"] = POLICY
        answer.headers["Cache-Control"] = "no-cache"
        return answer

    app.mount("/", StaticFiles(directory=folder, html=True))
    return app


class DataDocsPlugin(AirflowPlugin):
    """Register the application and the menu entry with Airflow."""

    name = "data_docs"
    fastapi_apps = [  # noqa: RUF012 - Airflow's own form
        {"app": data_docs_app(FOLDER), "url_prefix": "/data-docs", "name": "Data docs"}
    ]
    external_views = [  # noqa: RUF012
        {"name": "Data docs", "href": "/data-docs/index.html", "destination": "nav", "category": "browse"}
    ]

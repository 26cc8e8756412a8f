"""The exporter as a WSGI application: /metrics for Prometheus, / for people.

    python -m gunicorn --workers 1 --threads 4 --bind 127.0.0.1:9095 'infra.monitoring.exporter.application:create_app()'

Run a single worker, because each worker keeps its own copy of the latest samples.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from flask import Flask, Response, render_template, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from werkzeug.exceptions import BadRequest, NotFound

from infra.monitoring.board import board
from infra.monitoring.board.dashboards import VIEWS
from infra.monitoring.board.prometheus_api import PrometheusApi
from infra.monitoring.exporter.collection import Read, SourceCollector
from infra.monitoring.exporter.sources.airflow import AirflowSource
from infra.monitoring.exporter.sources.hadoop import read_hdfs, read_yarn
from infra.monitoring.exporter.sources.machine import read_disks, read_services
from infra.monitoring.exporter.sources.mlflow import read_mlflow
from infra.monitoring.exporter.sources.postgres import read_postgres
from infra.monitoring.exporter.sources.publication import PublicationSource

MODELS = ("marquee-als", "marquee-sentiment")
_PAGE_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def sources(settings: Mapping[str, str]) -> dict[str, Read]:
    """Return the sources by name, for the settings of the platform's environment.

    MARQUEE_PROBES holds service=address pairs, separated by blanks; addresses begin with http:// or tcp://.
    Raises KeyError for a missing setting.
    """
    instance = Path(settings["MARQUEE_INSTANCE_DIR"])
    airflow = AirflowSource(
        settings["MARQUEE_AIRFLOW_URL"], settings["MARQUEE_AIRFLOW_USER"], settings["MARQUEE_AIRFLOW_PASSWORD"]
    )
    # Any role that may log in can read these values, so the exporter does not use the superuser.
    postgres = partial(
        read_postgres,
        settings["MARQUEE_POSTGRES_HOST"],
        int(settings["MARQUEE_POSTGRES_PORT"]),
        "airflow",
        settings["MARQUEE_POSTGRES_PASSWORD"],
    )
    probes = dict(pair.split("=", 1) for pair in settings["MARQUEE_PROBES"].split())
    return {
        "airflow": airflow.read,
        "publication": PublicationSource(settings["MARQUEE_API_URL"]).read,
        "hdfs": partial(read_hdfs, settings["MARQUEE_WEBHDFS_URL"], int(settings["MARQUEE_DATANODES"])),
        "yarn": partial(read_yarn, settings["MARQUEE_YARN_RM_URL"], int(settings["MARQUEE_NODEMANAGERS"])),
        "postgres": postgres,
        "mlflow": partial(read_mlflow, settings["MARQUEE_MLFLOW_URL"], MODELS),
        "disks": partial(
            read_disks,
            {
                "data": instance / "data",
                "temporary": Path(settings["TMPDIR"]),
                "publications": Path(settings["MARQUEE_PUBLICATION_STORE"]),
            },
        ),
        "services": partial(read_services, probes, int(settings["MARQUEE_APIS"])),
    }


def create_app(settings: Mapping[str, str] | None = None) -> Flask:
    """Return the application. `settings` replaces the environment.

    Raises KeyError for a missing setting.
    """
    settings = os.environ if settings is None else settings
    prometheus = PrometheusApi(settings["MARQUEE_PROMETHEUS_URL"])
    collector = SourceCollector(sources(settings))
    registry = CollectorRegistry()
    registry.register(collector)
    app = Flask(__name__, template_folder=board.TEMPLATES, static_folder=board.STATIC)

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    @app.get("/health")
    def health() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/")
    def front() -> str:
        return view(VIEWS[0])

    @app.get("/<name>")
    def view(name: str) -> str:
        if name not in VIEWS:
            raise NotFound
        hours = request.args.get("hours", board.HOURS[1], type=int)
        if hours not in board.HOURS:
            raise BadRequest(f"hours is one of {board.HOURS}.")
        return render_template("board.html", **board.page(name, hours, prometheus, collector.samples()))

    @app.after_request
    def finish(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = _PAGE_POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "no-store"
        return response

    return app

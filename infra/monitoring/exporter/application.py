"""The exporter as a WSGI application: /metrics for Prometheus, / for people.

    python -m gunicorn --workers 1 --threads 4 --bind 127.0.0.1:9095 'infra.monitoring.exporter.application:create_app()'

One worker: it keeps the sources' last samples.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import requests
from flask import Flask, Response, render_template, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from werkzeug.exceptions import BadRequest, NotFound

from infra.monitoring.board import board
from infra.monitoring.board.dashboards import VIEWS, load_dashboard
from infra.monitoring.board.prometheus_api import Alert, PrometheusApi
from infra.monitoring.exporter.collection import Read, SourceCollector
from infra.monitoring.exporter.sources.airflow import AirflowSource
from infra.monitoring.exporter.sources.hadoop import read_hdfs, read_yarn
from infra.monitoring.exporter.sources.other import read_disks, read_mlflow, read_postgres, read_services
from infra.monitoring.exporter.sources.publication import PublicationSource

MODEL = "marquee-als"
_PAGE_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def sources(settings: Mapping[str, str]) -> dict[str, Read]:
    """Return the sources by name. Settings are the platform's environment. Raises KeyError for one that is missing.

    MARQUEE_PROBES: service=address pairs, with blanks between them; addresses begin with http:// or tcp://.
    """
    instance = Path(settings["MARQUEE_INSTANCE_DIR"])
    airflow = AirflowSource(
        settings["MARQUEE_AIRFLOW_URL"], settings["MARQUEE_AIRFLOW_USER"], settings["MARQUEE_AIRFLOW_PASSWORD"]
    )
    # Any role that may log in sees what is read here; the superuser is not needed.
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
        "mlflow": partial(read_mlflow, settings["MARQUEE_MLFLOW_URL"], MODEL),
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
    """Return the application; `settings` stands in for the environment. Raises KeyError for one that is missing."""
    settings = os.environ if settings is None else settings
    prometheus = PrometheusApi(settings["MARQUEE_PROMETHEUS_URL"])
    collector = SourceCollector(sources(settings))
    registry = CollectorRegistry()
    registry.register(collector)
    app = Flask(__name__, template_folder="../board/templates", static_folder="../board/static")

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
        samples = collector.samples()
        dashboard = load_dashboard(name)
        alerts: list[Alert] | None
        try:
            alerts = prometheus.alerts()
            panels = board.from_prometheus(dashboard, prometheus, hours)
        except requests.RequestException:
            alerts, panels = None, board.from_samples(dashboard, samples)
        away = [
            sample.labels["source"] for sample in samples if sample.name == "marquee_source_up" and not sample.value
        ]
        return render_template(
            "board.html",
            dashboard=dashboard,
            views=VIEWS,
            spans=board.HOURS,
            hours=hours,
            panels=panels,
            alerts=alerts,
            away=away,
            width=board.WIDTH,
            height=board.HEIGHT,
        )

    @app.after_request
    def finish(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = _PAGE_POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "no-store"
        return response

    return app

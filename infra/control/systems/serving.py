"""The rows of what people and programs ask: the three services, and the gateway before them."""

from __future__ import annotations

from infra.control.rows import Preparation, Row, Service
from infra.control.settings import Settings


def serving_rows(settings: Settings) -> list[Row]:
    """Return the rows of the services, and then the gateway's."""
    return [*_recommendations(settings), *_accounts(settings), *_reviews(settings), *_gateway(settings)]


def _recommendations(settings: Settings) -> list[Row]:
    port = settings.port("API")
    return [
        Service(
            "recommendations",
            "Recommendation API",
            f"{settings.serving_python} -m serving.recommendations.server",
            port,
            ready="/health",
            page=f":{port}/docs",
            environment={"PROMETHEUS_MULTIPROC_DIR": str(settings.instance / "tmp" / "prometheus")},
        )
    ]


def _accounts(settings: Settings) -> list[Row]:
    port = settings.port("ACCOUNTS")
    return [
        Preparation("accounts-database", "infra/services/accounts/prepare.sh", ("postgres-databases",), "accounts"),
        Service(
            "accounts",
            "Accounts service",
            f"{settings.accounts_python} -m gunicorn -c serving/accounts/gunicorn.conf.py "
            "'serving.accounts.application:create_app()'",
            port,
            ("accounts-database",),
            ready="/accounts/ready",
            page=f":{port}/accounts/docs",
            environment={"PROMETHEUS_MULTIPROC_DIR": str(settings.instance / "tmp" / "prometheus-accounts")},
        ),
    ]


# Below it the gateway shows the pages and reports whose addresses the recommendation API has too, such as /docs.
_REVIEWS_ROOT = "/reviews"


def _reviews(settings: Settings) -> list[Row]:
    port = settings.port("REVIEWS")
    program = f"{settings.reviews_python} -m serving.reviews"
    return [
        Preparation("reviews-database", f"{program} migrate", ("postgres-databases",), "reviews"),
        Service(
            "reviews",
            "Reviews service",
            f"{program} serve",
            port,
            ("reviews-database",),
            ready="/ready",
            page=f":{port}{_REVIEWS_ROOT}/docs",
            environment={
                "MARQUEE_REVIEWS_ROOT": _REVIEWS_ROOT,
                "PROMETHEUS_MULTIPROC_DIR": str(settings.instance / "tmp" / "prometheus-reviews"),
            },
        ),
    ]


def _gateway(settings: Settings) -> list[Row]:
    port = settings.port("GATEWAY")
    return [
        Service(
            "gateway",
            "Gateway",
            "infra/services/gateway/gateway.sh",
            port,
            ("recommendations", "accounts", "reviews"),
            # With TLS an open port is enough, since the certificate may not be one for the loopback address.
            ready="/gateway/health" if settings.gateway_scheme == "http" else "",
            page=f":{port}/",
            stop_signal="QUIT",
        )
    ]

"""One user's recommendations, where they come from, and where to look further, as lines of text."""

from __future__ import annotations

import os
import urllib.parse
from typing import Any

from infra.pipeline.http_json import ServiceError, request_json

SERVICE = "The recommendation API"


def live_publication(api_url: str) -> str | None:
    """Return the id of the live publication, None when nothing is published yet.

    Raises ServiceError.
    """
    try:
        answer = request_json("GET", f"{api_url.rstrip('/')}/v1/publication", service=SERVICE)
    except ServiceError as error:
        if error.status == 503:
            return None
        raise
    return str(answer["publication"])


def user_page(api_url: str, user: str | None, limit: int = 10) -> list[str]:
    """Return the lines to print for one user (None: the first one who has a list).

    Raises ServiceError.
    """
    base = api_url.rstrip("/")
    if user is None:
        known = request_json("GET", f"{base}/v1/users?limit=1", service=SERVICE)["items"]
        if not known:
            raise ServiceError(
                f"{SERVICE} at {base} knows no user, since the live publication is empty. Run `make run`."
            )
        user = str(known[0])
    path = f"/v1/users/{urllib.parse.quote(user, safe='')}/recommendations"
    answer = request_json("GET", f"{base}{path}?limit={limit}", service=SERVICE)
    publication = request_json("GET", f"{base}/v1/publications/{answer['publication']}", service=SERVICE)
    return [*list_lines(user, answer), "", *provenance_lines(base, publication)]


def list_lines(user: str, answer: dict[str, Any]) -> list[str]:
    """Return a user's list: rank, score, title, year and genres."""
    lines = [
        f"Recommendations for user {user} ({answer['policy']}, ratings up to {answer['data_through'] or 'unknown'}):"
    ]
    for item in answer["items"]:
        year = f" ({item['release_year']})" if item.get("release_year") else ""
        genres = item.get("genres") or []
        shown = genres if isinstance(genres, str) else ", ".join(genres)
        lines.append(f"  {item['rank']:>3}  {item['score']:7.4f}  {item['title']}{year}  [{shown}]")
    return lines


def provenance_lines(base: str, publication: dict[str, Any]) -> list[str]:
    """Return where a publication comes from, as its lineage says."""
    lineage = publication["lineage"]
    airflow, model, snapshot = (lineage.get(name) or {} for name in ("airflow", "model", "snapshot"))
    metrics = model.get("metrics") or {}
    digest = publication["sha256"][:12]
    rows = ", ".join(f"{table} {count}" for table, count in sorted(publication["rows"].items()))
    promotion = lineage.get("promotion") or {}
    return [
        "Where they come from:",
        f"  publication   {publication['publication']} (SHA-256 {digest}, live: {publication['live']})",
        f"  rows          {rows}",
        f"  Airflow run   {airflow.get('run_id')}",
        f"  git commit    {lineage.get('git_commit')}",
        f"  raw snapshot  hdfs://{snapshot.get('snapshot')} (manifest {str(snapshot.get('manifest_sha256'))[:12]})",
        f"  model         {model.get('name')} version {model.get('version')}, MLflow run {model.get('mlflow_run_id')}",
        f"  metrics       {', '.join(f'{name} {value:.4f}' for name, value in sorted(metrics.items()))}",
        f"  promotion     {promotion.get('verdict')}: {'; '.join(promotion.get('reasons') or [])}",
        f"  all of it     {base}/v1/publications/{publication['publication']}",
    ]


def interface_lines() -> list[str]:
    """Return the addresses of the user interfaces and the logins.

    Only those that the environment names are returned.
    """
    user, password = os.environ.get("MARQUEE_AIRFLOW_USER"), os.environ.get("MARQUEE_AIRFLOW_PASSWORD")
    rows = [
        ("Pages", "GATEWAY", "register at /account/sign-up"),
        ("Recommendations", "API", "no login; documentation at /docs"),
        ("Airflow", "AIRFLOW", f"user {user}, password {password}"),
        ("MLflow", "MLFLOW", "no login"),
        ("HDFS", "WEBHDFS", "no login"),
        ("YARN", "YARN_RM", "no login"),
        ("MapReduce history", "JOBHISTORY", "no login"),
        ("HiveServer2", "HIVESERVER2", "no login"),
    ]
    found = [(name, os.environ.get(f"MARQUEE_{service}_URL"), login) for name, service, login in rows]
    further = (f"  {name:<19}{url:<28}{login}" for name, url, login in found if url)
    return ["Where to look further:", *further, "`make sentiment` trains the model that reads film reviews."]

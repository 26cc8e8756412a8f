"""What is live, what was, and where each publication comes from."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, request

from serving.publications.format import PUBLICATION_ID, PublicationError
from serving.publications.lineage import missing_from
from serving.publications.live import LivePublication
from serving.publications.times import format_time
from serving.recommendations.answers import problems
from serving.recommendations.answers.chosen import current
from serving.recommendations.answers.parameters import Parameters
from serving.recommendations.answers.responses import json_answer
from serving.web.logs import error_log
from serving.web.problems import ProblemError


def _publication_answer(live: LivePublication, publication: str) -> dict[str, Any]:
    try:
        manifest = live.store.manifest(publication)
        serves, pin = live.store.live(), live.store.pinned()
        since = live.store.live_since(publication)
    except PublicationError as error:
        error_log.warning("no manifest", extra={"fields": {"publication": publication, "reason": str(error)}})
        raise ProblemError(problems.UNKNOWN_PUBLICATION, f"Publication {publication} is not here.") from None
    return {
        "publication": publication,
        "live": publication == serves,
        "live_since": since if publication == serves else None,
        "pinned": publication == pin,
        "schema_version": manifest.schema_version,
        "sha256": manifest.sha256,
        "bytes": manifest.size_bytes,
        "rows": manifest.rows,
        "figures": manifest.figures,
        "data_through": format_time(manifest.data_through),
        "lineage": manifest.lineage,
        "lineage_missing": missing_from(manifest.lineage),
    }


def publication_routes(app: Flask, live: LivePublication) -> None:
    """Add the publications."""

    @app.get("/v1/publication")
    def live_publication() -> Response:
        Parameters(request.args, frozenset())
        return json_answer(_publication_answer(live, current(live).publication_id))

    @app.get("/v1/publications")
    def publications() -> Response:
        moment = Parameters(request.args, frozenset({"at"})).moment("at")
        if moment is None:
            serves, pin = live.store.live(), live.store.pinned()
            names = live.store.publications()
            items = [{"publication": name, "live": name == serves, "pinned": name == pin} for name in names]
            return json_answer({"items": items})
        entry = live.store.live_at(moment)
        if entry is None:
            raise ProblemError(problems.UNKNOWN_PUBLICATION, f"Nothing was live at {moment.isoformat()}.")
        return json_answer({"at": moment.isoformat(), "publication": entry.publication, "entry": entry.as_dict()})

    @app.get("/v1/publications/<name>")
    def publication_by_id(name: str) -> Response:
        Parameters(request.args, frozenset())
        if not PUBLICATION_ID.fullmatch(name):
            raise ProblemError(problems.UNKNOWN_PUBLICATION, "A publication id looks like 20261123T190000.")
        return json_answer(_publication_answer(live, name))

"""What is live, what was, and where each publication comes from."""

from __future__ import annotations

from typing import Any

from flask import Response

from serving.publications.format import PUBLICATION_ID, PublicationError
from serving.publications.lineage import missing_from
from serving.publications.reading.live import LivePublication
from serving.publications.times import format_time
from serving.recommendations.answers import problems
from serving.recommendations.answers.chosen import current
from serving.recommendations.answers.parameters import Moments, NoParameters, PublicationPath
from serving.recommendations.answers.responses import json_answer
from serving.recommendations.api import store_schemas
from serving.recommendations.api.conventions import SERVED
from serving.web.logs import error_log
from serving.web.operations import Operation, Operations
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


def publication_operations(api: Operations, live: LivePublication) -> None:
    """Declare the publications."""

    @api.add(
        Operation(
            "GET",
            "/v1/publication",
            "The publication that is served now, with its lineage.",
            "publications",
            query=NoParameters,
            answer=store_schemas.Publication,
            kinds=SERVED,
        )
    )
    def live_publication() -> Response:
        return json_answer(_publication_answer(live, current(live).publication_id))

    @api.add(
        Operation(
            "GET",
            "/v1/publications",
            "The publications in the store, or what was live at a time.",
            "publications",
            query=Moments,
            answer=store_schemas.Publications,
            kinds=(problems.UNKNOWN_PUBLICATION,),
        )
    )
    def publications(query: Moments) -> Response:
        moment = query.at
        if moment is None:
            serves, pin = live.store.live(), live.store.pinned()
            names = live.store.publications()
            items = [{"publication": name, "live": name == serves, "pinned": name == pin} for name in names]
            return json_answer({"items": items})
        entry = live.store.live_at(moment)
        if entry is None:
            raise ProblemError(problems.UNKNOWN_PUBLICATION, f"Nothing was live at {moment.isoformat()}.")
        return json_answer({"at": moment.isoformat(), "publication": entry.publication, "entry": entry.as_dict()})

    @api.add(
        Operation(
            "GET",
            "/v1/publications/<name>",
            "A publication with its lineage: where every list in it comes from.",
            "publications",
            path=PublicationPath,
            query=NoParameters,
            answer=store_schemas.Publication,
            kinds=(problems.UNKNOWN_PUBLICATION,),
        )
    )
    def publication_by_id(path: PublicationPath) -> Response:
        if not PUBLICATION_ID.fullmatch(path.name):
            raise ProblemError(problems.UNKNOWN_PUBLICATION, "A publication id looks like 20261123T190000.")
        return json_answer(_publication_answer(live, path.name))

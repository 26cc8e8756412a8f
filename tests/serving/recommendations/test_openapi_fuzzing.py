"""Requests that schemathesis makes up from the OpenAPI document, right and wrong ones: each is answered as described.

The examples are bounded and derandomised: the same code is asked the same things.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from serving.publications.building.build import build_publication
from serving.publications.store import PublicationStore
from serving.publications.transfer import pull
from serving.recommendations.application import create_app

from ..conftest import LINEAGE, THIRD, small_tables, write_exports

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
DESCRIPTION = create_app({"MARQUEE_PUBLICATION_STORE": "none"}).test_client().get("/openapi.json").get_json()
OPERATIONS = [(path, method) for path, methods in DESCRIPTION["paths"].items() for method in methods]


@pytest.fixture(scope="module")
def described_api(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return the description as the application over the small tables serves it."""
    folder = tmp_path_factory.mktemp("fuzzing")
    build_publication(write_exports(folder / "exports", small_tables()), LINEAGE, THIRD, folder / "out")
    store = PublicationStore(Path(folder) / "store")
    pull(store, str(folder / "out"), THIRD, "u", "test")
    store.activate(THIRD, "test", "")
    app = create_app({"MARQUEE_PUBLICATION_STORE": str(store.root), "MARQUEE_SERVING_LOG_LEVEL": "error"})
    return schemathesis.openapi.from_wsgi("/openapi.json", app)


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=[f"{method} {path}" for path, method in OPERATIONS])
def test_made_up_requests_are_answered_as_the_description_says(
    described_api: Any, path: str, method: str, mode: GenerationMode
) -> None:
    operation = described_api[path][method.upper()]
    if mode is GenerationMode.NEGATIVE and not (operation.query or operation.path_parameters or operation.body):
        # Nothing can be wrong with a request that has no parameters.
        return

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=25, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def check(case: schemathesis.Case) -> None:
        response = case.call()
        case.validate_response(response, checks=CHECKS)
        # An answer shows neither a path of the server nor a trace.
        assert "Traceback" not in response.text
        assert "/tmp/" not in response.text

    check()

"""newman sends the Postman collection of the three APIs to the gateway.

The collection is made from the OpenAPI documents that the gateway serves. The file's name sorts after the tests of the
backfill, because the movie that the collection adds is in every later export.
"""

import subprocess
import xml.etree.ElementTree as ET

import pytest

from infra.control.settings import REPOSITORY
from tests.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1800)]
APIS = ("/openapi.json", "/accounts/openapi.json", "/reviews/openapi.json")
POSTMAN = REPOSITORY / "tests" / "postman"


def test_each_request_of_the_collection_is_answered_as_described(
    stack: Stack, first_run: str, sentiment_model: str
) -> None:
    gateway, output = stack.variables["MARQUEE_GATEWAY_URL"], stack.settings.instance / "postman"
    subprocess.run(["npm", "ci", "--silent", "--prefix", str(POSTMAN)], check=True)
    ended = subprocess.run(
        ["node", str(POSTMAN / "postman.mjs"), gateway, str(output)], env=stack.variables, check=False
    )
    requests = ET.parse(output / "newman.xml").getroot().findall("testsuite")
    assert [
        request.get("name") for request in requests if (request.get("failures"), request.get("errors")) != ("0", "0")
    ] == []
    documents = [stack.get(gateway + path)["paths"] for path in APIS]
    described = sum(len(operations) for paths in documents for operations in paths.values())
    assert len(requests) == described > 60
    assert ended.returncode == 0

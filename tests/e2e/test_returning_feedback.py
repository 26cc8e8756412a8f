"""A user rates movies and gets a list at once, and another after the next run.

The file's name sorts after the tests of the first batch's bytes.
"""

import json
import urllib.request
from typing import Any

import pytest

from tests.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1800)]
# Toy Story, Jumanji, Heat, Seven, Usual Suspects, Braveheart, Star Wars, Pulp Fiction, Shawshank Redemption, Forrest Gump
RATED = {1: 4.0, 2: 3.0, 6: 4.5, 47: 4.0, 50: 5.0, 110: 3.5, 260: 5.0, 296: 4.5, 318: 5.0, 356: 3.0}


def request(stack: Stack, method: str, path: str, body: Any, token: str | None = None) -> Any:
    """Send JSON through the gateway and return the answer."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    sent = urllib.request.Request(
        stack.variables["MARQUEE_GATEWAY_URL"] + path, json.dumps(body).encode(), headers, method=method
    )
    with urllib.request.urlopen(sent, timeout=60) as answer:
        return json.load(answer)


def movies_of(answer: Any) -> list[int]:
    return [item["movie_id"] for item in answer["items"]]


def test_what_a_person_rates_gives_a_list_at_once_and_is_in_the_next_run(stack: Stack, first_run: str) -> None:
    login = {"name": "Grace Hopper", "password": "correct horse battery staple 9"}
    user = request(stack, "POST", "/accounts/v1/users", login)["user_id"]
    token = request(stack, "POST", "/accounts/v1/login", login)["access_token"]
    assert user > 1_000_000_000
    for movie, stars in RATED.items():
        request(stack, "PUT", f"/accounts/v1/users/{user}/ratings/{movie}", {"rating": stars}, token)

    given = [{"movie_id": movie, "rating": stars} for movie, stars in RATED.items()]
    at_once = movies_of(request(stack, "POST", "/v1/recommendations", {"ratings": given, "limit": 20}))
    assert len(set(at_once)) == 20
    assert not set(at_once) & set(RATED)

    stack.pipeline("run")

    nightly = stack.api(f"/v1/users/{user}/recommendations?limit=20")
    assert nightly["policy"] == "personalised"
    assert len(set(movies_of(nightly))) == 20
    assert not set(movies_of(nightly)) & set(RATED)
    lineage = stack.api(f"/v1/publications/{nightly['publication']}")["lineage"]
    feedback = lineage["snapshot"]["source"]["feedback"]
    assert feedback["watermark"] >= 10
    (given_file,) = [file for file in lineage["snapshot"]["files"] if file["name"] == "feedback-ratings.csv"]
    assert given_file["rows"] == 10
    accounted = stack.hive(
        "SELECT rows_in, rows_clean, rows_quarantined, rows_superseded FROM marquee.row_accounting "
        f"WHERE batch_id = '{nightly['publication']}' AND source_file = 'feedback-ratings.csv'"
    )
    assert accounted == [(10, 10, 0, 0)]

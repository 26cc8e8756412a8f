"""Predictions over HTTP: what is answered, what is refused, and what is kept."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select

from serving.reviews.database.models import Feedback, KeptText

from .conftest import FIRST, Accounts, Start, problem

POSITIVE = "This film is wonderful."


def test_a_text_is_predicted_with_the_terms_that_decided(client: TestClient) -> None:
    answer = client.post("/v1/sentiment", json={"text": POSITIVE})
    assert answer.status_code == 200
    found = answer.json()
    assert {name: found[name] for name in ("label", "confident", "language", "publication", "model_version")} == {
        "label": "positive",
        "confident": True,
        "language": "en",
        "publication": FIRST,
        "model_version": "1",
    }
    assert found["probability"] > 0.9
    assert found["terms"][0]["term"] == "wonderful"
    assert found["stored"] is False
    assert answer.headers["cache-control"] == "no-store"


def test_a_korean_text_is_known_by_itself_and_an_unknown_language_is_not_confident(client: TestClient) -> None:
    korean = client.post("/v1/sentiment", json={"text": "정말 지루한 영화"}).json()
    assert (korean["label"], korean["language"]) == ("negative", "ko")
    french = client.post("/v1/sentiment", json={"text": "un film magnifique", "language": "fr"}).json()
    assert (french["confident"], french["probability"], french["language"]) == (False, 0.5, "fr")


REFUSED = {
    "empty": ("", "The text is empty."),
    "white space": (" \n\u3000", "The text is empty."),
    "too long": ("a" * 20_001, "The text has 20,001 characters."),
    "null byte": ("go\0od", "Character 3 of the text is a null byte."),
    "lone surrogate": ("good \ud83d film", "Character 6 of the text is half of a surrogate pair."),
    "lone low surrogate": ("\udc00", "Character 1 of the text is half of a surrogate pair."),
    "number": (12, "The text is not a string."),
    "nothing": (None, "The text is not a string."),
    "list": (["good"], "The text is not a string."),
    "object": ({"text": "good"}, "The text is not a string."),
    "yes": (True, "The text is not a string."),
}


@pytest.mark.parametrize(("text", "why"), REFUSED.values(), ids=REFUSED)
def test_a_hostile_text_is_refused_with_a_sentence_that_helps(client: TestClient, text: Any, why: str) -> None:
    body = json.dumps({"text": text})
    answer = client.post("/v1/sentiment", content=body, headers={"Content-Type": "application/json"})
    document = problem(answer, 422, "bad-request")
    assert document["detail"].startswith(why)
    assert document["errors"][0]["field"] == "body.text"


TAKEN = [
    *(
        "a" * 20_000,
        "\U0001f3ac" * 20_000,
        "<script>alert(1)</script>",
        "'; DROP TABLE reviews; --",
        "\u202e\u0301\u200d",
    ),
    *("\ud55c\uae00", "\ufffe\uffff", "\x01\x7f", "%00 %s {0}", "&lt;b&gt;", "a\r\n\tb", "\u0640" * 300),
]


@pytest.mark.parametrize("text", TAKEN, ids=range(len(TAKEN)))
def test_any_other_text_is_predicted(client: TestClient, text: str) -> None:
    assert client.post("/v1/sentiment", json={"text": text}).status_code == 200


BODIES: dict[str, tuple[bytes, str, int, str]] = {
    "not JSON": (b"{text: good}", "application/json", 400, "not-json"),
    "cut off": (b'{"text": "go', "application/json", 400, "not-json"),
    "not UTF-8": (b'{"text": "\xff\xfe"}', "application/json", 400, "not-json"),
    "too deep": (b'{"text": ' + b"[" * 100_000, "application/json", 400, "not-json"),
    "a huge number": (b'{"text": ' + b"1" * 5_000 + b"}", "application/json", 400, "not-json"),
    "empty": (b"", "application/json", 422, "bad-request"),
    "a list": (b"[]", "application/json", 422, "bad-request"),
    "other members": (b'{"text": "good", "texts": []}', "application/json", 422, "bad-request"),
    "a form": (b"text=good", "application/x-www-form-urlencoded", 415, "wrong-media-type"),
    "plain text": (b"good", "text/plain", 415, "wrong-media-type"),
    "store as text": (b'{"text": "good", "store": "yes"}', "application/json", 422, "bad-request"),
    "language in words": (b'{"text": "good", "language": "English"}', "application/json", 422, "bad-request"),
    "language of surrogates": (b'{"text": "good", "language": "\\ud800"}', "application/json", 422, "bad-request"),
    "a name of surrogates": (b'{"text": "good", "\\ud800": 1}', "application/json", 422, "bad-request"),
    "10 MB": (b'{"text": "' + b"a" * 10_000_000 + b'"}', "application/json", 413, "too-large"),
}


@pytest.mark.parametrize("path", ["/v1/sentiment", "/v1/sentiment/batch"])
@pytest.mark.parametrize("name", BODIES)
def test_a_body_of_rubbish_gets_a_problem_and_never_a_defect(client: TestClient, name: str, path: str) -> None:
    content, media_type, status, kind = BODIES[name]
    problem(client.post(path, content=content, headers={"Content-Type": media_type}), status, kind)


def test_a_body_without_a_length_is_refused_once_too_much_arrived(client: TestClient) -> None:
    def pieces() -> Any:
        yield b'{"text": "'
        for _ in range(100):
            yield b"a" * 100_000

    headers = {"Content-Type": "application/json"}
    problem(client.post("/v1/sentiment", content=pieces(), headers=headers), 413, "too-large")


def test_a_batch_keeps_the_order_and_each_text_has_its_own_result_or_error(client: TestClient) -> None:
    texts = [POSITIVE, "", "This film is boring.", 5, "a\0", "\ud800", "a" * 20_001]
    body = json.dumps({"texts": texts})
    answer = client.post("/v1/sentiment/batch", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [result.get("label") for result in results] == ["positive", None, "negative", None, None, None, None]
    assert [result["error"]["detail"].split(".")[0] for result in results if "error" in result] == [
        "The text is empty",
        "The text is not a string",
        "Character 2 of the text is a null byte",
        "Character 1 of the text is half of a surrogate pair",
        "The text has 20,001 characters",
    ]


def test_a_batch_has_1_to_1000_texts(client: TestClient) -> None:
    assert len(client.post("/v1/sentiment/batch", json={"texts": ["good"] * 1000}).json()["results"]) == 1000
    for texts in ([], ["good"] * 1001):
        problem(client.post("/v1/sentiment/batch", json={"texts": texts}), 422, "bad-request")


def test_without_a_model_predictions_are_unavailable_and_the_service_is_degraded(start: Start) -> None:
    client = start(MARQUEE_SENTIMENT_STORE="/nonexistent/store")
    problem(client.post("/v1/sentiment", json={"text": "good"}), 503, "no-model")
    assert client.get("/ready").json() == {"status": "degraded", "model": None, "refused": None}


def test_a_text_is_kept_only_where_a_signed_in_account_asks(
    client: TestClient, accounts: Accounts, engine: Engine
) -> None:
    ada = accounts.sign_in("Ada")
    client.post("/v1/sentiment", json={"text": POSITIVE}, headers=ada.headers)
    problem(client.post("/v1/sentiment", json={"text": POSITIVE, "store": True}), 401, "not-signed-in")
    with engine.connect() as connection:
        assert connection.execute(select(KeptText)).all() == []
    kept = client.post("/v1/sentiment", json={"text": POSITIVE, "store": True}, headers=ada.headers).json()
    assert kept["stored"] is True
    with engine.connect() as connection:
        rows = connection.execute(select(KeptText.prediction, KeptText.owner_id, KeptText.text)).all()
    assert [tuple(row) for row in rows] == [(kept["prediction"], ada.user_id, POSITIVE)]


def test_feedback_notes_the_truth_and_keeps_the_text_only_for_training(
    client: TestClient, accounts: Accounts, engine: Engine
) -> None:
    ada = accounts.sign_in("Ada")
    prediction = client.post("/v1/sentiment", json={"text": POSITIVE}).json()["prediction"]
    path = f"/v1/sentiment/{prediction}/feedback"
    noted = client.post(path, json={"right": True, "text": POSITIVE}, headers=ada.headers)
    assert noted.json() == {"prediction": prediction, "predicted": "positive", "truth": "positive", "trains": False}
    changed = client.post(path, json={"right": False, "text": POSITIVE, "may_train": True}, headers=ada.headers)
    assert changed.json() == {"prediction": prediction, "predicted": "positive", "truth": "negative", "trains": True}
    with engine.connect() as connection:
        rows = connection.execute(select(Feedback.truth, Feedback.text, Feedback.language, Feedback.publication)).all()
    assert [tuple(row) for row in rows] == [("negative", POSITIVE, "en", FIRST)]


def test_feedback_for_training_takes_the_text_that_the_account_keeps(client: TestClient, accounts: Accounts) -> None:
    ada, bob = accounts.sign_in("Ada"), accounts.sign_in("Bob")
    kept = client.post("/v1/sentiment", json={"text": POSITIVE, "store": True}, headers=ada.headers).json()
    path = f"/v1/sentiment/{kept['prediction']}/feedback"
    body = {"right": True, "may_train": True}
    assert client.post(path, json=body, headers=ada.headers).json()["trains"] is True
    problem(client.post(path, json=body, headers=bob.headers), 422, "other-text")


def test_feedback_is_refused_without_an_account_for_another_text_and_for_ids_that_are_made_up(
    client: TestClient, accounts: Accounts
) -> None:
    ada = accounts.sign_in("Ada")
    prediction = client.post("/v1/sentiment", json={"text": POSITIVE}).json()["prediction"]
    path = f"/v1/sentiment/{prediction}/feedback"
    problem(client.post(path, json={"right": True}), 401, "not-signed-in")
    other = {"right": True, "text": "another text"}
    problem(client.post(path, json=other, headers=ada.headers), 422, "other-text")
    forged = prediction[:-3] + ("AAA" if prediction[-3:] != "AAA" else "BBB")
    for made_up in (forged, "A" * 80, "_" * 80):
        answer = client.post(f"/v1/sentiment/{made_up}/feedback", json={"right": True}, headers=ada.headers)
        problem(answer, 404, "not-found")
    for name in ("x", "A" * 81, "%00", "a b"):
        answer = client.post(f"/v1/sentiment/{name}/feedback", json={"right": True}, headers=ada.headers)
        problem(answer, 422, "bad-request")


@pytest.mark.parametrize("given", ["Bearer", "Bearer x", "Basic QTpC", "Bearer \u00e9", "bearer a b", "x" * 3000, ""])
def test_a_token_that_is_none_is_not_signed_in(client: TestClient, given: str) -> None:
    answer = client.post("/v1/sentiment", json={"text": "good"}, headers={"Authorization": given.encode()})  # type: ignore[dict-item]
    problem(answer, 401, "not-signed-in")
    assert answer.headers["www-authenticate"] == 'Bearer realm="marquee"'


def test_a_revoked_token_ends_at_once(client: TestClient, accounts: Accounts) -> None:
    ada = accounts.sign_in("Ada")
    keep = {"text": "good", "store": True}
    assert client.post("/v1/sentiment", json=keep, headers=ada.headers).status_code == 200
    accounts.delete(ada)
    problem(client.post("/v1/sentiment", json=keep, headers=ada.headers), 401, "not-signed-in")


def test_without_the_accounts_service_predictions_go_on_and_keeping_is_unavailable(start: Start) -> None:
    client = start(MARQUEE_ACCOUNTS_URL="http://127.0.0.1:1")
    assert client.post("/v1/sentiment", json={"text": "good"}).status_code == 200
    answer = client.post("/v1/sentiment", json={"text": "good"}, headers={"Authorization": "Bearer a.b.c"})
    problem(answer, 503, "unavailable")


def test_what_is_counted_names_languages_labels_and_routes(client: TestClient) -> None:
    client.post("/v1/sentiment", json={"text": POSITIVE})
    client.get("/nowhere")
    text = client.get("/metrics").text
    assert 'marquee_sentiment_predictions_total{confident="true",label="positive",language="en"' in text.replace(
        ", ", ","
    )
    assert 'marquee_http_requests_total{method="POST",route="/v1/sentiment",status="200"}' in text
    assert 'route="unmatched",status="404"' in text


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [("GET", "/nowhere", 404, "not-found"), ("DELETE", "/v1/sentiment", 405, "method-not-allowed")],
)
def test_addresses_and_methods_that_are_none_get_a_problem(
    client: TestClient, method: str, path: str, status: int, kind: str
) -> None:
    problem(client.request(method, path), status, kind)


def test_docs_load_nothing_from_another_host(client: TestClient) -> None:
    page = client.get("/docs").text
    assert "https://" not in page
    assert client.get("/static-offline-docs/swagger-ui-bundle.js").status_code == 200


def test_below_the_gateways_path_everything_is_there_and_links_stay_below_it(start: Start, accounts: Accounts) -> None:
    client = start(MARQUEE_REVIEWS_ROOT="/reviews")
    ada, bob = accounts.sign_in("Ada"), accounts.sign_in("Bob")
    assert client.get("/reviews/static-offline-docs/swagger-ui.css").status_code == 200
    for path in ("/health", "/ready", "/docs", "/openapi.json", "/metrics"):
        assert client.get(path).status_code == client.get(f"/reviews{path}").status_code == 200, path
    assert "/reviews/openapi.json" in client.get("/reviews/docs").text
    assert client.get("/reviews/openapi.json").json()["servers"] == [{"url": "/reviews"}]
    for root, person in (("", ada), ("/reviews", bob)):
        written = client.post(f"{root}/v1/movies/1/reviews", json={"text": POSITIVE}, headers=person.headers)
        assert written.headers["location"] == f"{root}/v1/reviews/{written.json()['review_id']}"
    for root in ("", "/reviews"):
        following = client.get(f"{root}/v1/movies/1/reviews?limit=1").json()["next"]
        assert following.startswith(f"{root}/v1/movies/1/reviews?")
        assert len(client.get(following).json()["items"]) == 1
        file = {"file": ("t.csv", b"text\na\n")}
        job = client.post(f"{root}/v1/sentiment/jobs", files=file, headers=ada.headers)
        assert job.headers["location"] == f"{root}/v1/sentiment/jobs/{job.json()['job_id']}"
        # The kinds of problems are described on the page that the gateway shows.
        unknown = client.get(f"{root}/v1/reviews/77")
        assert unknown.json()["type"] == "/reviews/docs#problem-not-found"
        (refused,) = client.post(f"{root}/v1/sentiment/batch", json={"texts": [""]}).json()["results"]
        assert refused["error"]["type"] == "/reviews/docs#problem-bad-text"
    # The limits of bodies are those of the address without the path.
    big = b'{"texts": ["' + b"a" * 300_000 + b'"]}'
    for path, status in (("/reviews/v1/sentiment/batch", 200), ("/reviews/v1/sentiment", 413)):
        answer = client.post(path, content=big, headers={"Content-Type": "application/json"})
        assert answer.status_code == status, answer.text

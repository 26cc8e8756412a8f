"""The client of the recommendation API speaks the catalogue's numbers, whatever ids the API shows."""

from typing import Any

import pytest

from serving.accounts.pages.recommendation_client import RecommendationClient


def answering(monkeypatch: pytest.MonkeyPatch, items: list[dict[str, Any]]) -> RecommendationClient:
    answer = {"items": items, "publication": "20261123T190000", "data_through": None, "ignored": []}
    monkeypatch.setattr(RecommendationClient, "_ask", lambda *_: answer)
    return RecommendationClient("http://127.0.0.1:1")


def test_movies_are_named_as_the_api_names_them_and_the_account_by_its_own_spelling(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = {"movie_id": "0155061224", "number": 20_000_001, "title": "Rites"}
    client = answering(monkeypatch, [own, {"movie_id": 318, "title": "Heat"}])
    nightly, now = client.nightly(1_000_000_001, "127.0.0.1"), client.now([("3", 5.0, "2026")], "127.0.0.1")
    assert nightly is not None
    assert now is not None
    for found in (nightly, now):
        assert [item["movie_id"] for item in found.items] == ["0155061224", 318]

"""`python -m infra.pipeline sentiment-champion`, which `make sentiment-rollback` ends with."""

from pathlib import Path

import pytest

from infra.pipeline.__main__ import main
from tests.sentiment_models import FIRST, publish


def test_a_store_without_a_live_model_and_a_model_without_mlflow_leave_the_champion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MARQUEE_SENTIMENT_STORE", str(tmp_path / "models"))
    assert main(["sentiment-champion"]) == 0
    assert capsys.readouterr().out == "No sentiment model is live, so that MLflow keeps its champion.\n"
    publish(tmp_path / "models", tmp_path / "work", FIRST, "1").activate(FIRST, "test", "drill")
    assert main(["sentiment-champion"]) == 0
    assert capsys.readouterr().out == f"Live is {FIRST}, which was published without MLflow: its champion stays.\n"

"""What `make sentiment` trains on: what is given, else the installation's corpus."""

from pathlib import Path
from typing import Any

import pytest

from infra.pipeline.arguments import UsageError, build_parser
from infra.pipeline.sentiment import add_sentiment, conf_of_sentiment


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    file = tmp_path / "mine.csv"
    file.write_text("text,label\nfine,1\n")
    return file


def conf(*arguments: str) -> dict[str, Any]:
    return conf_of_sentiment(build_parser(add_sentiment).parse_args(["sentiment", *arguments]))


@pytest.fixture(params=[False, True], ids=["nothing in .env", "a corpus in .env"])
def installed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    if request.param:
        monkeypatch.setenv("MARQUEE_SENTIMENT_CORPUS", "house.csv.gz")
        monkeypatch.setenv("MARQUEE_SENTIMENT_TEXT", "review")
    return bool(request.param)


def test_without_arguments_the_run_takes_the_defaults_of_its_dag(installed: bool) -> None:
    assert conf() == {}
    assert conf("--seed", "7") == {"seed": 7}


def test_a_given_file_has_the_usual_columns_whatever_those_of_the_installation_s(installed: bool, corpus: Path) -> None:
    usual = {"text": "text", "label": "label", "language": "", "corpus": str(corpus)}
    assert conf("--corpus", str(corpus)) == usual
    assert conf("--corpus", str(corpus), "--text", "comment", "--language", "ko", "--embedded", "no") == {
        **usual, "text": "comment", "language": "ko", "embedded": False
    }  # fmt: skip


def test_columns_alone_are_those_of_the_installation_s_file(installed: bool) -> None:
    if installed:
        assert conf("--text", "comment") == {"text": "comment"}
    else:
        with pytest.raises(UsageError, match="none is given"):
            conf("--text", "comment")


def test_without_the_embedded_corpora_there_must_be_a_file(
    installed: bool, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if installed:
        assert conf("--embedded", "no") == {"embedded": False}
        return
    with pytest.raises(UsageError, match="nothing to train on"):
        conf("--embedded", "no")
    monkeypatch.setenv("MARQUEE_SENTIMENT_EMBEDDED", "no")
    with pytest.raises(UsageError, match="nothing to train on"):
        conf()
    assert conf("--embedded", "yes") == {"embedded": True}
    assert conf("--corpus", str(corpus))["corpus"] == str(corpus)


def test_a_file_that_is_not_there_is_refused_by_name(installed: bool, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--corpus .*none\.csv' does not exist\. Give the path"):
        conf("--corpus", str(tmp_path / "none.csv"))
    with pytest.raises(UsageError, match="is a folder"):
        conf("--corpus", str(tmp_path))

"""Numbers that the reviews' programs get are bounded where they come in."""

import pytest

from serving.reviews.__main__ import main as serve
from serving.reviews.watching.__main__ import main as watch

RUBBISH = ["nan", "inf", "-inf", "1e999", "-1", "true", "", "x", "1_0", "\u0663", "9" * 5000, str(2**70)]
DECIDE = ["decide", "--tracking-uri", "http://127.0.0.1:1", "--measured"]
MEASURED = '{"languages": {}, "labelled": 0, "publication": "", "model_version": ""}'


@pytest.mark.parametrize("option", ["least-feedback", "drop", "least-labelled", "pause-hours"])
def test_a_limit_of_the_watch_has_bounds(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    for text in [*RUBBISH, "1000000001"]:
        with pytest.raises(SystemExit, match="2"):
            watch([*DECIDE, MEASURED, f"--{option}={text}"])
        assert f"argument --{option}: {text[:40]!r} is no " in capsys.readouterr().err


def test_figures_without_bounds_are_not_what_was_measured(capsys: pytest.CaptureFixture[str]) -> None:
    for labelled in ("Infinity", "NaN", "1e999", "[]", '"x"'):
        with pytest.raises(SystemExit, match="2"):
            watch([*DECIDE, MEASURED.replace('"labelled": 0', f'"labelled": {labelled}')])
        assert (
            "argument --measured: this is not what serving.reviews.measure_feedback prints" in capsys.readouterr().err
        )


@pytest.mark.parametrize(("option", "most"), [("port", 65535), ("workers", 1000)])
def test_a_number_of_the_server_has_bounds(
    option: str, most: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = f"is no whole number from 1 to {most}."
    for text in [*RUBBISH, "0", str(most + 1)]:
        with pytest.raises(SystemExit, match="2"):
            serve(["serve", f"--{option}={text}"])
        assert f"argument --{option}: {text[:40]!r} {refused}" in capsys.readouterr().err
    monkeypatch.setenv(f"MARQUEE_REVIEWS_{option.upper()}", "x")
    with pytest.raises(SystemExit, match="2"):
        serve(["serve"])
    assert f"argument --{option}: 'x' {refused}" in capsys.readouterr().err

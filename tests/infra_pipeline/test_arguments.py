"""What `python -m infra.pipeline` takes and refuses: numbers, texts and dates have bounds, and no server is asked."""

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.pipeline.__main__ import main
from infra.pipeline.arguments import MAX_LIMIT, UsageError, build_parser, conf_of, logical_date_of
from serving.recommendations.answers import parameters
from tests.infra_pipeline.conftest import Double


def test_the_bound_is_that_of_the_recommendation_api() -> None:
    assert parameters.MAX_LIMIT == MAX_LIMIT


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show-user", "--user", "a\nb"], "can't be printed"),
        (["show-user", "--user", "\udcff"], "can't be printed"),
        (["show-user", "--limit", "101"], "no whole number from 1 to 100"),
        (["demo", "--limit", "0"], "no whole number from 1 to 100"),
        (["stop", "--run", "../../admin"], "is no run id"),
        (["stop", "--run", ""], "is no run id"),
        (["watch", "--run", "a b"], "is no run id"),
        (["run", "--again", "x?y=z"], "is no run id"),
        (["stop", "--run", "\udcff"], "is no run id"),
        (["run", "--dataset", "ml\n1m"], "can't be printed"),
        (["run", "--dataset", "\udcff"], "can't be printed"),
    ],
)
def test_argparse_refuses_what_is_out_of_bounds(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--conf", '{"seed": 1180591620717411303424}'],
            "seed in --conf is 1180591620717411303424. Give a whole number",
        ),
        (["--conf", '{"alpha": NaN}'], "NaN is no number of JSON"),
        (["--conf", '{"alpha": Infinity}'], "Infinity is no number of JSON"),
        (["--conf", '{"alpha": -Infinity}'], "-Infinity is no number of JSON"),
        (["--conf", '{"alpha": 1e999}'], "A number of alpha in --conf is too large"),
        (["--conf", '{"model_settings": {"rank": -9007199254740992}}'], "rank in model_settings in --conf is"),
        (["--conf", '{"x": [1, [1e400]]}'], "A number of x in --conf is too large"),
        (["--conf", '{"archive": "a\\u0000b"}'], "archive in --conf has characters that can't be printed"),
        (["--conf", '{"archive": "\\ud800"}'], "archive in --conf has characters that can't be printed"),
        (["--conf", '{"a\\u0007": 1}'], "--conf has characters that can't be printed"),
        (["--conf", "[" * 100_000], "--conf is not JSON"),
        (["--conf", "1" * 5000], "--conf is not JSON"),
        (["--conf", ""], "--conf is not JSON"),
        (["--archive", "x" * 5000], "File name too long"),
        (["--batch-date", "0001-01-01T00:00:00+14:00"], "is not an ISO 8601 time"),
        (["--batch-date", "9999-12-31T23:59:59-14:00"], "is not an ISO 8601 time"),
        (["--batch-date", "1969-12-31"], "is not between the years 1970 and 9998"),
        (["--batch-date", "9999-01-01"], "is not between the years 1970 and 9998"),
        (["--batch-date", "20261123T250000"], "is not an ISO 8601 time"),
        (["--batch-date", "\udcff"], "is not an ISO 8601 time"),
    ],
)
def test_a_value_without_a_place_in_airflow_is_status_2_and_reaches_no_server(
    airflow: Double, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert airflow.requests == []


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.text(), JSON_VALUES, max_size=3))
def test_what_conf_takes_is_strict_json_and_all_else_is_a_usage_error(value: dict[str, Any]) -> None:
    try:
        conf = conf_of(build_parser().parse_args(["run", f"--conf={json.dumps(value)}"]))
    except UsageError:
        return
    assert json.loads(json.dumps(conf, allow_nan=False)) == value


@given(st.text())
def test_any_text_as_batch_date_is_a_time_or_a_usage_error(text: str) -> None:
    try:
        moment = logical_date_of(text)
    except UsageError:
        return
    assert moment is not None
    assert moment.endswith("+00:00")


def test_rubbish_from_a_shell_leaves_no_traceback() -> None:
    for argument in (b"\xff", b"\xed\xa0\x80", "\u202e".encode()):
        ended = subprocess.run(
            [sys.executable, "-m", "infra.pipeline", "run", "--dataset", argument], capture_output=True, check=False
        )
        assert (ended.returncode, b"Traceback" in ended.stderr) == (2, False), ended.stderr

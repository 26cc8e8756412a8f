"""What the watch reads of the gateway's log, and when it sends a version back."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.deploy.environments.watch import (
    GatewayLog,
    Request,
    errors,
    p99,
    request_of,
    steady_p99,
    summary,
    too_many_errors,
    too_slow,
)


def requests(count: int, seconds: float = 0.01, status: int = 200, kind: str = "/v1/popular") -> list[Request]:
    return [Request(kind, status, seconds)] * count


def line(path: str = "/v1/users/7/recommendations", status: int = 200, seconds: float = 0.012) -> str:
    return f'{{"path":"{path}","status":{status},"seconds":{seconds}}}\n'


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "/"),
        ("/health", "/health"),
        ("/v1/users/7/recommendations", "/v1/users"),
        ("/account", "/account"),
        ("", "/"),
    ],
)
def test_a_request_is_of_the_kind_that_its_address_begins_with(path: str, kind: str) -> None:
    assert request_of(line(path, 503, 1.5)) == Request(kind, 503, 1.5)


@given(st.text())
def test_any_other_line_of_the_log_is_passed_over(text: str) -> None:
    assert request_of(text) is None


def test_the_log_is_read_from_now_on_over_a_half_line_and_a_new_file(tmp_path: Path) -> None:
    log = tmp_path / "gateway.log"
    log.write_text(line("/before"), encoding="ascii")
    with GatewayLog(log) as follower:
        with log.open("a", encoding="ascii") as out:
            out.write("nginx starts\n" + line("/a") + line("/b")[:20])
        assert [each.kind for each in follower.read()] == ["/a"]
        with log.open("a", encoding="ascii") as out:
            out.write(line("/b")[20:])
        log.rename(tmp_path / "gateway.log.1")
        log.write_text(line("/c"), encoding="ascii")
        assert [each.kind for each in follower.read()] == ["/b", "/c"]
        assert follower.read() == []


def test_figures() -> None:
    hundred = [Request("/", 200, number / 1000) for number in range(1, 101)]
    assert p99(hundred) == 0.099
    assert p99(hundred[:50]) == 0.049
    assert p99(hundred[:1]) == 0.001
    assert p99([]) == errors([]) == 0.0
    assert errors(requests(3) + requests(1, status=502)) == 0.25
    assert summary(requests(3) + requests(1, 0.05, 502)) == "4 requests, 25.00% failed, p99 10 ms"


def test_more_than_one_error_in_a_hundred_is_too_many_unless_there_were_half_as_many_before() -> None:
    bad = requests(98) + requests(2, status=500)
    assert too_many_errors(requests(100), bad) == "2.0% of 100 requests failed, more than 1.0%"
    assert too_many_errors(requests(100), requests(99) + requests(1, status=503)) == ""
    assert too_many_errors(requests(99) + requests(1, status=500), bad) == ""
    # A wrong address or too many requests are no fault of the version.
    assert too_many_errors([], requests(10, status=404) + requests(10, status=429)) == ""


def test_a_p99_ten_times_up_is_too_slow_and_one_slow_request_or_a_busy_machine_is_not() -> None:
    before = requests(100, 0.03)
    assert (
        too_slow([before], [], requests(100, 0.3), 100)
        == "the p99 of /v1/popular is 300 ms, and 30 ms with the version before"
    )
    assert too_slow([before], [], requests(100, 0.12), 100) == ""
    assert too_slow([before], [], requests(99, 0.03) + requests(1, 3.0), 100) == ""
    assert too_slow([before], [], requests(50, 0.3), 100) == ""
    # A kind that nobody asked for before can't be compared.
    assert too_slow([before], [], requests(200, 0.9, kind="/account/sign-in"), 100) == ""
    assert too_slow([requests(100, 0.5)], [], requests(200, 1.4), 100) == ""


def test_a_machine_that_slows_the_version_before_too_sends_nothing_back() -> None:
    before, slow = requests(100, 0.03), requests(100, 0.3)
    assert too_slow([before], requests(100, 0.28), slow, 100) == ""
    # Visitors ask for more than the watch does: then all that the version before answered meanwhile is compared.
    assert too_slow([requests(100, 0.03, kind="/x")], requests(100, 0.28), requests(100, 0.3, kind="/x"), 100) == ""
    assert too_slow([before], requests(100, 0.03), slow, 100).startswith("the p99 of /v1/popular is 300 ms")


def test_a_moment_in_which_the_machine_did_something_else_is_no_slow_version() -> None:
    before = [requests(100, 0.03)]
    burst = requests(150, 0.03) + requests(60, 2.0) + requests(150, 0.03)
    assert steady_p99(burst) == 0.03
    assert too_slow(before, [], burst, 100) == ""
    # It is no moment where it is half of the time, or where the version stays slow to the end.
    assert steady_p99(requests(60, 0.03) + requests(140, 2.0)) == 2.0
    leaking = requests(300, 0.03) + requests(200, 2.0)
    assert steady_p99(leaking) == 2.0
    assert too_slow(before, [], leaking, 100).startswith("the p99 of /v1/popular is 2000 ms")
    # One request in fifty is slow in each piece.
    assert steady_p99((requests(48, 0.03) + requests(2, 2.0)) * 10) == 2.0


@given(st.lists(st.floats(0.001, 10.0), max_size=300))
def test_a_steady_p99_is_never_above_the_slowest_request_and_few_requests_are_one_piece(seconds: list[float]) -> None:
    asked = [Request("/", 200, value) for value in seconds]
    assert steady_p99(asked) <= max(seconds, default=0.0)
    if len(seconds) < 40:
        assert steady_p99(asked) == p99(asked)


def test_the_slowest_measurement_of_the_version_before_counts() -> None:
    quick, busy, slow = requests(100, 0.03), requests(100, 0.28), requests(100, 0.3)
    assert too_slow([quick], [], slow, 100) != ""
    assert too_slow([quick, busy], [], slow, 100) == too_slow([busy, quick], [], slow, 100) == ""

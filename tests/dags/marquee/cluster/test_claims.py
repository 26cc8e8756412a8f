"""Test that no two runs get one batch id, and that a run keeps its own."""

from collections.abc import Callable
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from hdfs import HdfsError
from hypothesis import given
from hypothesis import strategies as st
from marquee.cluster import claims

AT = datetime(2026, 11, 28, 2, 28, 48, 123456, tzinfo=UTC)
FIRST, SECOND, THIRD = "20261128T022848", "20261128T022849", "20261128T022850"


class Hdfs:
    """Files by path, with HDFS's rules of WRITE and RENAME; `before_rename` plays a faster process."""

    def __init__(self, *paths: str) -> None:
        self.files = dict.fromkeys(paths, "")
        self.before_rename: Callable[[], None] = lambda: None

    def status(self, path: str, strict: bool) -> dict[str, Any] | None:
        assert strict is False
        return {} if any(name == path or name.startswith(f"{path}/") for name in self.files) else None

    def list(self, path: str) -> list[str]:
        return sorted({name.removeprefix(f"{path}/").split("/")[0] for name in self.files if name.startswith(path)})

    @contextmanager
    def read(self, path: str, encoding: str) -> Any:
        yield StringIO(self.files[path])

    def write(self, path: str, data: str, encoding: str) -> None:
        assert path not in self.files
        self.files[path] = data

    def rename(self, source: str, target: str) -> None:
        self.before_rename()
        if target in self.files:
            raise HdfsError("Unable to rename %r to %r.", source, target)
        self.files[target] = self.files.pop(source)

    def delete(self, path: str) -> None:
        del self.files[path]


def test_runs_of_the_same_second_get_ids_of_their_own_in_the_order_of_their_turns() -> None:
    hdfs = Hdfs()
    taken = [claims.claim_batch_id(hdfs, run, AT) for run in ("build manual__a", "build manual__b", "tune manual__a")]
    assert taken == [FIRST, SECOND, THIRD]


def test_a_run_that_is_cleared_keeps_its_id() -> None:
    hdfs = Hdfs()
    for run in ("build manual__a", "build manual__b"):
        claims.claim_batch_id(hdfs, run, AT)
    again = [claims.claim_batch_id(hdfs, run, AT) for run in ("build manual__b", "build manual__a")]
    assert again == [SECOND, FIRST]


def test_the_nightly_run_leaves_the_id_that_a_run_a_second_earlier_took() -> None:
    hdfs, night = Hdfs(), datetime(2026, 11, 28, 3, 0, 0, tzinfo=UTC)
    early = night - timedelta(milliseconds=1)
    names = ("build manual__a", early), ("build manual__b", early), ("build scheduled__c", night)
    assert [claims.claim_batch_id(hdfs, *name) for name in names] == [
        *("20261128T025959", "20261128T030000", "20261128T030001"),
    ]


def test_a_run_that_is_slower_by_a_moment_takes_the_next_id_and_leaves_nothing_behind() -> None:
    hdfs = Hdfs()

    def faster() -> None:
        hdfs.files.setdefault(f"{claims.CLAIMS}/{FIRST}", "build manual__a")

    hdfs.before_rename = faster
    assert claims.claim_batch_id(hdfs, "build manual__b", AT) == SECOND
    assert hdfs.files == {
        f"{claims.CLAIMS}/{FIRST}": "build manual__a",
        f"{claims.CLAIMS}/{SECOND}": "build manual__b",
    }


def test_a_rename_that_fails_for_another_reason_is_an_error_and_claims_nothing() -> None:
    hdfs = Hdfs()

    def refuse() -> None:
        raise HdfsError("Cannot rename. Name node is in safe mode.")

    hdfs.before_rename = refuse
    with pytest.raises(HdfsError, match="safe mode"):
        claims.claim_batch_id(hdfs, "build manual__a", AT)
    assert hdfs.files == {}


@pytest.mark.parametrize(
    "path",
    [
        f"/marquee/raw/ml-1m/{FIRST}/manifest.json",
        f"/marquee/models/{FIRST}/train_als.json",
        f"/marquee/publications/{FIRST}/publication.sqlite",
    ],
)
def test_a_batch_from_before_claims_is_left_to_the_run_that_wrote_it(path: str) -> None:
    assert claims.claim_batch_id(Hdfs(path), "build manual__new", AT) == SECOND
    assert claims.claim_batch_id(Hdfs(path), "build manual__old", AT, written=FIRST) == FIRST


def test_what_a_run_has_written_gives_it_no_right_to_the_id_of_another() -> None:
    hdfs = Hdfs()
    claims.claim_batch_id(hdfs, "build manual__a", AT)
    assert claims.claim_batch_id(hdfs, "build manual__b", AT, written=FIRST) == SECOND


def test_a_run_after_an_hour_of_taken_ids_is_refused() -> None:
    hdfs = Hdfs(*(f"{claims.CLAIMS}/{AT + timedelta(seconds=second):%Y%m%dT%H%M%S}" for second in range(3600)))
    with pytest.raises(claims.NoFreeBatchIdError, match="other runs have all of the 3600 seconds from 20261128T022848"):
        claims.claim_batch_id(hdfs, "build manual__a", AT)


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 4000)), min_size=1, max_size=12))
def test_one_id_has_one_run_and_one_run_one_id_in_whatever_order_they_claim(turns: list[tuple[int, int]]) -> None:
    hdfs, ids = Hdfs(), {}
    dates = dict(reversed(turns))
    for run, _ in turns:
        taken = claims.claim_batch_id(hdfs, f"build {run}", AT + timedelta(milliseconds=dates[run]))
        assert ids.setdefault(run, taken) == taken
    assert len(set(ids.values())) == len(ids)

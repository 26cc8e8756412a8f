"""Own data of every shape: what inspect proposes is run as it is, and lists are served by the person's own ids.

A zip, a folder, tar.gz, tar.xz, zstd, gzip, UTF-16, CP949 and zips of macOS and Windows come along. That every container
gives the same rows is tested without the stack, in tests/dags/marquee/ingest/own_data/test_containers.py.
"""

from pathlib import Path

import pytest

from tests.e2e.own_data import back_to_movielens, check_accounts, check_lists, inspect, live, run
from tests.shapes.every import SHAPES
from tests.stack import Stack

pytestmark = [pytest.mark.shapes, pytest.mark.stack, pytest.mark.timeout(3600)]


# test_every_source.py reads Parquet, from HDFS.
@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape != "parquet"])
def test_a_set_of_this_shape_is_served_by_its_own_ids(shape: str, stack: Stack, first_run: str, tmp_path: Path) -> None:
    data, dataset, mapping = SHAPES[shape](tmp_path), f"my-{shape}", tmp_path / "mapping.toml"
    printed = inspect(stack, mapping, f"--archive={data.archive}")
    assert "and 0 quarantined (0.0%)" in printed
    text = data.corrected(mapping.read_text(encoding="utf-8"))
    mapping.write_text(text, encoding="utf-8")
    with back_to_movielens(stack):
        seconds = run(stack, dataset, f"--archive={data.archive}", f"--mapping={mapping}")
        _, lineage = live(stack)
        assert lineage["snapshot"]["source"]["mapping"] == text
        check_lists(stack, data)
        check_accounts(stack, dataset, data)
        print(f"{dataset}: {seconds:.0f} s", flush=True)

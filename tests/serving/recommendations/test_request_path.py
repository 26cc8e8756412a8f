"""A request for a list runs straight down: what a reader of the code has to follow."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path
from types import FrameType

from flask.testing import FlaskClient

SERVING = Path(__file__).resolve().parents[3] / "serving"
# Files that declare and answer operations are above what they use.
FLOORS = {
    "web/operations.py": 3,
    "web/parameters.py": 3,
    "recommendations/api": 3,
    "recommendations/answers": 2,
    "publications": 1,
}


def floor(file: str) -> int:
    return next(level for start, level in FLOORS.items() if file.startswith(start))


def test_a_list_takes_at_most_15_stops_and_climbs_back_up_3_times(client: FlaskClient) -> None:
    address = "/v1/users/1/recommendations?limit=2"
    client.get(address)
    calls: list[tuple[str, str]] = []

    def note(frame: FrameType, event: str, _argument: object) -> None:
        file = Path(frame.f_code.co_filename)
        if event == "call" and file.is_relative_to(SERVING):
            calls.append((str(file.relative_to(SERVING)), frame.f_code.co_name))

    sys.setprofile(note)
    try:
        client.get(address)
    finally:
        sys.setprofile(None)
    names = [name for _, name in calls]
    path = [file for file, _ in calls[names.index("_handle") : names.index("json_answer") + 1]]
    stops = [path[0], *(after for before, after in pairwise(path) if after != before)]
    climbs = [(before, after) for before, after in pairwise(stops) if floor(after) > floor(before)]
    assert len(stops) <= 15, stops
    assert len(climbs) <= 3, climbs
    assert names.count("choose") == 1, "the publication is chosen once"

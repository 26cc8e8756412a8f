"""Mean rating per movie for one year, with mrjob: the clean rows of a cleaning job in, movie_id, ratings, mean out.

    python tests/bench/mr_average_ratings.py -r hadoop hdfs:///clean/ratings --output-dir hdfs:///means --year 2010

Each mapper adds up in a dictionary, so that one line a movie and mapper is shuffled: what a combiner would do, without
sorting what it combines.
"""

from __future__ import annotations

import sys
from calendar import timegm
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from mrjob.job import MRJob
from mrjob.protocol import BytesProtocol, BytesValueProtocol

MRJOB_CONF = Path(__file__).resolve().parents[2] / "mr_jobs" / "mrjob.conf"


class MRAverageRatings(MRJob):  # type: ignore[misc]  # mrjob is untyped
    """Adds up half stars, which are integers, so that the order of addition does not matter."""

    INPUT_PROTOCOL = BytesValueProtocol
    INTERNAL_PROTOCOL = BytesProtocol
    OUTPUT_PROTOCOL = BytesValueProtocol

    def configure_args(self) -> None:
        super().configure_args()
        self.add_passthru_arg("--year", type=int, required=True)

    def load_args(self, args: list[str]) -> None:
        super().load_args(args)
        if self.options.runner == "hadoop":
            self.options.conf_paths = [str(MRJOB_CONF)]
            self.options.task_python_bin = [sys.executable]

    def mapper(self, _: object, line: bytes) -> Iterator[tuple[bytes, bytes]]:
        raise NotImplementedError

    def reducer(self, key: bytes, values: Iterator[bytes]) -> Iterator[tuple[None, bytes]]:
        raise NotImplementedError

    def run_mapper(self, step_num: int = 0) -> None:
        first, end = (timegm((year, 1, 1, 0, 0, 0)) for year in (self.options.year, self.options.year + 1))
        half_stars: dict[bytes, int] = {}
        ratings: dict[bytes, int] = {}
        for line in self.stdin:
            outcome, _, _, _, movie, rating, rated_at, _ = line.split(b"\t", 7)
            if outcome == b"clean" and first <= int(rated_at) < end:
                half_stars[movie] = half_stars.get(movie, 0) + int(rating[:1]) * 2 + (rating[2:] == b"5")
                ratings[movie] = ratings.get(movie, 0) + 1
        for movie, count in ratings.items():
            self.stdout.write(b"%b\t%d\t%d\n" % (movie, count, half_stars[movie]))

    def run_reducer(self, step_num: int = 0) -> None:
        for movie, lines in groupby((line.split(b"\t") for line in self.stdin), lambda fields: fields[0]):
            sums = [(int(count), int(half_stars)) for _, count, half_stars in lines]
            count = sum(count for count, _ in sums)
            # Rounded among integers: engines round a double's half in different ways when they write it.
            millionths = (sum(half_stars for _, half_stars in sums) * 1_000_000 + count) // (2 * count)
            self.stdout.write(b"%b\t%d\t%d.%06d\n" % (movie, count, *divmod(millionths, 1_000_000)))


if __name__ == "__main__":
    MRAverageRatings.run()

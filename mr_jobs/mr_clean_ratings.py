"""Clean a ratings file on YARN; tag each row clean, quarantined or superseded.

    python mr_jobs/mr_clean_ratings.py -r hadoop hdfs:///marquee/raw/D/B/ratings.csv \
        --output-dir hdfs:///marquee/clean/D/B/ratings --layout csv [--latest-timestamp EPOCH]

Output columns: outcome, source_file, byte_offset, user_id, movie_id, rating, rated_at, reason, raw_line. Of several
ratings of one (user, movie) the latest wins. At equal times, the last one in the source wins.

Own data comes in the layouts rows and strengths, as ingest writes it. Strengths of one pair are summed, and stored as half
stars. A rating of 0.0 says that the user saw the movie and did not rate it. A row without a time has --latest-timestamp.
"""

from __future__ import annotations

from typing import ClassVar

import own_data_rules as own_data
from cleaning_job import KEY_SEPARATOR, CleaningJob
from field_rules import (
    DELIMITERS,
    EARLIEST_TIMESTAMP,
    RATING_TEXTS,
    parse_id,
    parse_rating,
    parse_timestamp,
    split_fields,
)

OWN_RATINGS = {**RATING_TEXTS, own_data.SEEN: own_data.SEEN_TEXT}


class MRCleanRatings(CleaningJob):
    """Tag rating rows; key: user and movie, precedence: time of rating."""

    columns = 4
    usual_values = RATING_TEXTS
    earliest_timestamp = EARLIEST_TIMESTAMP
    layouts: ClassVar[tuple[str, ...]] = tuple(sorted({**DELIMITERS, **own_data.DELIMITERS}))

    def load_args(self, args: list[str]) -> None:
        """Read own data by its own rules."""
        super().load_args(args)
        layout = self.options.layout
        if layout in own_data.DELIMITERS:
            self.delimiter = own_data.DELIMITERS[layout]
            self.usual_values = own_data.USUAL_STRENGTHS if layout == own_data.STRENGTHS else OWN_RATINGS
            # MovieLens began in 1995; other data may be older.
            self.earliest_timestamp = 0
            self.parse_strictly = self.parse_own_data_strictly  # type: ignore[method-assign]
            # A lone rating stays as it is; a lone strength becomes stars.
            self.settles_from = 2
        if layout == own_data.STRENGTHS:
            self.settles_from = 1
            self.reason_superseded = b"summed_into_newer_row"

    def parse_own_data_strictly(self, line: bytes) -> tuple[bytes, bytes, bytes]:
        """Return what ``parse_strictly`` returns, for a row that ingest wrote."""
        own_data.refuse_rejected(line)
        user, movie, value, time = split_fields(line, self.delimiter, 4)
        key = b"%d\x1f%d" % (parse_id(user, "user_id"), parse_id(movie, "movie_id"))
        earliest, latest = self.earliest_timestamp, self.latest_timestamp
        rated_at = parse_timestamp(time, latest, earliest) if time else latest
        if self.options.layout == own_data.STRENGTHS:
            return key, b"%d" % rated_at, own_data.parse_strength(value)
        return key, b"%d" % rated_at, own_data.SEEN_TEXT if value == own_data.SEEN else parse_rating(value)

    def settle(self, rows: list[list[bytes]]) -> list[list[bytes]]:
        """Return a pair's rows with what is kept at the end.

        A rating wins over a mark for seen. Strengths become half stars, and the last row has those of their sum.
        """
        if self.options.layout != own_data.STRENGTHS:
            return sorted(rows, key=lambda row: row[4].rstrip() != own_data.SEEN_TEXT)
        strengths = [float(row[4]) for row in rows]
        total = own_data.summed_strength([(int(row[1]), one) for row, one in zip(rows, strengths, strict=True)])
        stars = [own_data.stars_of_strength(strength) for strength in (*strengths[:-1], total)]
        return [[*row[:4], text] for row, text in zip(rows, stars, strict=True)]

    def parse(self, line: bytes) -> tuple[bytes, bytes, bytes]:
        """Return user and movie, Unix seconds, the rating's text; raise RejectedRowError."""
        fields = line.split(self.delimiter)
        if len(fields) == 4:
            user, movie, value, time = fields
            rating = self.usual_values.get(value)
            # A fast check of the usual row: ids one digit shorter than the largest id, no leading zero.
            if (
                rating is not None
                and user.isdigit()
                and movie.isdigit()
                and time.isdigit()
                and len(user) < 10
                and len(movie) < 10
                and len(time) < 11
                and user[0] != 48
                and movie[0] != 48
                and time[0] != 48
                and self.earliest_timestamp <= int(time) <= self.latest_timestamp
            ):
                return b"%b\x1f%b" % (user, movie), time, rating
        return self.parse_strictly(line)

    def parse_strictly(self, line: bytes) -> tuple[bytes, bytes, bytes]:
        """Return what ``parse`` returns, rule by rule, for unusual or wrong rows."""
        user_field, movie_field, rating_field, time_field = split_fields(line, self.delimiter, 4)
        user = parse_id(user_field, "user_id")
        movie = parse_id(movie_field, "movie_id")
        rating = parse_rating(rating_field)
        rated_at = parse_timestamp(time_field, self.latest_timestamp)
        return b"%d\x1f%d" % (user, movie), b"%d" % rated_at, rating

    @staticmethod
    def join_columns(key: bytes, precedence: bytes, rest: bytes) -> bytes:
        """Return user_id, movie_id, rating, rated_at."""
        return b"%b\t%b\t%b" % (key.replace(KEY_SEPARATOR, b"\t"), rest, precedence)


if __name__ == "__main__":
    MRCleanRatings.run()

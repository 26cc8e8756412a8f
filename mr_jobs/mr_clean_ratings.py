"""Clean a ratings file on YARN; tag each row clean, quarantined or superseded.

    python mr_jobs/mr_clean_ratings.py -r hadoop hdfs:///marquee/raw/D/B/ratings.csv \
        --output-dir hdfs:///marquee/clean/D/B/ratings --layout csv [--latest-timestamp EPOCH]

Output columns: outcome, source_file, byte_offset, user_id, movie_id, rating, rated_at, reason, raw_line. Of several
ratings of one (user, movie) the latest wins. At equal times, the last one in the source wins.
"""

from __future__ import annotations

from cleaning_job import KEY_SEPARATOR, CleaningJob
from field_rules import (
    EARLIEST_TIMESTAMP,
    RATING_TEXTS,
    parse_id,
    parse_rating,
    parse_timestamp,
    split_fields,
)


class MRCleanRatings(CleaningJob):
    """Tag rating rows; key: user and movie, precedence: time of rating."""

    columns = 4

    def parse(self, line: bytes) -> tuple[bytes, bytes, bytes]:
        """Return user and movie, Unix seconds, the rating's text; raise RejectedRowError."""
        fields = line.split(self.delimiter)
        if len(fields) == 4:
            user, movie, stars, time = fields
            rating = RATING_TEXTS.get(stars)
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
                and EARLIEST_TIMESTAMP <= int(time) <= self.latest_timestamp
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

"""Clean a tags file on YARN; tag each row clean, quarantined or superseded.

    python mr_jobs/mr_clean_tags.py -r hadoop hdfs:///marquee/raw/D/B/tags.csv \
        --output-dir hdfs:///marquee/clean/D/B/tags --layout csv [--latest-timestamp EPOCH]

Output columns: outcome, source_file, byte_offset, user_id, movie_id, tag, tagged_at, reason, raw_line. A user may give
a movie many tags. Of equal tags the latest wins. At equal times, the last one in the source wins.
"""

from __future__ import annotations

from cleaning_job import KEY_SEPARATOR, CleaningJob
from field_rules import decode_text, parse_id, parse_tag, parse_timestamp, split_fields


class MRCleanTags(CleaningJob):
    """Tag tag rows; key: user, movie and tag, precedence: time of tagging."""

    columns = 4

    def parse(self, line: bytes) -> tuple[bytes, bytes, bytes]:
        """Return user, movie and tag, Unix seconds, no rest; raise RejectedRowError."""
        layout = self.options.layout
        user_field, movie_field, tag_field, time_field = split_fields(line, self.delimiter, 4)
        user = parse_id(user_field, "user_id")
        movie = parse_id(movie_field, "movie_id")
        tag = parse_tag(decode_text(tag_field, layout, self.options.encoding))
        tagged_at = parse_timestamp(time_field, self.latest_timestamp)
        return KEY_SEPARATOR.join((b"%d" % user, b"%d" % movie, tag.encode())), b"%d" % tagged_at, b""

    @staticmethod
    def join_columns(key: bytes, precedence: bytes, rest: bytes) -> bytes:
        """Return user_id, movie_id, tag, tagged_at."""
        return b"%b\t%b" % (key.replace(KEY_SEPARATOR, b"\t"), precedence)


if __name__ == "__main__":
    MRCleanTags.run()

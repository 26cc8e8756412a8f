"""Clean a links file on YARN; tag each row clean, quarantined or superseded.

    python mr_jobs/mr_clean_links.py -r hadoop hdfs:///marquee/raw/D/B/links.csv \
        --output-dir hdfs:///marquee/clean/D/B/links --layout csv

Output columns: outcome, source_file, byte_offset, movie_id, imdb_id, tmdb_id, reason, raw_line. IMDb's id keeps its
leading zeros (at least seven digits, as in its addresses). An id that the source leaves empty is NULL. Of several rows
of one movie, the last one in the source wins.
"""

from __future__ import annotations

from cleaning_job import NULL, CleaningJob
from field_rules import parse_id, split_fields


class MRCleanLinks(CleaningJob):
    """Tag link rows; key: movie, precedence: position in the source."""

    columns = 3

    def parse(self, line: bytes) -> tuple[bytes, bytes, bytes]:
        """Return movie, 0 (position decides), imdb_id, tmdb_id; raise RejectedRowError."""
        movie_field, imdb_field, tmdb_field = split_fields(line, self.delimiter, 3)
        movie = parse_id(movie_field, "movie_id")
        imdb = b"%07d" % parse_id(imdb_field, "imdb_id") if imdb_field else NULL
        tmdb = b"%d" % parse_id(tmdb_field, "tmdb_id") if tmdb_field else NULL
        return b"%d" % movie, b"0", b"%b\t%b" % (imdb, tmdb)

    @staticmethod
    def join_columns(key: bytes, precedence: bytes, rest: bytes) -> bytes:
        """Return movie_id, imdb_id, tmdb_id."""
        return b"%b\t%b" % (key, rest)


if __name__ == "__main__":
    MRCleanLinks.run()

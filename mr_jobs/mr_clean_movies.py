"""Clean a movies file on YARN; tag each row clean, quarantined or superseded.

    python mr_jobs/mr_clean_movies.py -r hadoop hdfs:///marquee/raw/D/B/movies.csv \
        --output-dir hdfs:///marquee/clean/D/B/movies --layout csv

Output columns: outcome, source_file, byte_offset, movie_id, title, release_year, genres, reason, raw_line. The job
takes the year out of the title and joins genres by '|'. Own data, in the layouts rows and strengths, has a year of its
own. Of several rows of one movie, the last one in the source wins.
"""

from __future__ import annotations

from typing import ClassVar

import own_data_rules as own_data
from cleaning_job import NULL, CleaningJob
from field_rules import (
    DELIMITERS,
    ITEM_FIELDS_BEFORE_GENRES,
    ITEM_GENRES,
    decode_text,
    genres_of_flags,
    join_genres,
    parse_id,
    split_fields,
    split_title,
)


class MRCleanMovies(CleaningJob):
    """Tag movie rows; key: movie, precedence: position in the source."""

    columns = 4
    layouts: ClassVar[tuple[str, ...]] = tuple(sorted({**DELIMITERS, **own_data.DELIMITERS}))

    def parse(self, line: bytes) -> tuple[bytes, bytes, bytes]:
        """Return movie, 0 (position decides), the other columns; raise RejectedRowError.

        These are title, release_year, genres.
        """
        layout, encoding = self.options.layout, self.options.encoding
        released = b""
        if layout in own_data.DELIMITERS:
            own_data.refuse_rejected(line)
            number, name, released, joined = split_fields(line, own_data.DELIMITERS[layout], 4)
            fields = [number, name]
            genres = join_genres(decode_text(joined, layout, encoding).split("|"))
        elif layout == "tab":  # u.item: pipes, five fields, then one flag a genre
            fields = split_fields(line, b"|", ITEM_FIELDS_BEFORE_GENRES + len(ITEM_GENRES))
            genres = genres_of_flags(fields[ITEM_FIELDS_BEFORE_GENRES:])
        else:
            fields = split_fields(line, self.delimiter, 3)
            genres = join_genres(decode_text(fields[2], layout, encoding).split("|"))
        movie = parse_id(fields[0], "movie_id")
        title, year = split_title(decode_text(fields[1], layout, encoding))
        year = int(released) if released else year
        rest = [title.encode(), NULL if year is None else b"%d" % year, genres.encode()]
        return b"%d" % movie, b"0", b"\t".join(rest)

    @staticmethod
    def join_columns(key: bytes, precedence: bytes, rest: bytes) -> bytes:
        """Return movie_id, title, release_year, genres."""
        return b"%b\t%b" % (key, rest)


if __name__ == "__main__":
    MRCleanMovies.run()

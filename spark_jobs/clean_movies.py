"""Clean a movies file on Spark.

The rows are the same as those of ``mr_jobs/mr_clean_movies.py``.

    spark-submit spark_jobs/clean_movies.py hdfs:///marquee/raw/D/B/movies.csv \
        --output-dir hdfs:///marquee/clean/D/B/movies --layout csv

Of several rows of one movie, the last one is kept.
"""

from __future__ import annotations

import argparse

from cleaning.fields import (
    DELIMITERS,
    FLAGGED_GENRES,
    decode_text,
    genres_of_flags,
    join_genres,
    parse_id,
    split_title,
)
from cleaning.rows import Row, Table, run
from pyspark.sql import Column
from pyspark.sql import functions as sf

ITEM_FIELDS_BEFORE_GENRES = 5
ITEM_GENRES = 1 + len(FLAGGED_GENRES)
SHAPES = {
    **{layout: (delimiter, 3) for layout, delimiter in DELIMITERS.items()},
    "tab": ("|", ITEM_FIELDS_BEFORE_GENRES + ITEM_GENRES),  # u.item: pipes, five fields, then one flag a genre
}


def parse_movies(fields: Column, options: argparse.Namespace) -> Row:
    """Return movie_id, title, release_year and genres.

    The key is the movie. The position in the source decides which row is kept.
    """
    layout, encoding = options.layout, options.encoding
    if layout == "tab":
        genres, genres_reason = genres_of_flags(sf.slice(fields, ITEM_FIELDS_BEFORE_GENRES + 1, ITEM_GENRES))
    else:
        genres_text, genres_reason = decode_text(sf.get(fields, sf.lit(2)), layout, encoding)
        genres = join_genres(sf.split(genres_text, r"\|", -1))
    movie, movie_reason = parse_id(sf.get(fields, sf.lit(0)), "movie_id")
    text, text_reason = decode_text(sf.get(fields, sf.lit(1)), layout, encoding)
    title, year, title_reason = split_title(text)
    reason = sf.coalesce(genres_reason, movie_reason, text_reason, title_reason)
    columns = {"movie_id": movie, "title": title, "release_year": year, "genres": genres}
    return Row(columns, reason, key=["movie_id"])


MOVIES = Table(SHAPES, parse_movies)

if __name__ == "__main__":
    run("clean_movies", MOVIES)

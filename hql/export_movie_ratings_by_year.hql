-- Writes movie_ratings_by_year of a batch as text for the publication: UTF-8, tabs, NULL as \N, no header, sorted.
-- Parameters: batch_id, attempt.
-- Usage: after load_movie_ratings_by_year.hql. Writes to the folder of its try.
-- A movie without a title has ratings but no row in movies, and is not published.
INSERT OVERWRITE DIRECTORY '/marquee/exports/{{ batch_id }}/_attempts/work-{{ attempt }}/movie_ratings_by_year'
ROW FORMAT DELIMITED FIELDS TERMINATED BY '\t' NULL DEFINED AS '\\N'
STORED AS TEXTFILE
SELECT
    movie_id,
    rating_year,
    ratings,
    mean_rating
FROM marquee.movie_ratings_by_year
WHERE
    batch_id = '{{ batch_id }}'
    AND movie_id IN (
        SELECT movies.movie_id
        FROM marquee.movies
        WHERE movies.batch_id = '{{ batch_id }}'
    )
ORDER BY movie_id, rating_year

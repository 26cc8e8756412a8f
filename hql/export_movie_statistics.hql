-- Writes movie_statistics of a batch as text for the publication: UTF-8, tabs, NULL as \N, no header, sorted.
-- Parameters: batch_id, attempt.
-- Usage: after load_movie_statistics.hql. Writes to the folder of its try.
-- A movie without a title has ratings but no row in movies, and is not published.
INSERT OVERWRITE DIRECTORY '/marquee/exports/{{ batch_id }}/_attempts/work-{{ attempt }}/movie_statistics'
ROW FORMAT DELIMITED FIELDS TERMINATED BY '\t' NULL DEFINED AS '\\N'
STORED AS TEXTFILE
SELECT
    movie_id,
    ratings,
    mean_rating,
    bayesian_mean,
    first_rated_at,
    last_rated_at
FROM marquee.movie_statistics
WHERE
    batch_id = '{{ batch_id }}'
    AND movie_id IN (
        SELECT movies.movie_id
        FROM marquee.movies
        WHERE movies.batch_id = '{{ batch_id }}'
    )
ORDER BY movie_id

-- Writes movies of a batch as text for the publication: UTF-8, tabs, NULL as \N, no header, sorted.
-- Parameters: batch_id, attempt.
-- Usage: after load_movies.hql. Writes to the folder of its try.
INSERT OVERWRITE DIRECTORY '/marquee/exports/{{ batch_id }}/_attempts/work-{{ attempt }}/movies'
ROW FORMAT DELIMITED FIELDS TERMINATED BY '\t' NULL DEFINED AS '\\N'
STORED AS TEXTFILE
SELECT
    movie_id,
    title,
    release_year,
    genres
FROM marquee.movies
WHERE batch_id = '{{ batch_id }}'
ORDER BY movie_id

-- Writes popular_by_genre of a batch as text for the publication: UTF-8, tabs, NULL as \N, no header, sorted.
-- Parameters: batch_id, attempt.
-- Usage: after load_popular_by_genre.hql. Writes to the folder of its try.
INSERT OVERWRITE DIRECTORY '/marquee/exports/{{ batch_id }}/_attempts/work-{{ attempt }}/popular_by_genre'
ROW FORMAT DELIMITED FIELDS TERMINATED BY '\t' NULL DEFINED AS '\\N'
STORED AS TEXTFILE
SELECT
    genre,
    `rank`,
    movie_id,
    ratings,
    bayesian_mean
FROM marquee.popular_by_genre
WHERE batch_id = '{{ batch_id }}'
ORDER BY genre, `rank`

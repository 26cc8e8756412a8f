-- Writes similar_movies of a batch as text for the publication: UTF-8, tabs, NULL as \N, no header.
-- Parameters: batch_id, attempt.
-- Usage: after add_partition.hql. Writes to the folder of its try.
-- Rows have no order: the build sorts them, and one reducer would sort all lists of a large batch.
INSERT OVERWRITE DIRECTORY '/marquee/exports/{{ batch_id }}/_attempts/work-{{ attempt }}/similar_movies'
ROW FORMAT DELIMITED FIELDS TERMINATED BY '\t' NULL DEFINED AS '\\N'
STORED AS TEXTFILE
SELECT
    movie_id,
    `rank`,
    similar_movie_id,
    score
FROM marquee.similar_movies
WHERE batch_id = '{{ batch_id }}'

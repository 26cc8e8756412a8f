-- Writes ratings_by_year of a batch as text for the publication: UTF-8, tabs, NULL as \N, no header, sorted.
-- Parameters: batch_id, attempt.
-- Usage: after load_ratings_by_year.hql. Writes to the folder of its try.
INSERT OVERWRITE DIRECTORY '/marquee/exports/{{ batch_id }}/_attempts/work-{{ attempt }}/ratings_by_year'
ROW FORMAT DELIMITED FIELDS TERMINATED BY '\t' NULL DEFINED AS '\\N'
STORED AS TEXTFILE
SELECT
    rating_year,
    ratings,
    users,
    movies,
    mean_rating
FROM marquee.ratings_by_year
WHERE batch_id = '{{ batch_id }}'
ORDER BY rating_year

-- Writes ratings_by_year of a batch as text for the publication: UTF-8, tabs, NULL as \N, no header, sorted.
-- Parameters: batch_id.
-- Usage: after load_ratings_by_year.hql. Replaces the export folder.
INSERT OVERWRITE DIRECTORY '/marquee/exports/{{ batch_id }}/ratings_by_year'
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

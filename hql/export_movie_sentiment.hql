-- Writes movie_sentiment of a batch as text for the reviews database: UTF-8, tabs, no header, sorted.
-- Parameters: batch_id, attempt.
-- Usage: after load_movie_sentiment.hql. Writes to the folder of its try.
INSERT OVERWRITE DIRECTORY '/marquee/exports/{{ batch_id }}/_attempts/work-{{ attempt }}/movie_sentiment'
ROW FORMAT DELIMITED FIELDS TERMINATED BY '\t' NULL DEFINED AS '\\N'
STORED AS TEXTFILE
SELECT
    movie_id,
    month,
    reviews,
    mean_probability,
    share_positive
FROM marquee.movie_sentiment
WHERE batch_id = '{{ batch_id }}'
ORDER BY movie_id, month

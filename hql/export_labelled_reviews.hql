-- Writes labelled_reviews of a batch as text for the training: UTF-8, tabs, NULL as \N, no header, sorted.
-- Parameters: batch_id, attempt.
-- Usage: after load_labelled_reviews.hql. Writes to the folder of its try.
INSERT OVERWRITE DIRECTORY '/marquee/exports/{{ batch_id }}/_attempts/work-{{ attempt }}/labelled_reviews'
ROW FORMAT DELIMITED FIELDS TERMINATED BY '\t' NULL DEFINED AS '\\N'
STORED AS TEXTFILE
SELECT
    source_file,
    byte_offset,
    corpus,
    corpus_file,
    corpus_line,
    label,
    `language`,
    changes,
    part,
    text
FROM marquee.labelled_reviews
WHERE batch_id = '{{ batch_id }}'
ORDER BY source_file, byte_offset

-- Writes row_accounting of a batch as text for the publication: UTF-8, tabs, NULL as \N, no header, sorted.
-- Parameters: batch_id, attempt.
-- Usage: after load_row_accounting.hql. Writes to the folder of its try.
INSERT OVERWRITE DIRECTORY '/marquee/exports/{{ batch_id }}/_attempts/work-{{ attempt }}/row_accounting'
ROW FORMAT DELIMITED FIELDS TERMINATED BY '\t' NULL DEFINED AS '\\N'
STORED AS TEXTFILE
SELECT
    source_file,
    rows_in,
    rows_clean,
    rows_quarantined,
    rows_superseded
FROM marquee.row_accounting
WHERE batch_id = '{{ batch_id }}'
ORDER BY source_file

-- Writes movie_neighbours of a batch as text for the publication: UTF-8, tabs, NULL as \N, no header.
-- Parameters: batch_id, attempt.
-- Usage: after add_partition.hql. Writes to the folder of its try.
-- Rows have no order: the build sorts them, and one reducer would sort all lists of a large batch.
INSERT OVERWRITE DIRECTORY '/marquee/exports/{{ batch_id }}/_attempts/work-{{ attempt }}/movie_neighbours'
ROW FORMAT DELIMITED FIELDS TERMINATED BY '\t' NULL DEFINED AS '\\N'
STORED AS TEXTFILE
SELECT
    movie_id,
    `rank`,
    neighbour_id,
    weight
FROM marquee.movie_neighbours
WHERE batch_id = '{{ batch_id }}'

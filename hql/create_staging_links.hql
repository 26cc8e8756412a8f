-- Every row of the links file with its outcome, as mr_clean_links.py wrote it.
-- Parameters: none.
-- Usage: once before load_staging_links.hql; does nothing where the table exists.
CREATE EXTERNAL TABLE IF NOT EXISTS marquee.staging_links (
    outcome STRING COMMENT 'clean, quarantined or superseded',
    source_file STRING COMMENT 'file of the raw snapshot',
    byte_offset BIGINT COMMENT 'bytes before the row in that file',
    movie_id INT COMMENT '1 to 2147483647',
    imdb_id STRING COMMENT 'seven digits or more, NULL where the source names none',
    tmdb_id INT COMMENT 'NULL where the source names none',
    reason STRING COMMENT 'why the row is not clean, NULL for clean rows',
    raw_line STRING COMMENT 'base64 of the row as it stands in the file, quarantined rows only'
)
COMMENT 'Link rows with their outcome as text, in the job output folder'
PARTITIONED BY (batch_id STRING COMMENT 'UTC stamp of the run, YYYYMMDDTHHMMSS')
ROW FORMAT DELIMITED FIELDS TERMINATED BY '\t' NULL DEFINED AS '\\N'
STORED AS TEXTFILE
LOCATION '/marquee/warehouse/staging_links'
TBLPROPERTIES ('transactional' = 'false')

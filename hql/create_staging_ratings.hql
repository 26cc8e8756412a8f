-- Every row of the ratings files with its outcome, as mr_clean_ratings.py wrote it.
-- Parameters: none.
-- Usage: once before load_staging_ratings.hql; does nothing where the table exists.
CREATE EXTERNAL TABLE IF NOT EXISTS marquee.staging_ratings (
    outcome STRING COMMENT 'clean, quarantined or superseded',
    source_file STRING COMMENT 'file of the raw snapshot',
    byte_offset BIGINT COMMENT 'bytes before the row in that file',
    user_id INT COMMENT '1 to 2147483647',
    movie_id INT COMMENT '1 to 2147483647',
    rating DOUBLE COMMENT 'half stars, 0.5 to 5.0, or 0.0 for a pair that was only seen',
    rated_at BIGINT COMMENT 'Unix seconds, UTC',
    reason STRING COMMENT 'why the row is not clean, NULL for clean rows',
    raw_line STRING COMMENT 'base64 of the row as it stands in the file, quarantined rows only'
)
COMMENT 'Ratings rows with their outcome as text, in the job output folder'
PARTITIONED BY (batch_id STRING COMMENT 'UTC stamp of the run, YYYYMMDDTHHMMSS')
ROW FORMAT DELIMITED FIELDS TERMINATED BY '\t' NULL DEFINED AS '\\N'
STORED AS TEXTFILE
LOCATION '/marquee/warehouse/staging_ratings'
TBLPROPERTIES ('transactional' = 'false')

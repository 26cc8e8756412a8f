-- Every row of the tags file with its outcome, as mr_clean_tags.py wrote it.
-- Parameters: none.
-- Usage: once before load_staging_tags.hql; does nothing where the table exists.
CREATE EXTERNAL TABLE IF NOT EXISTS marquee.staging_tags (
    outcome STRING COMMENT 'clean, quarantined or superseded',
    source_file STRING COMMENT 'file of the raw snapshot',
    byte_offset BIGINT COMMENT 'bytes before the row in that file',
    user_id INT COMMENT '1 to 2147483647',
    movie_id INT COMMENT '1 to 2147483647',
    tag STRING COMMENT 'the tag as the user wrote it, trimmed',
    tagged_at BIGINT COMMENT 'Unix seconds, UTC, the latest where the tag was given again',
    reason STRING COMMENT 'why the row is not clean, NULL for clean rows',
    raw_line STRING COMMENT 'base64 of the row as it stands in the file, quarantined rows only'
)
COMMENT 'Tag rows with their outcome as text, in the job output folder'
PARTITIONED BY (batch_id STRING COMMENT 'UTC stamp of the run, YYYYMMDDTHHMMSS')
ROW FORMAT DELIMITED FIELDS TERMINATED BY '\t' NULL DEFINED AS '\\N'
STORED AS TEXTFILE
LOCATION '/marquee/warehouse/staging_tags'
TBLPROPERTIES ('transactional' = 'false')
